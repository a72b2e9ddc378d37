"""What a row came to, as text, as JSON and for the picture."""

import datetime
from dataclasses import dataclass, field
from typing import Dict, List

from . import machine, stats

BUSY_LIMIT = 0.10  # of a core that other programs may use while a row runs


@dataclass
class ServerResult:
    name: str
    note: str = ""
    head_bytes: int = 0
    body_bytes: int = 0
    figures: Dict[str, List[float]] = field(default_factory=dict)  # cpu: µs a request; rate: a second; p50, p99: µs; rss: bytes

    def add(self, figure: str, value: float) -> None:
        self.figures.setdefault(figure, []).append(value)

    def of(self, figure: str) -> float:
        return stats.median(self.figures[figure]) if self.figures.get(figure) else float("nan")


@dataclass
class CaseResult:
    name: str
    unit: str = "request"
    servers: Dict[str, ServerResult] = field(default_factory=dict)
    open_rate: float = 0.0


@dataclass
class GoalResult:
    text: str
    case: str
    ratio: "float | None"
    limit: float
    spread: float
    verdict: str


@dataclass
class RowResult:
    name: str
    title: str
    date: str
    machine: Dict[str, object]
    rounds: int
    seconds: float
    quick: bool
    floor: "str | None" = None
    cases: List[CaseResult] = field(default_factory=list)
    goals: List[GoalResult] = field(default_factory=list)
    void: List[str] = field(default_factory=list)
    left_out: Dict[str, str] = field(default_factory=dict)
    audited: Dict[str, Dict[str, int]] = field(default_factory=dict)
    complaints: List[str] = field(default_factory=list)
    remarks: List[str] = field(default_factory=list)
    others: float = 0.0  # the largest share of a core that other programs used

    @classmethod
    def begin(cls, row, options) -> "RowResult":
        today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
        return cls(row.name, row.title, today, machine.kind(), options.rounds, options.seconds, options.quick, row.floor)

    def judge(self, row) -> None:
        """A verdict for each goal, or why there is none."""
        for case in self.cases:
            for goal in row.goals:
                if goal.case is not None and goal.case != case.name:
                    continue
                if goal.ours in case.servers and (goal.reference is None or goal.reference in case.servers or goal.reference in self.left_out):
                    self.goals.append(self._judged(goal, case))

    def _judged(self, goal, case: CaseResult) -> GoalResult:
        ours = case.servers[goal.ours].figures.get(goal.figure, [])
        if goal.reference in self.left_out:
            return GoalResult(goal.text, case.name, None, goal.limit, 0.0, f"no verdict: {goal.reference} is not here")
        reference = case.servers[goal.reference].figures.get(goal.figure, []) if goal.reference else [1.0] * max(1, len(ours))
        found = stats.verdict(ours, reference, goal.limit, strict=goal.strict, at_least=goal.at_least)
        word = found.word
        if self.void:
            word = "void"
        elif self.quick and found.decided:
            word = f"{word} (quick: not a result)"
        return GoalResult(goal.text, case.name, found.ratio, goal.limit, found.spread, word)

    def publishable(self) -> "str | None":
        """Why this may not be written to bench/results/; None if it may."""
        if self.quick:
            return "a quick run is no result"
        if self.void:
            return "the row is void"
        if self.rounds < 5:
            return "fewer than 5 rounds"
        if self.others > BUSY_LIMIT:
            return f"other programs used up to {self.others:.0%} of a core meanwhile"
        return None

    def to_json(self) -> Dict[str, object]:
        return {
            "row": self.name,
            "title": self.title,
            "date": self.date,
            "machine": self.machine,
            "rounds": self.rounds,
            "seconds_a_round": self.seconds,
            "quick": self.quick,
            "floor": self.floor,
            "void": self.void,
            "left_out": self.left_out,
            "audited": self.audited,
            "remarks": self.remarks,
            "busy_others": round(self.others, 3),
            "cases": [
                {
                    "case": case.name,
                    "unit": case.unit,
                    "open_loop_rate": round(case.open_rate),
                    "servers": [
                        {
                            "server": server.name,
                            "note": server.note,
                            "head_bytes": server.head_bytes,
                            "body_bytes": server.body_bytes,
                            "median": {figure: round(stats.median(values), 3) for figure, values in server.figures.items()},
                            "spread": {figure: round(stats.spread(values), 3) for figure, values in server.figures.items()},
                            "rounds": {figure: [round(value, 3) for value in values] for figure, values in server.figures.items()},
                        }
                        for server in case.servers.values()
                    ],
                }
                for case in self.cases
            ],
            "goals": [
                {"case": goal.case, "goal": goal.text, "ratio": None if goal.ratio is None else round(goal.ratio, 3), "limit": goal.limit,
                 "spread": round(goal.spread, 3), "verdict": goal.verdict}
                for goal in self.goals
            ],
        }
