"""Medians, spreads and verdicts."""

from dataclasses import dataclass
from typing import Optional, Sequence

SPREAD_LIMIT = 0.10


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def spread(values: Sequence[float]) -> float:
    """Largest less smallest, as a share of the median. One value has none; a median of 0 with any difference is infinite."""
    difference = max(values) - min(values)
    if difference == 0:
        return 0.0
    middle = median(values)
    return difference / middle if middle > 0 else float("inf")


@dataclass(frozen=True)
class Verdict:
    ratio: Optional[float]
    spread: float
    word: str  # met, missed, or why there is none

    @property
    def decided(self) -> bool:
        return self.word in ("met", "missed")


def verdict(ours: Sequence[float], reference: Sequence[float], limit: float, *, strict: bool = False, at_least: bool = False) -> Verdict:
    """Is the median of `ours` at most `limit` times (strict: below; at_least: not below) that of `reference`? No verdict if either spreads
    over 10 %."""
    if not ours or not reference:
        return Verdict(None, 0.0, "no verdict: no figures")
    worst = max(spread(ours), spread(reference))
    base = median(reference)
    if base <= 0:
        return Verdict(None, worst, "no verdict: the reference is 0, too short a run")
    ratio = median(ours) / base
    if worst > SPREAD_LIMIT:
        return Verdict(ratio, worst, f"no verdict: spread {worst:.0%} is over {SPREAD_LIMIT:.0%}")
    met = ratio >= limit if at_least else ratio < limit if strict else ratio <= limit
    return Verdict(ratio, worst, "met" if met else "missed")
