"""Results of calls, one after the other: what is left out, what is refused, and what differs when it is run again."""

import json
from collections.abc import Sequence

from cotfactory.flows.ask.tool_results import first_difference, tool_results
from cotfactory.graders.sandbox.execution import Cells, Execution, ExecutionResult
from cotfactory.graders.sandbox.notebook import STOPPED
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.python_tool import ToolCall
from tests.builders import a_candidate


class EchoSandbox:
    """Shows all cells joined, in place of running them; a cell `hang` takes too long."""

    image_digest = "sha256:echo"

    def __init__(self, mark: str = "") -> None:
        self.mark = mark

    def run(self, executions: Sequence[Execution], hash_seed: int = 0) -> list[ExecutionResult]:
        (execution,) = executions
        assert isinstance(execution.way, Cells)
        shown = {"shown": self.mark + " ; ".join(execution.way.cells)}
        is_late = execution.way.cells[-1] == "hang"
        return [ExecutionResult(output=json.dumps(shown).encode(), exit_code=0, timed_out=is_late, duration_ms=1.0)]


def answer(*codes: str, results: tuple[str, ...] = (), name: str = "python") -> Candidate:
    calls = tuple(
        ToolCall(id=f"c{at}", name=name, arguments=json.dumps({"code": code})) for at, code in enumerate(codes)
    )
    return a_candidate("I compute.").model_copy(update={"tool_calls": calls, "tool_results": results})


def test_each_call_runs_after_all_before_it() -> None:
    first = answer("a", "b")
    told = tool_results([], first, EchoSandbox(), 9)
    assert told == ("a", "a ; b")
    assert tool_results([first], answer("c", results=told), EchoSandbox(), 9) == ("a ; b ; c",)


def test_a_call_that_was_stopped_is_left_out_from_then_on() -> None:
    first = answer("a", "hang", "b")
    told = tool_results([], first, EchoSandbox(), 9)
    assert told[1].startswith(STOPPED)
    assert told[2] == "a ; b"
    assert tool_results([first], answer("c", results=told), EchoSandbox(), 9) == ("a ; b ; c",)


def test_no_more_calls_than_allowed_and_no_other_tool() -> None:
    assert tool_results([], answer("a", "b"), EchoSandbox(), 1) == ("a", "Error: no more than 1 calls")
    assert tool_results([], answer("a", name="browser"), EchoSandbox(), 1) == (
        "Error: there is no tool 'browser', only python",
    )


def test_a_chain_that_gives_something_else_is_found() -> None:
    turns = [answer("a"), answer("b", results=("a",))]
    last = answer(results=("a ; b",))
    assert first_difference(turns, last, EchoSandbox(), 9) is None
    assert first_difference(turns, answer(results=("b",)), EchoSandbox(), 9) == "call of answer 2"
    assert first_difference(turns, last, EchoSandbox("now "), 9) == "call of answer 1"
