"""http-overload: requests are due at twice what the server can answer. What it still answers well, and how late."""

import json
from typing import List

from .. import loads, measure
from ..context import Context
from ..model import Goal, Row
from ..result import CaseResult, RowResult, ServerResult
from . import common, http

CONNECTIONS = 2048  # more than a loop's limit of requests at work, so that the server and not the generator decides
GOODPUT, LATENESS = "goodput as a share of peak", "p99 of what was admitted, over the unloaded p99"
SECONDS = 30


def _open(context: Context, port: int, rate: float, seconds: float, connections: int) -> loads.Loaded:
    loaded = loads.openloop(context.program("openloop"), port, rate, seconds, connections=connections, path=http.USER_PATH, drain=1)
    # Under overload a 503 is an answer, and what was never sent is the point: only broken connections are errors.
    told = json.loads(loaded.said)
    loaded.errors, loaded.cut_off = told["errors"], connections
    loaded.refused = told["refused"]
    return loaded


def _round(row: Row, context: Context, each: measure.Running, into: ServerResult) -> None:
    case = row.cases[0]
    peak, _ = each.load(case, case.closed, context.options.seconds, 0.0)
    calm, _ = each.load(case, lambda _context, port: _open(context, port, peak.rate / 10, context.options.open_seconds, common.CONNECTIONS))
    seconds = 3 if context.options.quick else SECONDS
    storm, watch = each.load(case, lambda _context, port: _open(context, port, peak.rate * 2, seconds, CONNECTIONS))
    each.requests += storm.refused
    into.add(GOODPUT, storm.requests / storm.seconds / peak.rate)
    into.add(LATENESS, storm.percentiles["p99"] / calm.percentiles["p99"])
    into.add("answers refused, of all due", storm.refused / (peak.rate * 2 * seconds))
    into.add("cpu", watch.server * 1e6 / max(1, storm.requests + storm.refused))


def _run(row: Row, context: Context, say) -> RowResult:
    def work(result: RowResult) -> None:
        running = {server.name: measure.Running(context, server, row) for server in measure.present(row, context, result)}
        results = measure.compare(row, context, running, result)
        for each in running.values():
            each.load(row.cases[0], row.cases[0].closed, 1, 0.0)
            each.open_ledger(refusals=True)
        for number in range(context.options.rounds):
            say(f"{row.name}: round {number + 1} of {context.options.rounds}")
            for name, each in running.items():
                _round(row, context, each, results[""].servers[name])
        measure.audit_all(running.values(), result)

    return measure.guarded(row, context, work)


def rows() -> List[Row]:
    return [
        Row(
            "http-overload",
            f"requests due at twice the peak for {SECONDS} s, on {CONNECTIONS:,} connections; a latency counts from when its request was due",
            [http.yun(), common.built_peer("gin", note="Gin 1.12 with the Prometheus middleware")],
            [common.h1_case(http.USER_PATH)],
            [Goal("goodput >= 90 % of peak", 0.9, figure=GOODPUT, at_least=True), Goal("admitted p99 <= 2x unloaded", 2, figure=LATENESS)],
            route="/api/users/{id}",
            targets=["openloop", "bench_http"],
            peers=["gin"],
            run=_run,
        )
    ]
