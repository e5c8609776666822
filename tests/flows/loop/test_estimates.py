import pytest

from cotfactory.flows.loop.estimates import ProblemResult, estimate, measures, paired_difference, pass_at_k


def result(valid: int, samples: int = 8, right: int | None = None) -> ProblemResult:
    return ProblemResult(samples, valid if right is None else right, valid, min(valid, 1))


@pytest.mark.parametrize(
    ("valid", "samples", "expected"),
    [
        (0, 8, 0.0),
        (1, 8, 1.0),
        (1, 16, 0.5),  # one of 16 is among 8 of them half the time
        (4, 4, 1.0),  # fewer than eight: of those that are there
        (0, 4, 0.0),
    ],
)
def test_pass_at_eight_is_unbiased(valid: int, samples: int, expected: float) -> None:
    assert pass_at_k(result(valid, samples)) == pytest.approx(expected)


def test_an_interval_holds_its_mean_and_nothing_varies_without_variance() -> None:
    found = estimate([0.0, 1.0] * 50)
    assert found.low < found.value == 0.5 < found.high
    still = estimate([0.25] * 10)
    assert (still.low, still.value, still.high) == (0.25, 0.25, 0.25)
    assert estimate([]).value == 0


def test_pairs_take_out_what_a_problem_is_like() -> None:
    """Each of 40 problems is a tenth easier for the first, however hard it is."""
    hard = {f"p{number}": result(number % 8, 80) for number in range(40)}
    easier = {name: result(found.valid + 8, 80) for name, found in hard.items()}
    ahead = paired_difference([easier], [hard])
    assert (ahead.low, ahead.value, ahead.high) == pytest.approx((0.1, 0.1, 0.1))


def test_problems_that_one_was_not_asked_are_not_compared() -> None:
    ahead = paired_difference([{"a": result(8), "b": result(0)}], [{"a": result(8), "c": result(0)}])
    assert ahead.value == 0


def test_claimed_counts_right_answers_and_valid_those_that_hold() -> None:
    found = measures([{"a": result(2, right=6)}, {"a": result(4, right=8)}])
    assert (found.problems, found.samples) == (2, 16)
    assert (found.valid.value, found.claimed.value) == (6 / 16, 14 / 16)
