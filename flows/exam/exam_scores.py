"""Scores of an exam: counts, precision and recall with Wilson intervals, CPU times, abstentions, slowest items."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from cotfactory.schemas.record import Record

Z = 1.959964
"""95 %."""

SLOWEST = 5
MISTAKES = 50


@dataclass(frozen=True)
class Result:
    """What a grader said about one question. `cpu_s` is None where it ran elsewhere (programs in containers)."""

    name: str
    family: str
    rule: str
    expected: bool | None
    accepted: bool
    verdict: str
    reason: str
    cpu_s: float | None
    wall_s: float


class Rate(Record):
    """`hits` of `n`, and the 95 % Wilson interval of the share; the share of nothing is None."""

    hits: int
    n: int
    value: float | None
    low: float | None
    high: float | None

    def text(self) -> str:
        """Return the rate for people."""
        return "-" if self.value is None else f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def rate(hits: int, n: int) -> Rate:
    """Return the share of `hits` with its Wilson interval.

    >>> rate(50, 50).low
    0.9287
    """
    if n == 0:
        return Rate(hits=hits, n=n, value=None, low=None, high=None)
    share, spread = hits / n, Z * Z / n
    middle, half = share + spread / 2, Z * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return Rate(hits=hits, n=n, value=round(share, 6), low=round(max(low, 0.0), 4), high=round(min(high, 1.0), 4))


class Slow(Record):
    """One of the slowest questions."""

    name: str
    wall_ms: float
    cpu_ms: float | None


class Score(Record):
    """How one grader did on one exam, or on one family of it.

    `agreement` is over all labelled questions. `abstentions` counts `verdict/reason` of everything that was neither
    correct nor incorrect; `wrongly_accepted` and `wrongly_rejected` name questions.
    """

    n: int
    labelled: int
    precision: Rate
    recall: Rate
    agreement: Rate
    abstentions: dict[str, int]
    cpu_us_median: float | None
    cpu_us_mean: float | None
    wall_s: float
    slowest: tuple[Slow, ...] = ()
    wrongly_accepted: tuple[str, ...] = ()
    wrongly_rejected: tuple[str, ...] = ()


def score(results: Sequence[Result], in_detail: bool = True) -> Score:
    """Add up results; without detail no question is named."""
    labelled = [result for result in results if result.expected is not None]
    right = sum(result.accepted and bool(result.expected) for result in labelled)
    cpu = [result.cpu_s * 1e6 for result in results if result.cpu_s is not None]
    abstained = Counter(
        f"{result.verdict}/{result.reason}" for result in results if result.verdict in ("no_answer", "ungraded")
    )
    found = Score(
        n=len(results),
        labelled=len(labelled),
        precision=rate(right, sum(result.accepted for result in labelled)),
        recall=rate(right, sum(bool(result.expected) for result in labelled)),
        agreement=rate(sum(result.accepted == result.expected for result in labelled), len(labelled)),
        abstentions=dict(abstained.most_common()),
        cpu_us_median=round(median(cpu), 1) if cpu else None,
        cpu_us_mean=round(mean(cpu), 1) if cpu else None,
        wall_s=round(sum(result.wall_s for result in results), 3),
    )
    if not in_detail:
        return found
    slowest = sorted(results, key=lambda result: -result.wall_s)[:SLOWEST]
    wrong = [result for result in labelled if result.accepted != result.expected]
    return found.model_copy(
        update={
            "slowest": tuple(_slow(result) for result in slowest),
            "wrongly_accepted": tuple(result.name for result in wrong if result.accepted)[:MISTAKES],
            "wrongly_rejected": tuple(result.name for result in wrong if not result.accepted)[:MISTAKES],
        }
    )


def _slow(result: Result) -> Slow:
    cpu_ms = None if result.cpu_s is None else round(result.cpu_s * 1000, 2)
    return Slow(name=result.name, wall_ms=round(result.wall_s * 1000, 2), cpu_ms=cpu_ms)


def by(results: Sequence[Result], field: str) -> dict[str, Score]:
    """Break results down by `family` or `rule`, the largest group first."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(getattr(result, field), []).append(result)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return {name: score(group, in_detail=False) for name, group in ordered}
