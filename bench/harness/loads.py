"""The load generators and what they say: wrk and h2load for closed loops (capacity and CPU), openloop for latencies."""

import json
import re
from dataclasses import dataclass, field
from typing import Dict, List, Optional

from . import procs


@dataclass
class Loaded:
    requests: int  # answers that came, whole and without error
    errors: int = 0
    seconds: float = 0.0
    cut_off: int = 0  # requests that the server may have answered and the generator no longer counted, at most
    data_bytes: Optional[int] = None  # bodies, where the generator tells
    head_bytes: Optional[int] = None
    percentiles: Dict[str, float] = field(default_factory=dict)  # p50, p90, p99, p999, max in microseconds
    answered_p99: float = 0.0  # without what was never answered
    sent_p99: float = 0.0  # the same, from when a connection took the request
    refused: int = 0  # answers from 400 on, where they are no errors
    said: str = ""

    @property
    def rate(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0


class LoadFailed(Exception):
    pass


def _run(argv: List[str], timeout: float) -> str:
    done = procs.run_load(argv, timeout)
    if done.returncode != 0:
        raise LoadFailed(f"{argv[0].rsplit('/', 1)[-1]}: {(done.stderr or done.stdout).strip().splitlines()[-1:] or done.returncode}")
    return done.stdout


def parse_wrk(said: str) -> Loaded:
    found = re.search(r"^\s*(\d+) requests in ([\d.]+)(us|ms|s|m),", said, re.M)
    if not found:
        raise LoadFailed("wrk: its output is not understood")
    seconds = float(found[2]) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[found[3]]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    errors = (int(bad[1]) if bad else 0) + (sum(int(n) for n in sockets.groups()) if sockets else 0)
    return Loaded(int(found[1]) - (int(bad[1]) if bad else 0), errors, seconds, said=said.strip())


def wrk(url: str, seconds: float, *, connections: int = 64, script: Optional[str] = None, in_flight: int = 1, headers: Optional[List[str]] = None) -> Loaded:
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    for header in headers or []:
        argv += ["-H", header]
    loaded = parse_wrk(_run([*argv, *(["-s", script] if script else []), url], seconds + 30))
    loaded.cut_off = connections * in_flight
    return loaded


def _amount(text: str) -> int:
    """The exact number of bytes that h2load has in parentheses."""
    return int(text)


def parse_h2load(said: str) -> Loaded:
    took = re.search(r"^finished in ([\d.]+)(us|ms|s),", said, re.M)
    counts = re.search(r"^requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", said, re.M)
    statuses = re.search(r"^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", said, re.M)
    traffic = re.search(r"\((\d+)\) total, .*\((\d+)\) headers .*\((\d+)\) data", said)
    if not (took and counts and statuses):
        raise LoadFailed("h2load: its output is not understood")
    total, _started, _done, succeeded, failed, errored, late = (int(n) for n in counts.groups())
    answered = int(statuses[1])
    return Loaded(
        answered,
        max(total - answered, failed + errored + late),
        float(took[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1}[took[2]],
        data_bytes=_amount(traffic[3]) if traffic else None,
        head_bytes=_amount(traffic[2]) if traffic else None,
        said=said.strip(),
    )


def h2load(url: str, requests: int, *, connections: int, streams: int, http1: bool = False, body: Optional[str] = None, headers: Optional[List[str]] = None) -> Loaded:
    """Exactly `requests` requests, so that they can be compared with what the server counted."""
    connections = min(connections, requests)
    argv = ["h2load", "-t1", f"-n{requests}", f"-c{connections}", f"-m{streams}", *(["--h1"] if http1 else []), *(["-d", body] if body else [])]
    for header in headers or []:
        argv += ["-H", header]
    return parse_h2load(_run([*argv, url], 600))


def parse_ghz(said: str) -> Loaded:
    answer = json.loads(said)
    answered = answer.get("statusCodeDistribution", {}).get("OK", 0)
    return Loaded(answered, answer["count"] - answered, answer["total"] / 1e9, said=said.strip()[:2000])


def ghz(program: str, port: int, proto: str, call: str, data: str, rate: float, requests: int, *, connections: int, streams: int) -> Loaded:
    """`requests` unary calls at `rate` a second by grpc-go's client; `data` is the message as JSON."""
    argv = [program, "--insecure", "--proto", proto, "--call", call, "--data", data, "--rps", f"{rate:.0f}", "--total", str(requests), "--connections", str(connections)]
    return parse_ghz(_run([*argv, "--concurrency", str(connections * streams), "--cpus", "1", "--format", "json", f"127.0.0.1:{port}"], requests / rate + 120))


def parse_openloop(said: str) -> Loaded:
    answer = json.loads(said)
    errors = answer["errors"] + answer["grpc_errors"] + answer["refused"] + answer["unfinished"]
    return Loaded(answer["ok"], errors, answer["seconds"], percentiles={key: answer[key] for key in ("p50", "p90", "p99", "p999", "max")}, answered_p99=answer["answered_p99"], sent_p99=answer["sent_p99"], said=said.strip())


def openloop(
    program: str,
    port: int,
    rate: float,
    seconds: float,
    *,
    requests: int = 0,
    of_connection: Optional[str] = None,
    connections: int = 64,
    streams: int = 0,
    depth: int = 1,
    tls: bool = False,
    method: str = "GET",
    path: str = "/",
    headers: Optional[List[str]] = None,
    body: Optional[str] = None,
    drain: float = 5,
) -> Loaded:
    """`streams` 0 is HTTP/1.1, else HTTP/2 with that many requests in flight a connection. `requests`: a closed loop of as many, `rate` is nothing then.
    `of_connection`: a file with a header for each connection."""
    amount = ["--requests", str(requests)] if requests else ["--rate", f"{rate:.1f}"]
    argv = [program, "--port", str(port), *amount, "--seconds", f"{seconds:g}", "--connections", str(connections), "--drain", f"{drain:g}"]
    argv += ["--method", method, "--path", path, *(["--h2", str(streams)] if streams else ["--pipeline", str(depth)]), *(["--tls", "on"] if tls else []), *(["--body", body] if body else [])]
    argv += ["--header-of-connection", of_connection] if of_connection else []
    for header in headers or []:
        argv += ["--header", header]
    return parse_openloop(_run(argv, seconds + drain + 60))
