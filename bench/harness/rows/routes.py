"""gateway-routes: many routes cost a request nothing, and a configuration that changes under load is in force at once and breaks nothing."""

import http.client
import os
import signal
import threading
import time
from typing import List

from .. import loads, measure, procs
from ..context import Context
from ..model import Goal, Row, Server
from ..result import CaseResult, RowResult, ServerResult
from . import common, gateway

MANY = 5000
TARGET = "/plain/42"


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


def _replace(path: str, text: str) -> None:
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


def _until_marker(port: int, marker: int, seconds: float = 10) -> float:
    """Milliseconds until the gateway answers the marker of this version."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while time.perf_counter() - began < seconds:
        connection.request("GET", f"/marker-{marker}")
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            connection.close()
            return (time.perf_counter() - began) * 1e3
        time.sleep(0.001)
    raise measure.Void(f"version {marker} of the configuration was not in force within {seconds:g} s")


def _change_under_load(row: Row, context: Context, running: measure.Running, into: ServerResult, first: int) -> int:
    """One route changes each second while an open loop runs; gives the number of changes."""
    path, done, applied = context.file(f"{MANY}.yaml"), threading.Event(), []
    failure: List[str] = []

    def change() -> None:
        marker = first
        while not done.wait(1.0):
            marker += 1
            text = config(context, MANY, marker)
            _replace(path, text)
            os.kill(running.process.pid, signal.SIGHUP)
            try:
                applied.append(_until_marker(running.port, marker))
            except (measure.Void, OSError, http.client.HTTPException) as error:
                failure.append(str(error))
                return

    changer = threading.Thread(target=change)
    changer.start()
    seconds = max(3.5, context.options.open_seconds)
    try:
        # Whatever failed is an error of the row, by the audit: 0 failed requests is no goal but a condition.
        running.load(row.cases[0], lambda _context, port: loads.openloop(
            context.program("openloop"), port, 2000, seconds, connections=common.CONNECTIONS, path=TARGET))
    finally:
        done.set()
        changer.join()
    if failure or not applied:
        raise measure.Void(failure[0] if failure else "no change was made")
    into.add("ms until a change is in force", max(applied))
    return len(applied)


def _run(row: Row, context: Context, say) -> RowResult:
    def work(result: RowResult) -> None:
        running = {server.name: measure.Running(context, server, row) for server in measure.present(row, context, result)}
        results = measure.compare(row, context, running, result)
        for each in running.values():
            each.load(row.cases[0], row.cases[0].closed, 1, 0.0)
            each.open_ledger()
        version = 0
        for number in range(context.options.rounds):
            say(f"{row.name}: round {number + 1} of {context.options.rounds}")
            for name, each in running.items():
                loaded, watch = each.load(row.cases[0], row.cases[0].closed, context.options.seconds, 0.0)
                into = results[""].servers[name]
                into.add("cpu", watch.server * 1e6 / max(1, loaded.requests))
                into.add("rate", loaded.rate)
                into.add("rss", procs.rss_bytes(each.process.pid))
                into.add("MiB of RSS", procs.rss_bytes(each.process.pid) / 2**20)
            version += _change_under_load(row, context, running["yun"], results[""].servers["yun"], version)
        measure.audit_all(running.values(), result)
        result.remarks.append(f"{version} changes of one route among {MANY:,} under load; the slowest of each round is shown")

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
                Goal("<= 40 MiB", 40, figure="MiB of RSS"),
                Goal("a change is in force within 30 ms", 30, figure="ms until a change is in force"),
            ],
            route="/plain/{id}",
            targets=["openloop", "floor", "gateway"],
            prepare=gateway.upstream,
            run=_run,
        )
    ]
