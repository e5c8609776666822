import pytest

from cotfactory.rewards.reward import RewardRules, reward_of
from cotfactory.schemas.grade import Evidence, Verdict
from tests.builders import a_grade


@pytest.mark.parametrize(
    ("verdict", "reward"), [("correct", 1.0), ("incorrect", 0.0), ("no_answer", 0.0), ("ungraded", None)]
)
def test_without_options_a_reward_is_the_verdict(verdict: Verdict, reward: float | None) -> None:
    assert reward_of(a_grade(verdict), None, 10**6, RewardRules()) == reward


def test_no_option_makes_a_reward_of_what_is_ungraded() -> None:
    rules = RewardRules(correct=2, incorrect=-1, no_answer=-1, require_steps=True, length_penalty=1, format_reward=1)
    assert reward_of(a_grade("ungraded"), "1 + 1 = 3", 10**6, rules) is None


@pytest.mark.parametrize("verdict", ["correct", "incorrect"])
def test_what_a_program_can_forge_has_no_reward_unless_that_is_allowed(verdict: Verdict) -> None:
    weak = a_grade(verdict, evidence=Evidence(weak=True))
    assert reward_of(weak, None, 0, RewardRules()) is None
    assert reward_of(weak, None, 0, RewardRules(allow_weak=True)) == (1.0 if verdict == "correct" else 0.0)


def test_a_wrong_step_counts_only_where_steps_are_required() -> None:
    wrong = "6 * 7 = 44"
    assert reward_of(a_grade(), wrong, 0, RewardRules()) == 1.0
    assert reward_of(a_grade(), wrong, 0, RewardRules(incorrect=-0.5, require_steps=True)) == -0.5
    assert reward_of(a_grade(), None, 0, RewardRules(require_steps=True)) == 1.0


def test_weights_length_and_format_are_options() -> None:
    assert reward_of(a_grade("no_answer"), None, 0, RewardRules(no_answer=-0.1)) == -0.1
    rules = RewardRules(length_penalty=0.5, free_characters=2_000)
    assert reward_of(a_grade(), None, 2_000, rules) == 1.0
    assert reward_of(a_grade(), None, 3_000, rules) == 0.5
    stated, found = Evidence(rule="boxed"), Evidence(rule="last_number")
    assert reward_of(a_grade("incorrect", evidence=stated), None, 0, RewardRules(format_reward=0.1)) == 0.1
    assert reward_of(a_grade("incorrect", evidence=found), None, 0, RewardRules(format_reward=0.1)) == 0.0
