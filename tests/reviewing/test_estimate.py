"""Precision and recall from a stratified sample: unbiased, intervals that cover, doubt where little is known."""

import random
from statistics import mean

import pytest

from cotfactory.reviewing.estimate import UNKNOWN, clopper_pearson, precision, recall
from cotfactory.reviewing.sampling import allocation
from tests.reviewing.strata import Chains, judged

# Two teachers of different skill; where a wrong step was found, accepted answers are wrong more often.
CHAINS: tuple[Chains, ...] = (
    ("owl", "correct", False, 4000, 3960),
    ("owl", "correct", True, 300, 240),
    ("elk", "correct", False, 2500, 2400),
    ("elk", "correct", True, 200, 150),
    ("owl", "incorrect", False, 700, 14),
    ("elk", "incorrect", False, 1800, 18),
    ("elk", "no_answer", False, 500, 5),
)
ACCEPTED = [row for row in CHAINS if row[1] == "correct"]
PRECISION = sum(row[4] for row in ACCEPTED) / sum(row[3] for row in ACCEPTED)
RECALL = sum(row[4] for row in ACCEPTED) / sum(row[4] for row in CHAINS)


def test_hundred_draws_cover_the_truth_and_are_right_on_average() -> None:
    draw = random.Random(11)
    draws = list(allocation({str(row): row[3] for row in CHAINS}, 300).values())
    samples = [judged(CHAINS, draws, draw) for _ in range(100)]
    found = [precision(sample) for sample in samples]
    assert sum((each.low or 1) <= PRECISION <= (each.high or 0) for each in found) >= 93
    assert mean(each.value or 0 for each in found) == pytest.approx(PRECISION, abs=0.005)
    recalled = [recall(sample) for sample in samples[:30]]
    assert sum((each.low or 1) <= RECALL <= (each.high or 0) for each in recalled) >= 28


def test_a_grader_that_accepts_two_in_a_hundred_wrongly_is_flagged() -> None:
    """The lower end of the interval is below what a recipe may ask for, and a wrong accept has been seen."""
    draw = random.Random(7)
    chains: tuple[Chains, ...] = (("owl", "correct", False, 5000, 4900), ("elk", "correct", False, 3000, 2940))
    flagged = 0
    for _ in range(100):
        sample = judged(chains, (100, 100), draw)
        wrong = sum(stratum.judged - stratum.right for stratum in sample)
        flagged += wrong > 0 and (precision(sample).low or 0) < 0.99
    assert flagged >= 90


@pytest.mark.parametrize(
    ("chains", "draws", "expected"),
    [
        # Who judged all chains knows the precision: no doubt is left.
        ((("owl", "correct", False, 50, 48),), (50,), (0.96, 0.96, 0.96)),
        # No mistake among a hundred is no proof of 99 %.
        ((("owl", "correct", False, 10**6, 10**6),), (100,), (1.0, 0.9638, 1.0)),
        # A stratum that nobody looked at leaves the whole open.
        ((("owl", "correct", False, 50, 48), ("elk", "correct", False, 50, 48)), (50, 0), (None, None, None)),
    ],
)
def test_what_is_known(
    chains: tuple[Chains, ...], draws: tuple[int, ...], expected: tuple[float | None, float | None, float | None]
) -> None:
    found = precision(judged(chains, draws, random.Random(1)))
    rounded = [None if value is None else round(value, 4) for value in (found.value, found.low, found.high)]
    assert tuple(rounded) == expected


def test_recall_is_open_where_rejected_chains_were_not_judged() -> None:
    strata = judged(CHAINS, (50, 50, 50, 50, 50, 0, 50), random.Random(1))
    assert recall(strata) == UNKNOWN
    assert precision(strata).value is not None


def test_exact_intervals() -> None:
    # By R's binom.test: 45 of 50, 0 of 10, 98 of 100.
    assert [round(bound, 4) for bound in clopper_pearson(45, 50)] == [0.7819, 0.9667]
    assert [round(bound, 4) for bound in clopper_pearson(0, 10)] == [0.0, 0.3085]
    assert [round(bound, 4) for bound in clopper_pearson(98, 100)] == [0.9296, 0.9976]


@pytest.mark.parametrize(
    ("sizes", "total", "expected"),
    [
        ({"a": 1000, "b": 1000}, 100, {"a": 50, "b": 50}),
        ({"a": 5, "b": 3}, 100, {"a": 5, "b": 3}),  # all there are
        ({"a": 9, "b": 9, "c": 9}, 3, {"a": 2, "b": 2, "c": 2}),  # two of each, though that is more
        ({"a": 9}, 0, {"a": 0}),
        ({}, 10, {}),
    ],
)
def test_allocation(sizes: dict[str, int], total: int, expected: dict[str, int]) -> None:
    assert allocation(sizes, total) == expected
