"""A row as text for the terminal."""

import math
from typing import List

from . import stats
from .result import CaseResult, RowResult, ServerResult


def _number(value: float, form: str = ".2f") -> str:
    return "-" if math.isnan(value) else format(value, form)


def _line(case: CaseResult, server: ServerResult, floor: "str | None") -> str:
    cpu = server.figures.get("cpu", [])
    base = case.servers[floor].of("cpu") if floor in case.servers else float("nan")
    low_high = f"{min(cpu):.2f} .. {max(cpu):.2f}" if cpu else "-"
    ratio = _number(server.of("cpu") / base) if base and not math.isnan(base) else "-"
    return (
        f"  {server.name:<18} {_number(server.of('cpu')):>8} {low_high:>18} {format(stats.spread(cpu), '.0%') if cpu else '-':>6} {ratio:>8}"
        f" {_number(server.of('rate'), '.0f'):>9} {_number(server.of('p50'), '.0f'):>8} {_number(server.of('p99'), '.0f'):>8}"
        f" {_number(server.of('rss') / 2**20, '.1f'):>8} {server.head_bytes or '-':>6}"
    )


_NAMES = {"cpu", "rate", "p50", "p90", "p99", "p999", "max", "rss"}


def text(result: RowResult) -> str:
    kind = result.machine
    lines: List[str] = [
        "",
        f"{result.name}: {result.title}",
        f"{result.rounds} rounds in turn of {result.seconds:g} s, {result.date}, {kind['cores']} cores of {kind['cpu']}, Linux {kind['kernel']}"
        + ("; QUICK: not a result" if result.quick else ""),
    ]
    for case in result.cases:
        if not any(server.figures for server in case.servers.values()):
            continue
        lines.append("")
        if case.name:
            lines.append(f" {case.name}")
        own = sorted({figure for server in case.servers.values() for figure in server.figures} - _NAMES)
        if any("cpu" in server.figures for server in case.servers.values()):
            at = f"; p50 and p99 in µs, open loop at {case.open_rate:.0f}/s" if case.open_rate else ""
            lines.append(f"  CPU µs a {case.unit} of the server's process tree{at}; heads in bytes")
            lines.append(f"  {'server':<18} {'CPU':>8} {'min .. max':>18} {'spread':>6} {'x floor':>8} {'rate/s':>9} {'p50':>8} {'p99':>8} {'RSS MiB':>8} {'head':>6}")
            lines += [_line(case, server, result.floor) for server in case.servers.values()]
        elif any("p99" in server.figures for server in case.servers.values()):
            lines.append(f"  latency, open loop at {case.open_rate:.0f}/s")
            for server in case.servers.values():
                words = "   ".join(f"{figure} {server.of(figure):,.0f} µs" for figure in ("p50", "p99", "p999"))
                lines.append(f"  {server.name:<18} {words}   spread of p99 {stats.spread(server.figures['p99']):.0%}")
        for figure in own:
            lines.append(f"  {figure}")
            for server in case.servers.values():
                values = server.figures.get(figure)
                if values:
                    lines.append(f"  {server.name:<18} {stats.median(values):>14,.2f}   {min(values):,.2f} .. {max(values):,.2f}   spread {stats.spread(values):.0%}")
    lines.append("")
    notes = {server.name: server.note for case in result.cases for server in case.servers.values() if server.note}
    lines += [f"  {name}: {note}" for name, note in notes.items()]
    lines.append("")
    for goal in result.goals:
        ratio = "-" if goal.ratio is None else f"{goal.ratio:.2f}"
        where = f"{goal.case}: " if goal.case else ""
        lines.append(f"  goal {where}{goal.text}: {ratio}, {goal.verdict}" + (f" (spread {goal.spread:.0%})" if goal.verdict in ("met", "missed") else ""))
    for name, counts in result.audited.items():
        lines.append(
            f"  {name}: {counts['sent']} requests answered (and at most {counts['cut_off_at_most']} cut off), {counts['log_lines']} lines in its log, {counts['counted']} in /metrics"
        )
    lines += [f"  {remark}" for remark in result.remarks]
    lines += [f"  {name} is left out: {reason}" for name, reason in result.left_out.items()]
    if result.others > 0.02:
        lines.append(f"  other programs used up to {result.others:.0%} of a core meanwhile")
    lines += [f"  VOID: {reason}" for reason in result.void]
    if result.void:
        lines += ["    " + complaint.replace("\n", "\n    ") for complaint in result.complaints[:3]]
    return "\n".join(lines)
