"""What kind of machine this is, for the results."""

import os
import platform
from typing import Dict, Union


def _first(path: str, key: str) -> str:
    try:
        with open(path) as file:
            for line in file:
                name, _, value = line.partition(":" if ":" in line else "=")
                if name.strip() == key:
                    return value.strip().strip('"')
    except OSError:
        pass
    return "unknown"


def kind() -> Dict[str, Union[str, int]]:
    memory = _first("/proc/meminfo", "MemTotal").split()
    return {
        "cores": os.cpu_count() or 1,
        "cpu": _first("/proc/cpuinfo", "model name"),
        "memory_gib": round(int(memory[0]) / 2**20) if memory[0].isdigit() else 0,
        "kernel": platform.release(),
        "system": _first("/etc/os-release", "PRETTY_NAME"),
    }
