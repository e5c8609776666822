"""Sampling stops where the rule says, on prefixes, and the pass rate stays unbiased under it."""

import itertools
import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.ask.stopping import (
    expected_samples,
    fitted_prior,
    next_samples,
    pass_rate,
    probability_in_band,
    used_samples,
)
from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.group import PassRate
from cotfactory.schemas.recipe import Attempts

LETTERS: dict[str, Verdict] = {"c": "correct", "i": "incorrect", "n": "no_answer", "u": "ungraded"}


def verdicts(text: str) -> list[Verdict]:
    return [LETTERS[letter] for letter in text]


@pytest.mark.parametrize(
    ("rule", "so_far", "asked_next"),
    [
        ({"max": 4}, "", 4),  # a plain number: all at once
        ({"max": 4}, "cc", 2),
        ({"max": 4}, "cccc", 0),
        ({"max": 8, "stop_after_correct": 2}, "", 2),  # at least two are needed, whatever they are
        ({"max": 8, "stop_after_correct": 2}, "ci", 1),
        ({"max": 8, "stop_after_correct": 2}, "cic", 0),
        ({"max": 8, "stop_after_correct": 4, "give_up_after": 3}, "ii", 1),  # one more failure ends it
        ({"max": 8, "stop_after_correct": 4, "give_up_after": 3}, "iin", 0),  # no answer is a failure too
        ({"max": 8, "stop_after_correct": 4, "give_up_after": 3}, "iiu", 1),  # ungraded is not
        ({"max": 8, "give_up_after": 3}, "ic", 6),  # a success lifts the give-up rule
        ({"max": 3, "stop_after_correct": 2}, "iii", 0),
        ({"max": 16, "mode": "band"}, "", 6),  # 0, 3 or 6 of 6 are decided with 90 %, nothing is before
        ({"max": 16, "mode": "band"}, "cicicu", 1),
        ({"max": 16, "mode": "band"}, "cicici", 0),
        ({"max": 16, "mode": "band"}, "iiiiii", 0),
        ({"max": 16, "mode": "band"}, "ciiiii", 3),  # 3 of 8 would still be open, 4 of 9 would not
        ({"max": 5, "mode": "band"}, "iiii", 1),
    ],
)
def test_next_samples(rule: dict[str, Any], so_far: str, asked_next: int) -> None:
    wave = next_samples(Attempts(**rule), verdicts(so_far))
    assert list(wave) == list(range(len(so_far), len(so_far) + asked_next))


@given(
    st.integers(1, 8),
    st.none() | st.integers(1, 8),
    st.none() | st.integers(1, 8),
    st.lists(st.sampled_from(sorted(LETTERS.values())), min_size=8, max_size=8),
)
def test_waves_never_overshoot(maximum: int, enough: int | None, hopeless: int | None, future: list[Verdict]) -> None:
    """Asking in waves uses exactly the samples that asking one by one would."""
    attempts = Attempts(max=maximum, stop_after_correct=enough, give_up_after=hopeless)
    asked: list[Verdict] = []
    while wave := next_samples(attempts, asked):
        asked += [future[index] for index in wave]
    assert len(asked) == used_samples(attempts, future[:maximum])


@given(
    st.integers(1, 12),
    st.sampled_from([0.6, 0.75, 0.9]),
    st.lists(st.sampled_from(sorted(LETTERS.values())), min_size=12, max_size=12),
)
def test_waves_never_overshoot_a_band(maximum: int, confidence: float, future: list[Verdict]) -> None:
    attempts = Attempts(max=maximum, mode="band", confidence=confidence)
    asked: list[Verdict] = []
    while wave := next_samples(attempts, asked):
        asked += [future[index] for index in wave]
    assert len(asked) == used_samples(attempts, future[:maximum])


@pytest.mark.parametrize(("correct", "counted"), [(0, 0), (5, 5), (2, 5), (0, 10), (7, 16)])
def test_the_probability_of_a_band_is_the_integral_of_the_posterior(correct: int, counted: int) -> None:
    # With p = sin^2(x) the prior becomes flat in x, which takes the poles at 0 and 1 away.
    steps = 20_000
    angles = [(step + 0.5) / steps * math.pi / 2 for step in range(steps)]
    density = [math.sin(x) ** (2 * correct) * math.cos(x) ** (2 * (counted - correct)) for x in angles]
    inside = sum(each for each, x in zip(density, angles, strict=True) if 0.2 <= math.sin(x) ** 2 <= 0.8)
    assert probability_in_band((0.2, 0.8), correct, counted) == pytest.approx(inside / sum(density), abs=1e-3)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"mode": "band", "stop_after_correct": 4}, "leave stop_after_correct"),
        ({"mode": "band", "band": (0.8, 0.2)}, "lower end first"),
        ({"band": (0.1, 0.9)}, "only with `mode: band`"),
        ({"confidence": 0.8}, "only with `mode: band`"),
    ],
)
def test_rules_that_contradict_each_other(rule: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Attempts.model_validate(rule)


def test_a_sample_beyond_the_stop_is_not_used() -> None:
    """Another recipe may have bought more of them: this one must not depend on that."""
    attempts = Attempts(max=8, stop_after_correct=1)
    assert used_samples(attempts, verdicts("iccc")) == 2
    assert used_samples(attempts, [None, "correct"]) == 0
    assert used_samples(attempts, verdicts("iii")) == 3  # not yet decided
    assert used_samples(Attempts(max=2), verdicts("iii")) == 2


@pytest.mark.parametrize(
    "attempts",
    [
        Attempts(max=6),
        Attempts(max=6, stop_after_correct=1),
        Attempts(max=6, stop_after_correct=2),
        Attempts(max=6, stop_after_correct=3, give_up_after=2),
        Attempts(max=6, mode="band"),
        Attempts(max=6, mode="band", band=(0.3, 0.9), confidence=0.7),
    ],
)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_pass_rate_is_unbiased(attempts: Attempts, p: float) -> None:
    """Its mean over every possible run is p, exactly: the rule cannot push it."""
    mean = 0.0
    either: tuple[Verdict, Verdict] = ("correct", "incorrect")
    for future in itertools.product(either, repeat=6):
        used = list(future[: used_samples(attempts, future)])
        rate = pass_rate(attempts, used).rate
        assert rate is not None
        mean += rate * p ** future.count("correct") * (1 - p) ** future.count("incorrect")
    assert math.isclose(mean, p, rel_tol=1e-9)


@pytest.mark.parametrize(
    "attempts", [Attempts(max=4), Attempts(max=4, stop_after_correct=1), Attempts(max=4, stop_after_correct=2)]
)
def test_the_pass_rate_of_first_answers_is_unbiased_whatever_becomes_of_them(attempts: Attempts) -> None:
    """Samples go on after their first answer, and the rule looks at how they end: `refine` may spoil a right draft."""
    likely: dict[tuple[Verdict, Verdict], float] = {
        ("correct", "correct"): 0.3,
        ("correct", "incorrect"): 0.1,
        ("incorrect", "correct"): 0.25,
        ("incorrect", "incorrect"): 0.35,
    }
    mean = 0.0
    for future in itertools.product(likely, repeat=4):
        used = used_samples(attempts, [end for _, end in future])
        found = pass_rate(attempts, [end for _, end in future[:used]], [first for first, _ in future[:used]])
        assert found.c == sum(first == "correct" for first, _ in future[:used])
        mean += (found.rate or 0.0) * math.prod(likely[sample] for sample in future)
    assert mean == pytest.approx(0.4, abs=1e-12)


def endings(attempts: Attempts) -> Counter[tuple[int, int]]:
    """In how many orders of verdicts asking ends at c correct of n, with every wave asked as a whole as a run does."""
    reached, ended = {(0, 0): 1}, Counter[tuple[int, int]]()
    while reached:
        after: Counter[tuple[int, int]] = Counter()
        for (c, n), orders in reached.items():
            wave = len(next_samples(attempts, verdicts("c" * c + "i" * (n - c))))
            if wave == 0:
                ended[c, n] += orders
            for more in range(wave + 1 if wave else 0):
                after[c + more, n + wave] += orders * math.comb(wave, more)
        reached = dict(after)
    return ended


@pytest.mark.parametrize(
    ("attempts", "plain_bias"),
    [
        # The second figure is how far off c / n would be at a pass rate of one half.
        (Attempts(max=16), 0.0),
        (Attempts(max=16, stop_after_correct=1), math.log(2) - 0.5),  # the sum of 1/n 2^-n
        (Attempts(max=16, stop_after_correct=4), 0.0603),
        (Attempts(max=16, stop_after_correct=4, give_up_after=8), 0.0593),
        (Attempts(max=16, give_up_after=4), -6 / 16 / 16),  # 1 of 16 problems loses the 6 of 12 still to come
        (Attempts(max=16, mode="band"), 0.0),  # symmetric about one half
        (Attempts(max=16, mode="band", band=(0.1, 0.5), confidence=0.8), 0.2269),  # one success is outside
        (Attempts(max=40, mode="band", confidence=0.95), 0.0),
    ],
)
def test_the_rules_people_use_are_unbiased_at_every_pass_rate(attempts: Attempts, plain_bias: float) -> None:
    rates = {(c, n): pass_rate(attempts, verdicts("c" * c + "i" * (n - c))).rate or 0.0 for c, n in endings(attempts)}
    for p in (0.0, 0.03, 0.2, 0.5, 0.8, 0.97, 1.0):
        likely = {(c, n): orders * p**c * (1 - p) ** (n - c) for (c, n), orders in endings(attempts).items()}
        assert math.fsum(likely.values()) == pytest.approx(1, abs=1e-12)
        assert math.fsum(rates[end] * weight for end, weight in likely.items()) == pytest.approx(p, abs=1e-12)
        if p == 0.5:
            plain = math.fsum(c / n * weight for (c, n), weight in likely.items())
            assert plain - p == pytest.approx(plain_bias, abs=5e-4)


def test_in_band_mode_plain_c_of_n_tells_the_band_and_the_unbiased_rate_does_not() -> None:
    """3 of 16 is 0.19 and more likely outside; its unbiased rate is 0.22, since asking went that far only undecided."""
    attempts = Attempts(max=16, mode="band")
    for c, n in endings(attempts):
        assert (0.2 <= c / n <= 0.8) is (probability_in_band((0.2, 0.8), c, n) > 0.5), (c, n)
    assert pass_rate(attempts, verdicts("c" * 3 + "i" * 13)).rate == pytest.approx(0.2222, abs=1e-3)


@pytest.mark.parametrize(
    "attempts",
    [
        Attempts(max=6),
        Attempts(max=6, stop_after_correct=2, give_up_after=3),
        Attempts(max=6, mode="band", confidence=0.7),
    ],
)
def test_the_expected_number_of_samples_is_the_mean_over_every_run(attempts: Attempts) -> None:
    """Runs weighted by how likely a pass rate drawn from the prior makes them: here Beta(2, 1), whose density is 2p."""
    mean = 0.0
    either: tuple[Verdict, Verdict] = ("correct", "incorrect")
    for future in itertools.product(either, repeat=6):
        c = future.count("correct")
        likely = (
            2 * math.factorial(c + 1) * math.factorial(6 - c) / math.factorial(8)
        )  # the integral of 2p p^c (1-p)^(6-c)
        mean += used_samples(attempts, future) * likely
    assert expected_samples(attempts, [], (2.0, 1.0)) == pytest.approx(mean)


def test_what_is_asked_already_is_not_expected_again() -> None:
    assert expected_samples(Attempts(max=8), verdicts("cciu"), (0.5, 0.5)) == 4
    assert expected_samples(Attempts(max=8, stop_after_correct=2), verdicts("cc"), (0.5, 0.5)) == 0
    assert expected_samples(Attempts(max=3), verdicts("iiiii"), (0.5, 0.5)) == 0  # `max` was lowered since
    # Hundreds of samples are no trouble either.
    assert 2 < expected_samples(Attempts(max=900, stop_after_correct=2), [], (0.5, 0.5)) < 200


@pytest.mark.parametrize(
    ("first", "both", "pairs", "prior"),
    [
        (0.7, 0.6, 3, (0.5, 0.5)),  # three problems say nothing
        (0.5, 0.375, 100, (0.5, 0.5)),  # the moments of Beta(1/2, 1/2)
        (2 / 3, 0.5, 100, (2.0, 1.0)),  # of Beta(2, 1)
        (0.5, 0.2, 100, (25.0, 25.0)),  # less than independent samples agree: all pass rates alike
        (0.5, 0.5, 100, (0.05, 0.05)),  # every problem is always or never solved
        (1.0, 1.0, 100, (0.099, 0.001)),
    ],
)
def test_the_fitted_prior_has_the_moments_that_were_seen(
    first: float, both: float, pairs: int, prior: tuple[float, float]
) -> None:
    assert fitted_prior(first, both, pairs) == pytest.approx(prior, abs=1e-9)


def test_hundreds_of_samples_are_counted_too() -> None:
    """The number of paths has hundreds of digits, and a recursion would not survive the depth."""
    assert pass_rate(Attempts(max=900), verdicts("c" * 300 + "i" * 600)).rate == pytest.approx(1 / 3)


def test_ungraded_samples_count_in_neither_c_nor_n() -> None:
    rate = pass_rate(Attempts(max=4), verdicts("cuin"))
    assert (rate.c, rate.n, rate.rate) == (1, 3, 1 / 3)
    assert pass_rate(Attempts(max=2), verdicts("uu")).rate is None
    # Of first answers too; one that is graded counts whatever became of its sample.
    assert pass_rate(Attempts(max=4), verdicts("ccuc"), verdicts("ciiu")) == PassRate(rate=1 / 3, n=3, c=1)
    stopping = Attempts(max=4, stop_after_correct=1)
    assert pass_rate(stopping, verdicts("iic"), verdicts("uui")) == PassRate(rate=0.0, n=1, c=0)
