"""Strategies: ids that are known before anything is asked, what is said turn by turn, and which steps are due."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.ask.judge_strategy import JudgeStrategy
from cotfactory.generators.ask.policy_strategy import PolicyStrategy
from cotfactory.generators.ask.python_strategy import PythonStrategy
from cotfactory.generators.ask.rollout_strategy import RolloutStrategy
from cotfactory.generators.ask.strategies import StepOutcome, Strategy
from cotfactory.schemas.candidate import StrategyName
from cotfactory.schemas.grade import VERDICTS, Verdict
from cotfactory.schemas.ids import prompt_id
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.teacher_spec import TeacherSpec
from tests.builders import a_candidate, a_problem

PROBLEM = a_problem("What is 6 * 7?", "42")
SOLVING = TeacherSpec.model_validate({"name": "t", "model": "m", "sampling": {"max_tokens": 100}})
EVERY: dict[StrategyName, dict[str, object]] = {
    "solve": {},
    "plan_then_solve": {},
    "refine": {},
    "retry_with_feedback": {},
    "hint": {},
    "budget": {"think_tokens": 30},
    "python": {"max_calls": 3},
}


def strategy(name: StrategyName, **more: object) -> Strategy:
    spec = {"name": "t", "model": "m", "strategy": name, "sampling": {"max_tokens": 100}, **EVERY[name], **more}
    made = PythonStrategy if name == "python" else Strategy
    return made(TeacherSpec.model_validate(spec))


def ids(asking: Strategy, problem: Problem = PROBLEM, samples: int = 2) -> tuple[tuple[str, ...], ...]:
    return asking.request_ids(problem, prompt_id(asking.opening(problem)), samples)


@pytest.mark.parametrize(
    "made",
    [
        *(strategy(name) for name in EVERY),
        PolicyStrategy(SOLVING, ["1. Be kind."]),
        JudgeStrategy(SOLVING, "Judge strictly."),
        RolloutStrategy(SOLVING),
    ],
    ids=lambda made: type(made).__name__ + made.name,
)
def test_a_pickled_strategy_asks_the_same(made: Strategy) -> None:
    """It is sent to nodes, though templates cannot be."""
    there = pickle.loads(pickle.dumps(made))
    assert (there.opening(PROBLEM), ids(there)) == (made.opening(PROBLEM), ids(made))


@pytest.mark.parametrize("name", EVERY)
def test_every_request_has_an_id_of_its_own_and_the_same_one_again(name: StrategyName) -> None:
    found = [step for steps in ids(strategy(name), samples=3) for step in steps]
    assert len(set(found)) == len(found) == 3 * len(strategy(name).steps)
    assert ids(strategy(name), samples=3) == ids(strategy(name), samples=3)
    assert ids(strategy(name), samples=2) == ids(strategy(name), samples=3)[:2]
    elsewhere = {step for steps in ids(strategy(name), a_problem("What is 6 * 8?", "48"), 3) for step in steps}
    assert not elsewhere & set(found)


def test_what_is_the_same_request_is_bought_once_whatever_follows_it() -> None:
    plain = ids(strategy("solve"))
    for name in ("refine", "retry_with_feedback"):
        assert [steps[0] for steps in ids(strategy(name))] == [steps[0] for steps in plain]
    longer = ids(strategy("solve", retry_truncated=300))
    assert [steps[0] for steps in longer] == [steps[0] for steps in plain]
    # A sample asked again with more tokens is the one that a teacher with that limit asks for.
    assert [steps[1] for steps in longer] == [
        steps[0] for steps in ids(strategy("solve", sampling={"max_tokens": 300}))
    ]
    # What follows depends on what it follows.
    assert ids(strategy("refine"))[0][1] != ids(strategy("refine", sampling={"max_tokens": 9}))[0][1]


def test_a_conversation_goes_on_turn_by_turn() -> None:
    refine = strategy("refine")
    draft, critique = a_candidate("It is 41.", reasoning="hidden"), a_candidate("No: 6 * 7 = 42.")
    said = refine.messages(2, PROBLEM, [draft, critique])
    assert [message.role for message in said] == ["user", "assistant", "user", "assistant", "user"]
    assert said[0] == refine.plain(PROBLEM)[0]
    assert (said[1].content, said[3].content) == ("It is 41.", "No: 6 * 7 = 42.")  # thoughts stay with who had them
    assert "Review this solution" in said[2].content
    assert said[4].content.endswith(r"put the final answer, and only it, in \boxed{}.")
    assert refine.messages(1, PROBLEM, [draft]) == said[:3]


def test_a_thought_that_was_cut_is_handed_back() -> None:
    budget = strategy("budget")
    said = budget.messages(1, PROBLEM, [a_candidate("", reasoning="6 * 7 is", finish_reason="length")])
    assert said[1].content == "<think>\n6 * 7 is\n</think>"
    assert [sampling.max_tokens for sampling in budget.samplings] == [30, 100]


def test_asking_again_with_more_tokens_says_the_same() -> None:
    longer = strategy("solve", retry_truncated=300)
    cut = a_candidate("The answer", finish_reason="length")
    assert longer.messages(1, PROBLEM, [cut]) == longer.opening(PROBLEM)
    assert [sampling.max_tokens for sampling in longer.samplings] == [100, 300]


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip))
def test_only_a_hint_tells_the_reference_answer(answer: str) -> None:
    secret = f"<<{answer.strip()}>>"
    problem = a_problem(answer=secret)
    for name in EVERY:
        asking = strategy(name)
        said = "".join(
            message.content for step in range(len(asking.steps)) for message in asking.questions(step, problem)
        )
        assert (secret in said) == (name == "hint")
        assert secret not in asking.plain(problem)[0].content


@pytest.mark.parametrize(
    ("name", "found", "last"),
    [
        ("solve", [], None),
        ("solve", ["incorrect"], 0),
        ("refine", ["correct"], None),  # always revised, however right the draft
        ("refine", ["correct", "no_answer"], None),
        ("refine", ["correct", "no_answer", "incorrect"], 2),  # the revision counts, not the best of the three
        ("retry_with_feedback", ["correct"], 0),
        ("retry_with_feedback", ["incorrect"], None),
        ("retry_with_feedback", ["no_answer"], None),
        ("retry_with_feedback", ["ungraded"], 0),  # our failure: it is not told to the teacher as its own
        ("retry_with_feedback", ["incorrect", "incorrect"], 1),
        ("retry_with_feedback", ["correct", "incorrect"], 0),  # graded again since: the second try is not due any more
        ("plan_then_solve", ["no_answer"], None),
        ("budget", ["correct"], 0),
        ("budget", ["cut"], None),
        ("budget", ["cut", "correct"], 1),
    ],
)  # fmt: skip
def test_which_step_a_sample_ends_with(name: StrategyName, found: list[str], last: int | None) -> None:
    verdicts: dict[str, Verdict] = {verdict: verdict for verdict in VERDICTS}
    steps = {
        step: StepOutcome(verdicts.get(outcome, "no_answer"), is_truncated=outcome == "cut")
        for step, outcome in enumerate(found)
    }
    assert strategy(name).last_step(steps) == last


def test_the_thought_before_time_was_up_belongs_to_the_answer_and_no_later_one() -> None:
    cut = a_candidate("", reasoning="6 * 7 = 42", finish_reason="length")
    answer = a_candidate("So it is \\boxed{42}.", reasoning="On second thoughts, once more from the start.")
    whole = strategy("budget").whole([cut], answer)
    assert (whole.reasoning, whole.response) == ("6 * 7 = 42", answer.response)
    assert strategy("budget").whole([], answer) == answer
    assert strategy("refine").whole([cut, cut], answer) == answer


def test_an_answer_to_the_plain_prompt_is_called_solve() -> None:
    assert [strategy("refine").name_of(step) for step in range(3)] == ["solve", "refine", "refine"]
    assert [strategy("hint", retry_truncated=300).name_of(step) for step in range(2)] == ["hint", "hint"]
    assert [strategy("solve", retry_truncated=300).name_of(step) for step in range(2)] == ["solve", "solve"]
    assert [strategy("plan_then_solve").name_of(step) for step in range(2)] == ["plan_then_solve"] * 2


def test_how_many_requests_a_sample_takes_on_average() -> None:
    assert strategy("refine").expected_steps(wrong=0.3, truncated=0.1) == 3
    assert strategy("retry_with_feedback").expected_steps(wrong=0.3, truncated=0.1) == 1.3
    assert strategy("budget").expected_steps(wrong=0.3, truncated=0.1) == 1.1
