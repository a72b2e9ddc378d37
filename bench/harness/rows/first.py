"""first: from exec to the first 200, what an idle process holds, and how large the program is."""

import os
import shutil
import socket
import subprocess
import time
from typing import List

from .. import measure, procs
from ..context import Context
from ..model import Goal, Row
from ..result import CaseResult, RowResult, ServerResult
from . import common, http

STARTS = 5  # a round


def _first_answer(port: int, began: float, seconds: float = 10) -> float:
    """Milliseconds from `began` to the whole head of a 200."""
    request = f"GET {http.USER_PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    while time.perf_counter() - began < seconds:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as one:
                one.sendall(request)
                if one.recv(4096).startswith(b"HTTP/1.1 200"):
                    return (time.perf_counter() - began) * 1e3
        except OSError:
            pass
        time.sleep(0.0002)
    raise measure.Void("no 200 within ten seconds")


def _stripped_size(program: str, context: Context) -> int:
    copy = context.file("stripped")
    shutil.copy2(program, copy)
    subprocess.run(["strip", copy], check=True, capture_output=True)
    return os.path.getsize(copy)


def _run(row: Row, context: Context, say) -> RowResult:
    def work(result: RowResult) -> None:
        servers = measure.present(row, context, result)
        case = CaseResult("", servers={each.name: ServerResult(each.name, each.note) for each in servers})
        result.cases.append(case)
        for number in range(context.options.rounds):
            say(f"{row.name}: round {number + 1} of {context.options.rounds}")
            for server in servers:
                into = case.servers[server.name]
                times = []
                for _ in range(STARTS):
                    began = time.perf_counter()
                    running = measure.Running(context, server, row)
                    times.append(_first_answer(running.port, began))
                    time.sleep(0.1)
                    rss = procs.rss_bytes(running.process.pid)
                    running.process.stop()
                into.add("ms from exec to the first 200", sorted(times)[len(times) // 2])
                into.add("MiB of RSS when idle", rss / 2**20)
                into.add("MB of stripped program", _stripped_size(running.process.argv[0], context) / 1e6)

        result.remarks.append("yun links the system's shared libraries (OpenSSL, nghttp2 and the like), Go and Rust programs hold all but libc")

    return measure.guarded(row, context, work)


def rows() -> List[Row]:
    return [
        Row(
            "first",
            "a service of one typed route: start, idle memory, size",
            [http.yun(), common.built_peer("gin", note="Gin 1.12 with the Prometheus middleware"), common.built_peer("axum", note="axum 0.8 with a Prometheus layer")],
            [],
            [
                Goal("<= 20 ms to the first 200", 20, figure="ms from exec to the first 200"),
                Goal("<= 10 MiB idle", 10, figure="MiB of RSS when idle"),
                Goal("<= 8 MB stripped", 8, figure="MB of stripped program"),
            ],
            targets=["bench_http"],
            peers=["gin", "axum"],
            run=_run,
        )
    ]
