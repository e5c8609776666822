"""Precision and recall of a grader from a stratified sample that people judged: unbiased, with intervals that hold.

A stratum of N chains of which n were judged, r of them right, stands for N * r / n right ones (Horvitz and Thompson,
1952). The interval of a share is that of Korn and Graubard (1998): Clopper and Pearson's, exact for a binomial share,
with the sample size that the design is worth; unlike a bootstrap it is no point where no mistake was found.
"""

from collections.abc import Sequence
from math import inf

from cotfactory.schemas.people_figures import Estimate, StratumFigures

UNKNOWN = Estimate(value=None, low=None, high=None, n=0)
ALPHA = 0.05


def precision(strata: Sequence[StratumFigures]) -> Estimate:
    """Return the share of accepted chains that are right; unknown while a stratum of them has no judged chain."""
    return _share([stratum for stratum in strata if stratum.stratum.verdict == "correct"], ALPHA)


def recall(strata: Sequence[StratumFigures]) -> Estimate:
    """Return the share of right chains that are accepted.

    Its interval combines those of the two parts, accepted and other chains, at half the error each (Bonferroni).
    """
    accepted = [stratum for stratum in strata if stratum.stratum.verdict == "correct"]
    others = [stratum for stratum in strata if stratum.stratum.verdict != "correct"]
    taken, missed = _share(accepted, ALPHA / 2), _share(others, ALPHA / 2)
    if others and missed.value is None:
        return UNKNOWN
    if not accepted or taken.value is None or taken.low is None or taken.high is None:
        return UNKNOWN
    chains, rest = sum(stratum.size for stratum in accepted), sum(stratum.size for stratum in others)

    def accepted_share(right: float, other: float) -> float | None:
        found, left = chains * right, rest * other
        return found / (found + left) if found + left else None

    return Estimate(
        value=accepted_share(taken.value, missed.value or 0.0),
        low=accepted_share(taken.low, missed.high or 0.0),
        high=accepted_share(taken.high, missed.low or 0.0),
        n=taken.n + missed.n,
    )


def _share(strata: Sequence[StratumFigures], alpha: float) -> Estimate:
    """Return the share of right chains over all strata."""
    judged = sum(stratum.judged for stratum in strata)
    if not strata or any(stratum.judged == 0 for stratum in strata):
        return UNKNOWN.model_copy(update={"n": judged})
    chains = sum(stratum.size for stratum in strata)
    value = sum(stratum.size * stratum.right / stratum.judged for stratum in strata) / chains
    worth = _effective_size(strata, chains, value)
    low, high = (value, value) if worth == inf else clopper_pearson(value * worth, worth, alpha)
    return Estimate(value=value, low=low, high=high, n=judged)


def _effective_size(strata: Sequence[StratumFigures], chains: int, value: float) -> float:
    """Return how many chains, drawn from all alike, would tell as much: no more than the spread that was seen allows.

    A stratum that was judged as a whole adds no doubt.
    """
    alike = seen = 0.0
    for stratum in strata:
        weight, left = stratum.size / chains, 1 - stratum.judged / stratum.size
        share = stratum.right / stratum.judged
        alike += weight**2 * left / stratum.judged
        seen += weight**2 * left * share * (1 - share) / max(1, stratum.judged - 1)
    if alike == 0:
        return inf
    return min(1 / alike, value * (1 - value) / seen) if seen else 1 / alike


def clopper_pearson(hits: float, n: float, alpha: float = ALPHA) -> tuple[float, float]:
    """Return the exact interval of a share of `hits` of `n`, which need not be whole.

    >>> [round(bound, 4) for bound in clopper_pearson(100, 100)]
    [0.9638, 1.0]
    """
    low = 0.0 if hits <= 0 else _beta_quantile(alpha / 2, hits, n - hits + 1)
    high = 1.0 if hits >= n else _beta_quantile(1 - alpha / 2, hits + 1, n - hits)
    return low, high


def _beta_quantile(probability: float, a: float, b: float) -> float:
    from mpmath import betainc  # imported late: most runs never ask

    low, high = 0.0, 1.0
    for _ in range(20):  # to a millionth
        middle = (low + high) / 2
        if betainc(a, b, 0, middle, regularized=True) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2
