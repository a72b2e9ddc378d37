"""Processes: started on one core, and what /proc says of them and their children."""

import ctypes
import os
import signal
import subprocess
import time
from typing import Dict, List, Optional, Sequence, Set

SERVER_CORE, LOAD_CORE = 0, 1
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def tree(pid: int) -> List[int]:
    """pid and all that descend from it and live."""
    found = [pid]
    for parent in found:
        try:
            threads = os.listdir(f"/proc/{parent}/task")
        except FileNotFoundError:
            continue
        for thread in threads:
            try:
                with open(f"/proc/{parent}/task/{thread}/children") as file:
                    found.extend(int(child) for child in file.read().split())
            except FileNotFoundError:
                pass
    return found


def _stat(pid: int) -> List[str]:
    """The fields of /proc/PID/stat after the name: index 0 is field 3 of proc(5)."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()


def cpu_seconds(pid: int) -> float:
    """User and system time of the tree so far: all threads, and the children that were waited for."""
    total = 0
    for each in tree(pid):
        try:
            total += sum(int(field) for field in _stat(each)[11:15])  # utime stime cutime cstime
        except FileNotFoundError:
            pass
    return total / TICKS


def rss_bytes(pid: int) -> int:
    total = 0
    for each in tree(pid):
        try:
            with open(f"/proc/{each}/statm") as file:
                total += int(file.read().split()[1]) * PAGE
        except FileNotFoundError:
            pass
    return total


def anonymous_bytes(pid: int) -> int:
    """What of the tree's RSS is no file's: heaps and stacks, without programs and shared libraries."""
    total = 0
    for each in tree(pid):
        try:
            with open(f"/proc/{each}/status") as file:
                total += sum(int(line.split()[1]) << 10 for line in file if line.startswith("RssAnon:"))
        except FileNotFoundError:
            pass
    return total


def busy_seconds() -> float:
    """Time that all cores spent on anything but idling, the hypervisor's share included."""
    with open("/proc/stat") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / TICKS


def _prepare(core: "int | Set[int] | None"):
    parent = os.getpid()

    def run_in_child():
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        if core is not None:
            os.sched_setaffinity(0, {core} if isinstance(core, int) else core)

    return run_in_child


class Process:
    """A server of the bench. It ends with the harness, whatever becomes of that."""

    def __init__(self, argv: List[str], log: str, *, core: "int | Set[int] | None" = SERVER_CORE, env: Optional[Dict[str, str]] = None, cwd: Optional[str] = None):
        self.argv, self.log = argv, log
        with open(log, "ab") as out:
            self._child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, env={**os.environ, **(env or {})}, preexec_fn=_prepare(core)
            )
        self.pid = self._child.pid

    def alive(self) -> bool:
        return self._child.poll() is None

    def last_words(self) -> str:
        with open(self.log, errors="replace") as file:
            lines = file.read().strip().splitlines()
        return lines[-1] if lines else "(it said nothing)"

    def stop(self, grace: float = 5) -> int:
        if self.alive():
            self._child.terminate()
            try:
                self._child.wait(grace)
            except subprocess.TimeoutExpired:
                self._child.kill()
        return self._child.wait()


def run_load(argv: List[str], timeout: float, core: Optional[int] = LOAD_CORE) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, preexec_fn=_prepare(core))


class Stopwatch:
    """CPU that a server (of one process tree or several), and what is no part of the bench, spent while a block ran. `also`: processes of the
    bench beside server and load."""

    def __init__(self, pid: "int | Sequence[int]", also: Sequence[int] = ()):
        self.pids = [pid] if isinstance(pid, int) else list(pid)
        self.also = [each for each in also if each not in self.pids]

    def _ours(self) -> float:
        return sum(os.times()[:4]) + sum(cpu_seconds(each) for each in self.also)

    def _server(self) -> float:
        return sum(cpu_seconds(each) for each in self.pids)

    def __enter__(self) -> "Stopwatch":
        self._busy, self._spent, self._wall = busy_seconds(), self._server(), time.monotonic()
        self._load = self._ours()
        return self

    def __exit__(self, *_):
        self.wall = time.monotonic() - self._wall
        self.server = self._server() - self._spent
        load = self._ours() - self._load
        self.others = max(0.0, busy_seconds() - self._busy - self.server - load) / self.wall if self.wall > 0 else 0.0
