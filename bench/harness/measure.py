"""Runs a row: starts its servers, compares their answers, warms them up, then rounds in turn, and at last the audit."""

import subprocess
import time
from typing import Callable, Dict, Iterable, List, Optional

from . import answers, audit, procs
from .context import Context
from .loads import LoadFailed
from .model import Case, Row, Server
from .result import CaseResult, RowResult, ServerResult


class Void(Exception):
    pass


class Running:
    """A server that runs, with what it has been sent."""

    def __init__(self, context: Context, server: Server, row: Row):
        self.server, self.context = server, context
        self.port, self.admin, self.log = context.port(), context.port(), context.file(f"{server.name}.log")
        argv = server.command(context, self.port)
        if server.ours:
            argv += ["--listen", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{self.admin}", "--log.output", self.log]
        self.started = time.perf_counter()
        self.process = context.start(argv, server.name, core=server.cores or procs.SERVER_CORE, env=server.env)
        self.requests = self.errors = self.cut_off = 0
        self.others: List[float] = []
        self.route = row.route
        self.ledger: "audit.Ledger | None" = None

    def wait_until_ready(self, case: Case, seconds: float = 20) -> answers.Answer:
        until, last = time.monotonic() + seconds, "nothing"
        while time.monotonic() < until:
            if not self.process.alive():
                raise Void(f"{self.server.name} ended: {self.process.last_words()}")
            try:
                answer = case.probe(self.context, self.port)
                if answer.status in ("200", "OK"):
                    return answer
                last = f"{answer.status} {answer.body[:80]!r}"
            except (OSError, ValueError) as error:
                last = str(error)
            time.sleep(0.05)
        raise Void(f"{self.server.name} does not answer: {last}")

    def open_ledger(self, refused: Optional[str] = None) -> None:
        """From now on all that is sent must be found in the log and in /metrics. `refused`: the path that is sent, of which answers from 400 on are no
        fault; what is refused at the door has no route."""
        self.refusals = refused is not None
        self.requests = self.errors = self.cut_off = 0
        if not self.server.ours:
            return
        if refused is None:
            self.ledger = audit.Ledger(self.log, self.admin, self.route)
        else:
            self.ledger = audit.Ledger(self.log, self.admin, self.route, mark=f'"path":"{refused}"'.encode(), also="unmatched")

    def load(self, case: Case, what, *arguments):
        """One load with the CPU that the server spent on it; counts what was sent."""
        with procs.Stopwatch(self.process.pid, [each.pid for each in self.context.processes]) as watch:
            loaded = what(self.context, self.port, *arguments)
        if not self.process.alive():
            raise Void(f"{self.server.name} died under load: {self.process.last_words()}")
        errors = loaded.errors
        if case.body_bytes is not None and loaded.data_bytes is not None and loaded.data_bytes != case.body_bytes * loaded.requests:
            errors += 1
            loaded.said += f"\n{loaded.data_bytes} bytes of bodies, not {case.body_bytes} an answer"
        if errors and not self.errors:
            self.context.facts.setdefault("complaints", []).append(f"{self.server.name}: {loaded.said}")
        self.requests += loaded.requests
        self.errors += errors
        self.cut_off += loaded.cut_off
        self.others.append(watch.others)
        return loaded, watch


def run(row: Row, context: Context, say) -> RowResult:
    """A row as the model describes it. What is no such row gives its own work to `guarded`."""
    return guarded(row, context, lambda result: _rounds(row, context, result, say))


def _rounds(row: Row, context: Context, result: RowResult, say) -> None:
    running = {server.name: Running(context, server, row) for server in present(row, context, result)}
    results = compare(row, context, running, result)
    rates = _warm_up(row, context, running, results)
    for each in running.values():
        each.open_ledger()
    for number in range(context.options.rounds):
        say(f"{row.name}: round {number + 1} of {context.options.rounds}")
        _round(row, context, running, results, rates, number)
    if row.check:
        row.check(row, context, running, result)
    audit_all(running.values(), result)


def guarded(row: Row, context: Context, work: Callable[[RowResult], None]) -> RowResult:
    """The result of `work`, void where it gave up, with its verdicts."""
    result = RowResult.begin(row, context.options)
    try:
        if row.prepare:
            row.prepare(context)
        work(result)
    except (Void, LoadFailed, subprocess.SubprocessError, OSError) as error:
        result.void.append(str(error))
    result.complaints = [str(text) for text in context.facts.get("complaints", [])]
    result.judge(row)
    return result


def present(row: Row, context: Context, result: RowResult) -> List[Server]:
    return [server for server in row.servers if not _left_out(server, context, result)]


def _left_out(server: Server, context: Context, result: RowResult) -> bool:
    reason = server.missing(context)
    if reason:
        result.left_out[server.name] = reason
    return bool(reason)


def _of(case: Case, running: Dict[str, Running]) -> List[Running]:
    return [each for name, each in running.items() if case.only is None or name in case.only]


def compare(row: Row, context: Context, running: Dict[str, Running], result: RowResult) -> Dict[str, CaseResult]:
    """Each server's answer to the very request that will be timed; others than the first's void the row."""
    cases = {}
    for case in row.cases:
        case_result = CaseResult(case.name, case.unit)
        given = {each.server.name: each.wait_until_ready(case) for each in _of(case, running)}
        bare = {name: answer.compared(running[name].server.body_end, running[name].server.same).compared(b"", case.same) for name, answer in given.items()}
        result.void += [f"{case.name}: {text}" if case.name else text for text in answers.differences(bare)]
        for name, answer in given.items():
            case_result.servers[name] = ServerResult(name, running[name].server.note, head_bytes=answer.head_bytes, body_bytes=len(answer.body))
        cases[case.name] = case_result
        result.cases.append(case_result)
    if result.void:
        raise Void("nothing was timed")
    return cases


def _warm_up(row: Row, context: Context, running: Dict[str, Running], results: Dict[str, CaseResult]) -> Dict[str, Dict[str, float]]:
    """What each server reaches in each case; the open-loop rate of a case is half of its slowest server's."""
    seconds = min(1.0, context.options.seconds)
    rates: Dict[str, Dict[str, float]] = {}
    for case in row.cases:
        rates[case.name] = {}
        for each in _of(case, running):
            first, _ = each.load(case, case.closed, seconds, 0.0)
            second, _ = each.load(case, case.closed, seconds, first.rate)
            rates[case.name][each.server.name] = max(first.rate, second.rate)
            if second.requests == 0:
                raise Void(f"{each.server.name} answered nothing in the warm-up: {second.said}")
        results[case.name].open_rate = min(rates[case.name].values()) / 2 if case.open else 0.0
    return rates


def _round(row: Row, context: Context, running, results, rates, number: int) -> None:
    for case in row.cases:
        turn = _of(case, running)
        turn = turn[number % len(turn) :] + turn[: number % len(turn)]  # none is always the first
        for each in turn:
            server = results[case.name].servers[each.server.name]
            loaded, watch = each.load(case, case.closed, context.options.seconds, rates[case.name][each.server.name])
            if loaded.requests:
                server.add("cpu", watch.server * 1e6 / loaded.requests)
            server.add("rate", loaded.rate)
            if loaded.head_bytes and loaded.requests and not server.head_bytes:
                server.head_bytes = round(loaded.head_bytes / loaded.requests)
            server.add("rss", procs.rss_bytes(each.process.pid))
        for each in turn if case.open else []:
            loaded, _ = each.load(case, case.open, results[case.name].open_rate, context.options.open_seconds)
            for figure, value in loaded.percentiles.items():
                results[case.name].servers[each.server.name].add(figure, value)


def audit_all(running: Iterable[Running], result: RowResult) -> None:
    for each in running:
        counts = each.ledger.close() if each.ledger else None
        if counts and each.refusals:
            counts.failed = 0
        result.void += [f"{each.server.name}: {fault}" for fault in audit.faults(each.requests, each.errors, each.cut_off, counts)]
        if counts:
            sums = result.audited.setdefault(each.server.name, {"sent": 0, "cut_off_at_most": 0, "log_lines": 0, "counted": 0})
            for key, value in (("sent", each.requests), ("cut_off_at_most", each.cut_off), ("log_lines", counts.lines), ("counted", counts.counted)):
                sums[key] += value
        result.others = max([result.others, *each.others])
