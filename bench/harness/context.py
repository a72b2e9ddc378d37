"""What a row is run with: where programs are, a scratch folder on disk, free ports, and the options of the command line."""

import contextlib
import os
import shutil
import socket
import tempfile
from dataclasses import dataclass
from typing import Dict, List, Optional, Set

from . import procs

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def cache_folder() -> str:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "yun", "bench")


@dataclass
class Options:
    rounds: int = 5
    seconds: float = 4
    open_seconds: float = 3
    quick: bool = False
    build: bool = True
    write: bool = True
    dist: str = os.path.join(TOP, "build", "dist")


class Context:
    def __init__(self, options: Options, row: str):
        self.options, self.row = options, row
        self.dist = options.dist
        base = os.path.join(self.dist, "bench-scratch")
        os.makedirs(base, exist_ok=True)
        self.scratch = tempfile.mkdtemp(prefix=f"{row}.", dir=base)
        self.processes: List[procs.Process] = []
        self.facts: Dict[str, object] = {}  # what `prepare` leaves for commands and cases

    def program(self, name: str) -> str:
        """A program of the dist build's bin/, or one of bench's own below it."""
        for folder in ("bin/bench", "bin"):
            path = os.path.join(self.dist, folder, name)
            if os.access(path, os.X_OK) and os.path.isfile(path):
                return path
        return os.path.join(self.dist, "bin", "bench", name)

    def peer(self, name: str) -> str:
        return os.path.join(cache_folder(), "bin", name)

    def file(self, name: str, content: "str | bytes | None" = None) -> str:
        path = os.path.join(self.scratch, name)
        if content is not None:
            with open(path, "wb") as out:
                out.write(content.encode() if isinstance(content, str) else content)
        return path

    def source(self, *path: str) -> str:
        return os.path.join(TOP, "bench", *path)

    def template(self, source: str, into: str, **values: object) -> str:
        """A file of the tree with @NAME@ filled in, in the scratch folder."""
        with open(self.source(source)) as file:
            text = file.read()
        for key, value in {"scratch": self.scratch, **values}.items():
            text = text.replace(f"@{key.upper()}@", str(value))
        return self.file(into, text)

    def port(self) -> int:
        """A port that was free a moment ago and that this row does not give twice; below the ephemeral range where that is known."""
        taken = self.facts.setdefault("ports", set())
        for candidate in range(21000 + os.getpid() % 500 * 20, 32000):
            if candidate in taken:
                continue
            with contextlib.closing(socket.socket()) as probe:
                try:
                    probe.bind(("127.0.0.1", candidate))
                except OSError:
                    continue
            taken.add(candidate)
            return candidate
        raise RuntimeError("no free port")

    def start(self, argv: List[str], name: str, *, core: "int | Set[int] | None" = procs.SERVER_CORE, env: Optional[Dict[str, str]] = None) -> procs.Process:
        process = procs.Process(argv, self.file(f"{name}.out"), core=core, env=env)
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in reversed(self.processes):
            process.stop()
        shutil.rmtree(self.scratch, ignore_errors=True)
