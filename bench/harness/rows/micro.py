"""Rows of one operation: Google Benchmark programs of ours and of the C++ peers, `go test` programs of the Go peers, in turn on one core."""

import json
import os
import re
import time
from dataclasses import dataclass, field
from typing import Dict, List

from .. import measure, procs
from ..context import Context
from ..loads import LoadFailed
from ..model import Goal, Row
from ..result import CaseResult, RowResult, ServerResult
from . import http

NS, RATE = "ns an operation", "MB/s"
USERS = 80 << 20


@dataclass(frozen=True)
class Entry:
    """One contender in one case: the benchmark's full name in the program; `go` if that is a Go test program; lines a benchmark's run has."""

    program: str
    benchmark: str
    go: bool = False
    lines: int = 1


@dataclass
class Micro:
    name: str
    cases: Dict[str, Dict[str, Entry]]
    both_cores: List[str] = field(default_factory=list)  # cases with several threads

    def programs(self) -> List[Entry]:
        return list({entry.program: entry for case in self.cases.values() for entry in case.values()}.values())


def _path(entry: Entry, context: Context) -> str:
    return context.peer(entry.program) if entry.go else context.program(entry.program)


def _missing(entry: Entry, context: Context) -> "str | None":
    if os.access(_path(entry, context), os.X_OK):
        return None
    return context.facts.get("missing", {}).get(entry.program, f"{entry.program} is not built")


def parse_go(said: str) -> Dict[str, Dict[str, float]]:
    found = {}
    for line in said.splitlines():
        match = re.match(r"^(Benchmark\w+)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op(?:\s+([\d.]+) MB/s)?", line)
        if match:
            found[match[1]] = {NS: float(match[2]), **({RATE: float(match[3])} if match[3] else {})}
    return found


def parse_google(said: str) -> Dict[str, Dict[str, float]]:
    found = {}
    for each in json.loads(said[said.index("{") :])["benchmarks"]:
        if each.get("error_occurred"):
            raise measure.Void(f"{each['name']}: {each['error_message']}")
        scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[each["time_unit"]]
        nanoseconds = each["real_time" if "real_time" in each["name"] else "cpu_time"] * scale
        found[each["name"]] = {NS: nanoseconds, **({RATE: each["bytes_per_second"] / 1e6} if "bytes_per_second" in each else {})}
    return found


def _measure(entry: Entry, context: Context, core: "int | None") -> Dict[str, float]:
    seconds = 0.1 if context.options.quick else 0.5
    if entry.go:
        argv = [_path(entry, context), "-test.run", "^$", "-test.bench", f"^{entry.benchmark}$", "-test.benchtime", f"{seconds}s"]
    else:
        argv = [_path(entry, context), f"--benchmark_filter=^{re.escape(entry.benchmark)}$".replace("\\/", "/"), "--benchmark_format=json", f"--benchmark_min_time={seconds}"]
    done = procs.run_load(argv, 300, core)
    if done.returncode != 0:
        raise LoadFailed(f"{entry.program}: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    found = (parse_go if entry.go else parse_google)(done.stdout).get(entry.benchmark)
    if found is None:
        raise measure.Void(f"{entry.program} has no benchmark {entry.benchmark}")
    found[NS] /= entry.lines
    return found


def _data(context: Context) -> None:
    order = http.order()
    context.file("small.json", http.USER)
    context.file("order.json", order)
    context.file("orders.json", "[" + ",".join([order] * (USERS // (len(order) + 1))) + "]")
    os.environ["BENCH_DATA"] = context.scratch


def _runner(micro: Micro):
    def run(row: Row, context: Context, say) -> RowResult:
        def work(result: RowResult) -> None:
            for case in micro.cases:
                result.cases.append(CaseResult(case, "operation"))
            absent = {}
            for entry in micro.programs():
                reason = _missing(entry, context)
                if reason:
                    absent[entry.program] = reason
            for number in range(context.options.rounds):
                say(f"{row.name}: round {number + 1} of {context.options.rounds}")
                busy, load, began = procs.busy_seconds(), sum(os.times()[:4]), time.monotonic()
                for case_result in result.cases:
                    _case(micro, case_result, absent, context, result)
                others = procs.busy_seconds() - busy - (sum(os.times()[:4]) - load)
                result.others = max(result.others, others / (time.monotonic() - began))

        return measure.guarded(row, context, work)

    return run


def _case(micro: Micro, case: CaseResult, absent: Dict[str, str], context: Context, result: RowResult) -> None:
    for label, entry in micro.cases[case.name].items():
        if entry.program in absent:
            result.left_out[label] = absent[entry.program]
            continue
        core = None if case.name in micro.both_cores else procs.SERVER_CORE
        for figure, value in _measure(entry, context, core).items():
            case.servers.setdefault(label, ServerResult(label)).add(figure, value)


def _go(name: str) -> Entry:
    return Entry("micro", f"Benchmark{name}", go=True)


def _router() -> "tuple[Micro, List[Goal]]":
    cases = {}
    for case, ours, go in (("text", "text", "Text"), ("one parameter", "one_parameter", "One"), ("three parameters", "three_parameters", "Three")):
        cases[case] = {"yun": Entry("router_bench", f"lookup/{ours}"), "gin": _go(f"Gin{go}"), "chi": _go(f"Chi{go}")}
    return Micro("router", cases), [Goal("<= 30 ns a lookup", 30, figure=NS)]


def _json() -> "tuple[Micro, List[Goal]]":
    cases = {}
    for case, word, go in (("small", "small", "Small"), ("4 KB", "order", "Order"), ("80 MB", "orders", "Orders")):
        cases[f"read {case}"] = {
            "yun": Entry("micro_json", f"read_{word}"), "simdjson": Entry("micro_peer_simdjson", f"read_{word}"),
            "nlohmann": Entry("micro_peer_nlohmann", f"read_{word}"), "encoding/json": _go(f"Read{go}"),
        }
        cases[f"write {case}"] = {
            "yun": Entry("micro_json", f"write_{word}"), "nlohmann": Entry("micro_peer_nlohmann", f"write_{word}"), "encoding/json": _go(f"Write{go}"),
        }
    return Micro("json", cases), [Goal("write >= 1 GB/s", 1000, figure=RATE, at_least=True, case=f"write {case}") for case in ("4 KB", "80 MB")]


def _metrics() -> "tuple[Micro, List[Goal]]":
    cases, goals = {}, []
    for case, name, limit in (("counter", "CounterBound", 2), ("histogram", "HistogramBound", 6), ("counter by labels", "CounterByLabels", 25)):
        for threads in (1, 2, 4):
            words = case if threads == 1 else f"{case}, {threads} threads"
            cases[words] = {"yun": Entry("observe_bench", f"{name}/threads:{threads}")}
            if threads <= 2:
                cases[words]["prometheus-cpp"] = Entry("micro_peer_prometheus", f"{name}/threads:{threads}")
        cases[case]["client_golang"] = _go(name)
        goals.append(Goal(f"<= {limit} ns", limit, figure=NS, case=case))
    return Micro("metrics", cases, [case for case in cases if case.endswith("threads")]), goals


def _log() -> "tuple[Micro, List[Goal]]":
    cases = {
        "enqueue": {"yun": Entry("observe_bench", "LogAccessLine/threads:1")},
        "to a file": {"yun": Entry("micro_log", "to_file/process_time/real_time", lines=20_000), "spdlog": Entry("micro_peer_spdlog", "to_file/real_time"), "zap": _go("LogToFile")},
    }
    return Micro("log", cases), [Goal("<= 25 ns enqueue", 25, figure=NS, case="enqueue"), Goal("throughput above zap's", 1.0, "zap", figure=NS, strict=True, case="to a file")]


def _span() -> "tuple[Micro, List[Goal]]":
    cases = {
        "sampled": {"yun": Entry("observe_bench", "SpanSampledWithThreeAttributes"), "otel-go": _go("SpanSampled")},
        "not sampled": {"yun": Entry("observe_bench", "SpanUnsampled"), "otel-go": _go("SpanUnsampled")},
    }
    return Micro("span", cases), [Goal("<= 100 ns", 100, figure=NS, case="sampled"), Goal("<= 10 ns", 10, figure=NS, case="not sampled")]


TITLES = {
    "router": "a lookup among 16 routes; gin and chi through ServeHTTP with a handler that does nothing",
    "json": "structs read and written: small, an order of 4 KB, a list of such orders of 80 MB",
    "metrics": "one update; by labels: the series is looked up each time",
    "log": "a line of five fields and a trace id; to a file: the writer's time is in it and no line is dropped",
    "span": "begin, three attributes where sampled, end; nothing is exported",
}


def rows() -> List[Row]:
    found = []
    for make in (_router, _json, _metrics, _log, _span):
        micro, goals = make()
        found.append(Row(micro.name, TITLES[micro.name], [], [], goals, targets=["bench_micro"], peers=["micro"], prepare=_data if micro.name in ("json", "log") else None, run=_runner(micro)))
    return found
