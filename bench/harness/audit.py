"""The void rule: a server of ours must have logged and counted exactly what it was sent, and nothing may have failed."""

import re
import time
from dataclasses import dataclass
from typing import Dict, List, Optional

from . import answers

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? ([0-9.eE+-]+|NaN)(?: .*)?$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def samples(text: str, family: str) -> List["tuple[Dict[str, str], float]"]:
    """The series of one family in Prometheus's text format."""
    found = []
    for line in text.splitlines():
        match = _SAMPLE.match(line)
        if match and match[1] == family:
            found.append((dict(_LABEL.findall(match[2] or "")), float(match[3])))
    return found


def count_lines(path: str, mark: bytes, offset: int = 0) -> "tuple[int, int]":
    """Lines of `path` from `offset` on that have `mark`, and where the file ended."""
    count, rest = 0, b""
    with open(path, "rb") as file:
        file.seek(offset)
        while True:
            piece = file.read(1 << 24)
            if not piece:
                break
            offset += len(piece)
            whole, newline, tail = (rest + piece).rpartition(b"\n")
            if not newline:
                rest += piece
                continue
            rest = tail
            count += whole.count(mark)
        return count, offset - len(rest)


@dataclass
class Counts:
    lines: int
    counted: int
    failed: int  # counted with a status that is an error


class Ledger:
    """What a server has logged and counted since the ledger was opened. `path`: the route's pattern, which is `label` of its series; `mark`: what each
    line of a request to it has; `family`: the counter; `also`: another value of the label that counts, of what was refused before it had a route."""

    def __init__(self, log: str, admin_port: int, path: str, mark: Optional[bytes] = None, family: str = "http_requests_total", label: str = "path",
                 also: Optional[str] = None):
        self.log, self.admin_port, self.paths, self.family, self.label = log, admin_port, (path, also), family, label
        self.mark = mark or f'"route":"{path}"'.encode()
        self._offset = 0
        self._lines = 0
        self.begin = self._settled()

    def _metrics(self) -> "tuple[int, int]":
        text = answers.http(self.admin_port, "/metrics").body.decode()
        mine = [(labels, value) for labels, value in samples(text, self.family) if labels.get(self.label, "") in self.paths]
        failed = sum(value for labels, value in mine if labels.get("code") != "OK" and not labels.get("status", "").startswith(("2", "3")))
        return int(sum(value for _, value in mine)), int(failed)

    def _settled(self, seconds: float = 10) -> Counts:
        """The counts once they agree with one another, or after `seconds` in which nothing changed any more."""
        until, last = time.monotonic() + seconds, None
        while True:
            lines, self._offset = count_lines(self.log, self.mark, self._offset)
            self._lines += lines
            counted, failed = self._metrics()
            now = Counts(self._lines, counted, failed)
            if now == last and (now.lines == now.counted or time.monotonic() > until):
                return now
            if now != last and last is not None:
                until = max(until, time.monotonic() + 2)
            last = now
            time.sleep(0.05)

    def close(self) -> Counts:
        end = self._settled()
        return Counts(end.lines - self.begin.lines, end.counted - self.begin.counted, end.failed - self.begin.failed)


def faults(requests: int, errors: int, cut_off: int, counts: Optional[Counts]) -> List[str]:
    """Why a row is void; empty when it stands. `requests`: what the generators counted as answered; `cut_off`: what the server may have
    answered beyond that because a generator hung up at its deadline."""
    found = []
    if errors:
        found.append(f"{errors} requests failed")
    if counts is None:
        return found
    if counts.lines != counts.counted:
        found.append(f"{counts.lines} lines in the access log, but {counts.counted} requests in /metrics")
    if counts.failed:
        found.append(f"{counts.failed} requests were answered with an error")
    if not requests <= counts.counted <= requests + cut_off:
        beyond = f" to {requests + cut_off}" if cut_off else ""
        found.append(f"{requests}{beyond} requests were sent, but {counts.counted} are in /metrics")
    return found
