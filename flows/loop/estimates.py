"""What a model is measured to be: pass rates over problems with 95 % intervals, and paired differences.

The bootstrap draws problems, not samples: those of one problem are alike. Two models are compared on the same problems,
so that what a problem is like for both falls out (paired bootstrap, Efron and Tibshirani 1993).
"""

from collections.abc import Mapping, Sequence
from math import comb
from typing import Literal, NamedTuple

import numpy as np

from cotfactory.schemas.record import Record

RESAMPLES = 2_000
K = 8
"""Of pass@k; with fewer samples k is their number."""


class Estimate(Record):
    """A mean over problems, and its 95 % interval."""

    value: float
    low: float
    high: float

    def percent(self) -> str:
        """Return it for people: `74.4 (71.2 to 77.9)`."""
        return f"{100 * self.value:.1f} ({100 * self.low:.1f} to {100 * self.high:.1f})"


class ProblemResult(NamedTuple):
    """How one problem went: of `samples` chains `right` had the right answer, `valid` held in every step as well.

    `methods` counts the different sets of equations among the valid ones.
    """

    samples: int
    right: int
    valid: int
    methods: int


Results = Mapping[str, ProblemResult]
"""By problem."""


class Measures(Record):
    """A model on held-out problems: `valid` is pass@1 of chains that hold, `claimed` of right answers, as shares."""

    problems: int
    samples: int
    valid: Estimate
    claimed: Estimate
    pass_at_8: Estimate
    methods: float
    """Different valid ways for each problem that has one."""


def measures(results: Sequence[Results]) -> Measures:
    """Return the measures over the problems of several runs (seeds), each problem of each run once."""
    found = [result for run in results for _, result in sorted(run.items())]
    solved = [result.methods for result in found if result.valid]
    return Measures(
        problems=len(found),
        samples=sum(result.samples for result in found),
        valid=estimate([valid_share(result) for result in found]),
        claimed=estimate([result.right / result.samples for result in found]),
        pass_at_8=estimate([pass_at_k(result) for result in found]),
        methods=sum(solved) / len(solved) if solved else 0.0,
    )


def valid_share(result: ProblemResult) -> float:
    """Return the share of a problem's chains that are valid."""
    return result.valid / result.samples


def pass_at_k(result: ProblemResult, k: int = K) -> float:
    """Return how likely one of k chains is valid, unbiased (Chen et al., arXiv 2107.03374)."""
    k = min(k, result.samples)
    return 1 - comb(result.samples - result.valid, k) / comb(result.samples, k)


def estimate(values: Sequence[float]) -> Estimate:
    """Return the mean of one value for each problem, with its bootstrap interval; the same values give the same."""
    if not values:
        return Estimate(value=0.0, low=0.0, high=0.0)
    known = np.asarray(values)
    means = known[np.random.default_rng(0).integers(len(known), size=(RESAMPLES, len(known)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Estimate(value=float(known.mean()), low=float(low), high=float(high))


def paired_difference(
    ours: Sequence[Results], theirs: Sequence[Results], of: Literal["pass_at_1", "pass_at_8"] = "pass_at_1"
) -> Estimate:
    """Return by how much the first is ahead, over the problems that both were asked."""
    value = valid_share if of == "pass_at_1" else pass_at_k
    return estimate(
        [
            value(mine[problem]) - value(other[problem])
            for mine, other in zip(ours, theirs, strict=True)
            for problem in sorted(mine.keys() & other.keys())
        ]
    )
