"""gateway-routes: many routes cost a request nothing, and a configuration that changes under load is in force at once and breaks nothing."""

import http.client
import os
import threading
import time
from typing import List

from .. import loads, measure, procs, stats
from ..context import Context
from ..model import Goal, Row, Server
from ..result import CaseResult, RowResult, ServerResult
from . import common, gateway

MANY = 5000
TARGET = "/plain/42"
CHANGES = 20  # at least, in all rounds
PROBE_EVERY = 0.0005  # seconds


def config(context: Context, routes: int, marker: int = 0) -> str:
    """A gateway.yaml in which the route that is timed stands last, and one whose path tells which version is in force."""
    text = [f"upstreams:\n  texts: {{ to: \"static://127.0.0.1:{context.facts['upstream']}\", protocol: http }}\n\nroutes:"]
    text += [f"  - {{ name: r{i}, match: \"path(/shop-{i % 71}/area-{i}/{{id}}) && method(GET)\", to: texts }}" for i in range(routes - 2)]
    text.append(f'  - {{ name: marker, match: "path(/marker-{marker}) && method(GET)", to: texts }}' if routes > 1 else "")
    text.append('  - { name: plain, match: "path(/plain/{id}) && method(GET)", to: texts }')
    return "\n".join(text) + "\n"


def _server(routes: int, name: str) -> Server:
    def command(context: Context, _port: int) -> List[str]:
        return [context.program("gateway"), "--routes", context.file(f"{routes}.yaml", config(context, routes)), "--data", context.scratch]

    return Server(name, command, ours=True, missing=common.program_missing("gateway"), note=f"{routes:,} routes, access log to a file")


def _until_in_force(running: measure.Running, path: str, text: str, marker: int, seconds: float = 10) -> float:
    """Milliseconds from the rename of a new file over `path` until the gateway answers the route that only that file has. It is asked on a connection
    that is open already, one request after the other with PROBE_EVERY between: that, and a request's own time, are in the figure."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.connect()
    with open(path + ".new", "w") as file:
        file.write(text)
    began = time.perf_counter()
    os.replace(path + ".new", path)
    try:
        while time.perf_counter() - began < seconds:
            connection.request("GET", f"/marker-{marker}")
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                return (time.perf_counter() - began) * 1e3
            time.sleep(PROBE_EVERY)
    finally:
        connection.close()
    raise measure.Void(f"version {marker} of the configuration was not in force within {seconds:g} s")


def _change_under_load(row: Row, context: Context, running: measure.Running, first: int) -> List[float]:
    """One route changes each second while an open loop runs; gives how long each change took, in milliseconds."""
    path, done, applied = context.file(f"{MANY}.yaml"), threading.Event(), []
    failure: List[str] = []

    def change() -> None:
        marker = first
        while not done.wait(1.0):
            marker += 1
            try:
                applied.append(_until_in_force(running, path, config(context, MANY, marker), marker))
            except (measure.Void, OSError, http.client.HTTPException) as error:
                failure.append(str(error))
                return

    changer = threading.Thread(target=change)
    changer.start()
    seconds = max(context.options.open_seconds, 1.5 + CHANGES / context.options.rounds)
    try:
        # Whatever failed is an error of the row, by the audit: 0 failed requests is no goal but a condition.
        running.load(row.cases[0], lambda _context, port: loads.openloop(
            context.program("openloop"), port, 2000, seconds, connections=common.CONNECTIONS, path=TARGET))
    finally:
        done.set()
        changer.join()
    if failure or not applied:
        raise measure.Void(failure[0] if failure else "no change was made")
    return applied


def _run(row: Row, context: Context, say) -> RowResult:
    def work(result: RowResult) -> None:
        running = {server.name: measure.Running(context, server, row) for server in measure.present(row, context, result)}
        results = measure.compare(row, context, running, result)
        for each in running.values():
            each.load(row.cases[0], row.cases[0].closed, 1, 0.0)
            each.open_ledger()
        applied: List[float] = []
        for number in range(context.options.rounds):
            say(f"{row.name}: round {number + 1} of {context.options.rounds}")
            for name, each in running.items():
                loaded, watch = each.load(row.cases[0], row.cases[0].closed, context.options.seconds, 0.0)
                into = results[""].servers[name]
                into.add("cpu", watch.server * 1e6 / max(1, loaded.requests))
                into.add("rate", loaded.rate)
                into.add("rss", procs.rss_bytes(each.process.pid))
                into.add("MiB of RSS", procs.rss_bytes(each.process.pid) / 2**20)
            applied += _change_under_load(row, context, running["yun"], len(applied))
        measure.audit_all(running.values(), result)
        ours, pid = results[""].servers["yun"], running["yun"].process.pid
        ours.add("ms from rename to answer, p50", stats.median(applied))
        ours.add("ms from rename to answer, worst", max(applied))
        ours.add("MiB of RSS after the changes", procs.rss_bytes(pid) / 2**20)
        result.remarks.append(f"{len(applied)} changes of one route among {MANY:,} under load, by a rename over the file and no signal")

    return measure.guarded(row, context, work)


def rows() -> List[Row]:
    return [
        Row(
            "gateway-routes",
            f"{MANY:,} routes against one; and one of them changed every second under 2,000 requests/s",
            [_server(MANY, "yun"), _server(1, "yun 1 route")],
            [common.h1_case(TARGET)],
            [
                Goal("<= 2 % slower than with 1 route", 1.02, "yun 1 route"),
                Goal("<= 40 MiB, after all changes", 40, figure="MiB of RSS after the changes"),
                Goal("the slowest change is in force within 30 ms", 30, figure="ms from rename to answer, worst"),
            ],
            route="/plain/{id}",
            targets=["openloop", "floor", "gateway"],
            prepare=gateway.upstream,
            run=_run,
        )
    ]
