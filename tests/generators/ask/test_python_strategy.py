"""The strategy with the tool `python`: what calls, what is said after a call, and ids that need no answer."""

import pytest

from cotfactory.generators.ask.python_strategy import PythonStrategy
from cotfactory.generators.ask.strategies import StepOutcome
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.ids import prompt_id
from cotfactory.schemas.python_tool import ToolCall
from cotfactory.schemas.teacher_spec import TeacherSpec
from tests.builders import a_candidate, a_problem

PROBLEM = a_problem("What is 6 * 7?", "42")
CALL = ToolCall(id="c1", name="python", arguments='{"code": "6 * 7"}')


def strategy(most_calls: int = 2) -> PythonStrategy:
    return PythonStrategy(TeacherSpec(name="t", model="m", strategy="python", max_calls=most_calls))


def ids(asking: PythonStrategy) -> tuple[str, ...]:
    return asking.request_ids(PROBLEM, prompt_id(asking.opening(PROBLEM)), 1)[0]


def answer(response: str, *calls: ToolCall, finish_reason: str = "stop", results: tuple[str, ...] = ()) -> Candidate:
    return a_candidate(response, finish_reason=finish_reason).model_copy(
        update={"tool_calls": calls, "tool_results": results}
    )


def test_more_calls_buy_no_request_twice() -> None:
    """All requests but the last, which may not call, are those of a recipe that allows more."""
    two, three = ids(strategy(2)), ids(strategy(3))
    assert len(set(two)) == 3
    assert two[:2] == three[:2]
    assert two[2] not in three


def test_only_the_last_request_may_not_call() -> None:
    assert [strategy(2).tool_choice(number) for number in range(3)] == ["auto", "auto", "none"]


def test_a_step_is_due_after_calls_alone() -> None:
    asking = strategy()
    assert asking.is_due(1, StepOutcome("no_answer", False, calls=True))
    assert not asking.is_due(1, StepOutcome("incorrect", False))
    assert asking.last_step({0: StepOutcome(None, False, True)}) is None
    assert asking.last_step({0: StepOutcome(None, False, True), 1: StepOutcome("correct", False)}) == 1


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (answer("I compute.", CALL, finish_reason="tool_calls"), "6 * 7"),
        (answer("I compute.", CALL), "6 * 7"),  # some servers say `stop` all the same
        (answer("I compute.\n\n```python\nx = 6\nx * 7\n```\n"), "x = 6\nx * 7\n"),  # no tools: a block at the end
        (answer("```py\n1\n```\nThen:\n```python\n2\n```"), "2\n"),
    ],
)
def test_answers_that_call(given: Candidate, code: str) -> None:
    read = strategy().received(given, PROBLEM)
    assert [call.code for call in read.tool_calls] == [code]
    assert read.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    "given",
    [
        answer("The answer is \\boxed{42}."),
        answer("```python\n6 * 7\n```\nSo the answer is \\boxed{42}."),  # it goes on: it made up the result
        answer("```text\n6 * 7\n```"),
        answer("I compute.", finish_reason="tool_calls"),  # no call came
    ],
)
def test_answers_that_do_not(given: Candidate) -> None:
    read = strategy().received(given, PROBLEM)
    assert (read.tool_calls, read.finish_reason) == ((), "stop")


def test_a_cut_answer_calls_nothing() -> None:
    read = strategy().received(answer("```python\n1\n```", finish_reason="length"), PROBLEM)
    assert (read.tool_calls, read.finish_reason) == ((), "length")


def test_where_answers_are_programs_a_block_is_an_answer() -> None:
    program = PROBLEM.model_copy(update={"program": "run"})
    assert strategy().received(answer("```python\nprint(42)\n```"), program).tool_calls == ()
    assert "end your message" in strategy().opening(PROBLEM)[0].content
    assert "end your message" not in strategy().opening(program)[0].content


def test_results_go_back_as_messages_of_the_tool() -> None:
    first = answer("I compute.", CALL)
    said = strategy().messages(1, PROBLEM, [first], ("42",))
    assert [message.role for message in said] == ["user", "assistant", "tool"]
    assert said[1].sent()["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "python", "arguments": '{"code": "6 * 7"}'}}
    ]
    assert said[2].sent() == {"role": "tool", "content": "42", "tool_call_id": "c1"}


def test_earlier_results_are_those_that_were_told() -> None:
    block = ToolCall(id=None, name="python", arguments="1 + 1\n")
    first, second = answer("I compute.", CALL), answer("```python\n1 + 1\n```", block, results=("42",))
    said = strategy().messages(2, PROBLEM, [first, second], ("2",))
    assert [message.content for message in said[2:]] == ["42", "```python\n1 + 1\n```", "```output\n2\n```"]
    assert said[4].role == "user"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ('{"code": "1"}', "1"),
        ('{"source": "1"}', "1"),  # another name
        ("print(1)", "print(1)"),  # no JSON: the code itself
        ('"1"', "1"),
        ("[1", "[1"),
        ('{"code": 1}', '{"code": 1}'),
    ],
)
def test_what_code_a_call_means(arguments: str, code: str) -> None:
    assert ToolCall(id="c", name="python", arguments=arguments).code == code
