from cotfactory.rewards.drift import WINDOW, RewardDrift
from cotfactory.rewards.rollout import Rewarded
from cotfactory.schemas.grade import Evidence
from tests.builders import a_grade


def window(right: int, wrong_steps: int = 0, rule: str = "boxed", answer: str | None = None) -> list[Rewarded]:
    """Return a window of completions of which the first are right, and of these the first stand on a wrong step."""
    return [
        Rewarded(
            "p",
            a_grade(
                "correct" if number < right else "incorrect",
                evidence=Evidence(rule=rule),
                extracted_answer=answer or str(number),
            ),
            "1 + 1 = 3" if number < wrong_steps else None,
            1.0,
        )
        for number in range(WINDOW)
    ]


def kinds(drift: RewardDrift, completions: list[Rewarded]) -> list[str]:
    return [alarm.text for alarm in drift.observe(completions)]


def test_a_share_of_wrong_steps_that_doubles_is_told_once() -> None:
    drift = RewardDrift("policy:a")
    assert kinds(drift, window(1000, wrong_steps=50)) == []
    assert kinds(drift, window(1000, wrong_steps=90)) == []
    (text,) = kinds(drift, window(1000, wrong_steps=100))
    assert text.startswith("10% of the last 1,000 right answers stand on a wrong step, 5% of the first 1,000")
    assert kinds(drift, window(1000, wrong_steps=200)) == []


def test_one_rule_of_extraction_or_one_answer_that_takes_over_is_told() -> None:
    drift = RewardDrift("policy:a")
    drift.observe(window(1000))
    (by_rule,) = kinds(drift, window(1000, rule="last_number"))
    assert "'last_number'" in by_rule
    (by_answer,) = kinds(drift, window(1000, answer="0"))
    assert "'0'" in by_answer


def test_a_policy_that_would_rather_not_be_judged_is_told() -> None:
    drift = RewardDrift("policy:a")
    drift.observe(window(1000))
    # No right answer among them: what has no reward is a share of all completions.
    unjudged = [Rewarded("p", a_grade("ungraded"), None, None if number % 10 == 0 else 0.0) for number in range(WINDOW)]
    (text,) = kinds(drift, unjudged)
    assert text == "10% of the last 2,000 completions have no reward, 0% of the first 2,000 before"


def test_getting_better_is_no_drift_nor_are_shares_that_are_noise() -> None:
    drift = RewardDrift("policy:a")
    drift.observe(window(400, wrong_steps=2))
    assert kinds(drift, window(1600, wrong_steps=60)) == []  # 0.5 % to 3.75 %


def test_a_window_with_few_right_answers_says_nothing_and_is_no_start() -> None:
    drift = RewardDrift("policy:a")
    assert kinds(drift, window(50)) == []
    assert kinds(drift, window(1000, wrong_steps=500)) == []  # the first that counts
    assert kinds(drift, window(50, wrong_steps=50)) == []
