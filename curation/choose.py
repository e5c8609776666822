"""Which of a problem's good chains are kept: the first, the shortest, those of usual length, the most different."""

from collections.abc import Callable, Sequence

from cotfactory.curation.chain_checks.findings import ChainFinding
from cotfactory.schemas.curation import Preference


def in_order(findings: Sequence[ChainFinding]) -> list[ChainFinding]:
    """Return chains by sample index, then id: an order that is the same whenever and wherever they arrived."""
    return sorted(findings, key=lambda finding: (finding.sample_index, finding.candidate_id))


def choose(findings: Sequence[ChainFinding], count: int, prefer: Preference) -> set[str]:
    """Return the candidate ids of at most `count` chains; ties go to the lower sample index, then id."""
    ordered = in_order(findings)
    return {finding.candidate_id for finding in PREFERENCES[prefer](ordered, count)}


def _shortest(ordered: list[ChainFinding], count: int) -> list[ChainFinding]:
    return sorted(ordered, key=lambda finding: finding.length)[:count]


def _median(ordered: list[ChainFinding], count: int) -> list[ChainFinding]:
    lengths = sorted(finding.length for finding in ordered)
    middle = lengths[(len(lengths) - 1) // 2] if lengths else 0
    return sorted(ordered, key=lambda finding: abs(finding.length - middle))[:count]


def _most_different(ordered: list[ChainFinding], count: int) -> list[ChainFinding]:
    """Return the first chain, then again and again the one that shares the fewest equations with those chosen.

    After RFT (arXiv 2308.01825): distinct equation paths to the answer are what helps. Chains that state no equation
    count as one and the same way.
    """
    chosen: list[ChainFinding] = []
    left = list(ordered)
    while left and len(chosen) < count:
        best = min(left, key=lambda finding: max((_alike(finding, other) for other in chosen), default=0.0))
        chosen.append(best)
        left.remove(best)
    return chosen


def _alike(left: ChainFinding, right: ChainFinding) -> float:
    first, second = set(left.equations), set(right.equations)
    return len(first & second) / len(first | second) if first | second else 1.0


PREFERENCES: dict[Preference, Callable[[list[ChainFinding], int], list[ChainFinding]]] = {
    "first": lambda ordered, count: ordered[:count],
    "shortest": _shortest,
    "median": _median,
    "most_different": _most_different,
}
