"""http-conns: what many idle keep-alive connections cost, and the latencies when requests come over all of them."""

import resource
import socket
import time
from typing import List

from .. import loads, measure, procs
from ..context import Context
from ..model import Goal, Row
from ..result import CaseResult, RowResult, ServerResult
from . import common, http

COUNTS = (4096, 10_000)
RATE = 4000


def _request(port: int) -> bytes:
    return f"GET {http.USER_PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


def _open_idle(port: int, count: int) -> List[socket.socket]:
    """Connections that have had one answer each and are kept."""
    opened = []
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port), 10)
        one.sendall(_request(port))
        opened.append(one)
        if len(opened) % 256 == 0 or len(opened) == count:  # a burst at a time, so that no backlog overflows
            for each in opened[-(len(opened) % 256 or 256) :]:
                if not each.recv(4096).startswith(b"HTTP/1.1 200"):
                    raise measure.Void("an idle connection got no 200")
    return opened


def _once(row: Row, context: Context, server, case, count: int, into: ServerResult, result: RowResult) -> None:
    """In a process of its own, since memory that was used once is not given back."""
    running = measure.Running(context, server, row)
    running.wait_until_ready(case)
    running.open_ledger()
    before = procs.rss_bytes(running.process.pid)
    idle = _open_idle(running.port, count)
    time.sleep(0.3)
    into.add("RSS bytes an idle connection", (procs.rss_bytes(running.process.pid) - before) / count)
    for each in idle:
        each.close()
    running.requests += count

    def over_all(_context: Context, port: int):
        return loads.openloop(context.program("openloop"), port, RATE, context.options.open_seconds, connections=count, path=http.USER_PATH)

    loaded, _ = running.load(case, over_all)
    for figure, value in loaded.percentiles.items():
        into.add(figure, value)
    into.add("MiB of RSS with the load", procs.rss_bytes(running.process.pid) / 2**20)
    measure.audit_all([running], result)
    running.process.stop()


def _run(row: Row, context: Context, say) -> RowResult:
    def work(result: RowResult) -> None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        if limit[1] < max(COUNTS) + 500:
            raise measure.Void(f"the limit of open files is {limit[1]}, too low for {max(COUNTS)} connections")
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
        servers = measure.present(row, context, result)
        for count in COUNTS:
            result.cases.append(CaseResult(f"{count:,} connections", open_rate=RATE, servers={each.name: ServerResult(each.name, each.note) for each in servers}))
        for number in range(context.options.rounds):
            say(f"{row.name}: round {number + 1} of {context.options.rounds}")
            for count, case_result in zip(COUNTS, result.cases):
                for server in servers[number % len(servers) :] + servers[: number % len(servers)]:
                    _once(row, context, server, row.cases[0], count, case_result.servers[server.name], result)

    return measure.guarded(row, context, work)


def rows() -> List[Row]:
    return [
        Row(
            "http-conns",
            f"idle keep-alive connections, and {RATE} requests/s spread over all of them",
            [http.yun(), common.nginx("return.conf", note="`return 200`, no access log"), common.built_peer("gin", note="Gin 1.12 with the Prometheus middleware")],
            [common.h1_case(http.USER_PATH)],
            [
                Goal("<= 4 KB RSS an idle connection", 4096, figure="RSS bytes an idle connection"),
                Goal("p99 below half of Gin's", 0.5, "gin", figure="p99", strict=True),
            ],
            route="/api/users/{id}",
            targets=["openloop", "bench_http"],
            peers=["gin"],
            run=_run,
        )
    ]
