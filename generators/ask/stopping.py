"""When to stop asking: enough correct, hopeless, decided, or at the maximum; the unbiased pass rate under that rule.

Everything is decided on prefixes of the sample index, never on the order of arrival: short answers arrive
first and are easier, so deciding on arrivals would bias what is kept and could not be reproduced.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache

from cotfactory.schemas.grade import VERDICTS, Verdict
from cotfactory.schemas.group import PassRate
from cotfactory.schemas.recipe import Attempts

JEFFREYS = (0.5, 0.5)
ENOUGH_PAIRS = 30
WEAKEST, STRONGEST = 0.1, 50.0
"""Bounds of a fitted prior's strength, in samples: from pass rates of 0 and 1 only to pass rates that are all alike."""


def used_samples(attempts: Attempts, verdicts: Sequence[Verdict | None]) -> int:
    """Return how many of the first samples the rule uses, given the verdicts known in sample order.

    A missing verdict (None) ends the known prefix. With `stop_after_correct: 1` the verdicts incorrect,
    correct, correct use 2 samples: the third may exist, bought by another recipe, but is not this one's.
    """
    correct = counted = 0
    for used, verdict in enumerate(verdicts[: attempts.max]):
        if verdict is None or _decided(attempts, correct, counted):
            return used
        correct += verdict == "correct"
        counted += verdict != "ungraded"
    return min(len(verdicts), attempts.max)


def next_samples(attempts: Attempts, verdicts: Sequence[Verdict]) -> range:
    """Return the indexes to ask for next, given the verdicts of all earlier samples; empty means stop.

    Several at once where the rule is sure to want them all: with `stop_after_correct: 4` and one correct so
    far, three more are needed whatever they turn out to be.
    """
    asked = len(verdicts)
    correct = sum(verdict == "correct" for verdict in verdicts)
    counted = sum(verdict != "ungraded" for verdict in verdicts)
    if _decided(attempts, correct, counted):
        return range(asked, asked)
    wave = attempts.max - asked
    if attempts.mode == "band":
        return range(asked, asked + min(wave, _undecided_for(attempts, correct, counted)))
    if attempts.stop_after_correct is not None:
        wave = min(wave, attempts.stop_after_correct - correct)
    if attempts.give_up_after is not None and correct == 0:
        wave = min(wave, attempts.give_up_after - counted)
    return range(asked, asked + wave)


def expected_samples(attempts: Attempts, verdicts: Sequence[Verdict], prior: tuple[float, float]) -> float:
    """Return how many more samples the rule will ask for, on average, after `verdicts`.

    `prior` is the Beta distribution (a, b) of the problems' pass rates.
    """
    correct = sum(verdict == "correct" for verdict in verdicts)
    counted = sum(verdict != "ungraded" for verdict in verdicts)
    return _expected_samples(attempts, prior, correct, counted, len(verdicts))


@lru_cache(maxsize=100_000)
def _expected_samples(attempts: Attempts, prior: tuple[float, float], correct: int, counted: int, asked: int) -> float:
    a, b = prior
    more = max(0, attempts.max - asked)
    after = [0.0] * (more + 2)  # by further successes, once `more` samples have been asked
    for step in reversed(range(more)):
        n = counted + step
        after = [
            0.0
            if _decided(attempts, correct + won, n)
            else 1.0 + ((a + correct + won) * after[won + 1] + (b + n - correct - won) * after[won]) / (a + b + n)
            for won in range(step + 1)
        ]
    return after[0]


def fitted_prior(first_correct: float, both_correct: float, pairs: int) -> tuple[float, float]:
    """Return the Beta distribution of pass rates with two moments seen in the first two samples of `pairs` problems.

    The mean is the share whose first sample is correct, the second moment the share whose first two are. With few
    pairs it is Jeffreys' prior, which a few problems would hardly move.
    """
    if pairs < ENOUGH_PAIRS:
        return JEFFREYS
    mean = min(max(first_correct, 0.01), 0.99)
    variance = both_correct - mean * mean
    strength = mean * (1 - mean) / variance - 1 if variance > 0 else STRONGEST
    strength = min(max(strength, WEAKEST), STRONGEST)
    return mean * strength, (1 - mean) * strength


def pass_rate(attempts: Attempts, ended: Sequence[Verdict], first: Sequence[Verdict] | None = None) -> PassRate:
    """Return the pass rate of the used samples, without the bias of having stopped on success.

    `ended` are the verdicts that the rule looked at, one a sample. `first` are those that count, where a sample goes
    on after its first answer: what is right once its teacher was told that it was wrong says little of the teacher.
    `ungraded` ones count in neither c nor n. c / n overstates the rate when sampling stops on the c-th success; the
    unbiased estimator is the share of paths to (c, n) that begin with a success (Girshick, Mosteller and Savage,
    1946). Example: stopping at the 2nd success after 4 samples gives 1/3, not 2/4, because 1 of the 3 possible paths
    begins with a success. Where first answers count, samples that ended alike are exchangeable: the share of right
    first answers among them holds for the sample that a path begins with.
    """
    counting = ended if first is None else first
    n = sum(verdict != "ungraded" for verdict in counting)
    c = sum(verdict == "correct" for verdict in counting)
    if n == 0:
        return PassRate(rate=None, n=0, c=0)
    if attempts.is_fixed:
        return PassRate(rate=c / n, n=n, c=c)
    weights = _weights(attempts, ended)
    graded = [
        (weights[end], verdict == "correct")
        for end, verdict in zip(ended, counting, strict=True)
        if verdict != "ungraded"
    ]
    total = sum(weight for weight, _ in graded)
    # No weight at all: every first answer that could be graded led to the one success that ended the sampling.
    rate = float(sum(weight for weight, right in graded if right) / total) if total else c / n
    return PassRate(rate=rate, n=n, c=c)


def _weights(attempts: Attempts, ended: Sequence[Verdict]) -> Mapping[Verdict, Fraction]:
    """Return what a sample counts for by how it ended: 1 on average, less where sampling stopped on its like."""
    n = sum(verdict != "ungraded" for verdict in ended)
    c = sum(verdict == "correct" for verdict in ended)
    weights: dict[Verdict, Fraction] = dict.fromkeys(VERDICTS, Fraction(1))
    if 0 < c < n:
        begins_right = Fraction(_paths(attempts, 1, 1, c, n), _paths(attempts, 0, 0, c, n))
        weights |= dict.fromkeys(VERDICTS[1:3], (1 - begins_right) * n / (n - c))
        weights["correct"] = begins_right * n / c
    return weights


def _decided(attempts: Attempts, correct: int, counted: int) -> bool:
    if attempts.mode == "band":
        inside = probability_in_band(attempts.band, correct, counted)
        return not 1 - attempts.confidence < inside < attempts.confidence
    if attempts.stop_after_correct is not None and correct >= attempts.stop_after_correct:
        return True
    return attempts.give_up_after is not None and correct == 0 and counted >= attempts.give_up_after


@lru_cache(maxsize=100_000)
def _undecided_for(attempts: Attempts, correct: int, counted: int) -> int:
    """Return after how many more samples, at the earliest, the band may be decided; at most `max` of them."""
    for more in range(1, attempts.max):
        if any(_decided(attempts, correct + successes, counted + more) for successes in range(more + 1)):
            return more
    return attempts.max


@lru_cache(maxsize=100_000)
def probability_in_band(band: tuple[float, float], correct: int, counted: int) -> float:
    """Return the probability that the pass rate lies in `band` after `correct` of `counted` samples.

    The prior is Jeffreys' Beta(1/2, 1/2) (Jeffreys, 1946): like the pass rates of real problem sets it is heaviest at
    0 and 1, so that six failures in a row decide where a flat prior would ask for ten. Example: 5 of 5 correct leaves
    13 % for 0.2 to 0.8.
    """
    from mpmath import betainc  # imported late: most runs never ask

    a, b = JEFFREYS
    inside = betainc(a + correct, b + counted - correct, *band, regularized=True)
    return float(inside)


@lru_cache(maxsize=100_000)
def _paths(attempts: Attempts, correct: int, counted: int, c: int, n: int) -> int:
    """Return how many orders of verdicts lead from (correct, counted) to (c, n) without stopping before."""
    ways: Mapping[int, int] = {correct: 1}  # by the number of correct ones so far
    for so_far in range(counted, n):
        after: Counter[int] = Counter()
        for successes, paths in ways.items():
            if successes <= c and not _decided(attempts, successes, so_far):
                after[successes] += paths
                after[successes + 1] += paths
        ways = after
    return ways.get(c, 0)
