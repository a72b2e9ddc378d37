"""http-overload: requests are due at twice what the server can answer. What it still answers well, and how late.

Two handlers: one that computes for some hundred microseconds, and the typed one of http-json, which costs hardly more than to read the request and
say no. What a server can do at twice its capacity depends on that: it has 2 C requests a second to read and the time of C to serve them. If a refusal costs
the share r of a request, all its time serves C (1 - 2 r) / (1 - r) a second and refuses the rest: 90 % of C needs r <= 9 %. The row prints r."""

import json
from dataclasses import replace
from typing import Dict, List

from .. import loads, measure
from ..context import Context
from ..model import Case, Goal, Row
from ..result import CaseResult, RowResult, ServerResult
from . import common, http

CONNECTIONS = 2048  # more than a loop takes at a time, so that the server and not the generator decides
GOODPUT = "goodput as a share of peak"
LATENESS, SERVED = "p99 of what was admitted, from when it was due, over the unloaded p99", "p99 of what was admitted, from when it was sent, over the unloaded p99"
REFUSED, REFUSAL = "answers refused, of all due", "cost of a refusal, as a share of a request (<= 0.09 for 90 %)"
SECONDS = 30
REPORT = "/api/reports/42"
WORKING, CHEAP = "a handler that computes for some 0.3 ms", "a handler of some microseconds"


def _open(context: Context, port: int, path: str, rate: float, seconds: float, connections: int) -> loads.Loaded:
    loaded = loads.openloop(context.program("openloop"), port, rate, seconds, connections=connections, path=path, drain=1)
    # Under overload a 503 is an answer, and what was never sent is the point: only broken connections are errors.
    told = json.loads(loaded.said)
    loaded.errors, loaded.cut_off = told["errors"], connections
    loaded.refused = told["refused"]
    return loaded


def _round(context: Context, each: measure.Running, case: Case, path: str, into: ServerResult) -> None:
    peak, full = each.load(case, case.closed, context.options.seconds, 0.0)
    calm, _ = each.load(case, lambda _context, port: _open(context, port, path, peak.rate / 10, context.options.open_seconds, common.CONNECTIONS))
    seconds = 3 if context.options.quick else SECONDS
    storm, watch = each.load(case, lambda _context, port: _open(context, port, path, peak.rate * 2, seconds, CONNECTIONS))
    each.requests += storm.refused
    into.add(GOODPUT, storm.requests / storm.seconds / peak.rate)
    into.add(LATENESS, storm.answered_p99 / calm.answered_p99)
    into.add(SERVED, storm.sent_p99 / calm.sent_p99)
    into.add(REFUSED, storm.refused / (peak.rate * 2 * seconds))
    cost = full.server / max(1, peak.requests)
    if storm.refused > storm.requests / 10:
        into.add(REFUSAL, max(0.0, watch.server - storm.requests * cost) / storm.refused / cost)
    into.add("cpu", cost * 1e6)
    into.add("rate", peak.rate)


def _run(row: Row, context: Context, say) -> RowResult:
    def work(result: RowResult) -> None:
        servers = measure.present(row, context, result)
        for case, (path, route) in zip(row.cases, ((REPORT, "/api/reports/{id}"), (http.USER_PATH, "/api/users/{id}"))):
            # A process for each, since a ledger is of one route.
            one = replace(row, cases=[case], route=route)
            running: Dict[str, measure.Running] = {server.name: measure.Running(context, server, one) for server in servers}
            into: CaseResult = measure.compare(one, context, running, result)[case.name]
            for each in running.values():
                each.load(case, case.closed, 1, 0.0)
                each.open_ledger(refused=path)
            for number in range(context.options.rounds):
                say(f"{row.name}: {case.name}, round {number + 1} of {context.options.rounds}")
                for name, each in running.items():
                    _round(context, each, case, path, into.servers[name])
            measure.audit_all(running.values(), result)
            for each in running.values():
                each.process.stop()

    return measure.guarded(row, context, work)


def rows() -> List[Row]:
    return [
        Row(
            "http-overload",
            f"requests due at twice the peak for {SECONDS} s, on {CONNECTIONS:,} connections",
            [http.yun(), common.built_peer("gin", note="Gin 1.12 with the Prometheus middleware")],
            [common.h1_case(REPORT, name=WORKING), common.h1_case(http.USER_PATH, name=CHEAP)],
            [Goal("goodput >= 90 % of peak", 0.9, figure=GOODPUT, at_least=True), Goal("admitted p99 <= 2x unloaded", 2, figure=LATENESS)],
            targets=["openloop", "bench_http"],
            peers=["gin"],
            run=_run,
        )
    ]
