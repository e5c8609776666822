"""PythonStrategy: the teacher calls the tool `python`, is told what came of it, and goes on until it answers.

By tool calls where the endpoint has them, else by a Python block at the end of an answer. Every answer is one request.
Their ids are known before the first is sent: what a call gives back follows from the answers before it, so each request
is named by the one that it follows. What the teacher was told is kept with the answer that it gave to that.
"""

import re
from collections.abc import Sequence
from typing import Literal

from cotfactory.generators.ask.strategies import Messages, Strategy, said
from cotfactory.schemas.candidate import Candidate, RequestStrategy
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.python_tool import MOST_RESULT_CHARACTERS, ToolCall
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Message

RESULTS = Message(role="tool", content="")
LAST_RESULTS = Message(role="tool", content="no more calls")
"""Stand for what calls give back, in ids alone."""
BLOCK_AT_END = re.compile(r"^```[ \t]*(?:python|py|python3)[ \t]*\n(?P<code>(?:(?!```).*\n)*?)```\s*\Z", re.MULTILINE)


class PythonStrategy(Strategy):
    """`max_calls` calls at most; the last request may make none."""

    def __init__(self, spec: TeacherSpec) -> None:
        super().__init__(spec)
        self.most_calls = spec.max_calls or 0

    def _turns_in_ids(self, problem: Problem) -> Sequence[Message | None]:
        later = range(1, len(self.steps))
        return [None, *(LAST_RESULTS if self.tool_choice(number) == "none" else RESULTS for number in later)]

    def messages(
        self, number: int, problem: Problem, earlier: Sequence[Candidate], results: Sequence[str] = ()
    ) -> Messages:
        """Return the whole conversation: each answer with its calls, and what they gave back."""
        told = [*(candidate.tool_results for candidate in earlier[1:]), tuple(results)]
        turns = (turn for answer, given in zip(earlier, told, strict=False) for turn in _turns(answer, given))
        return (*self.opening(problem), *turns)

    def questions(self, number: int, problem: Problem) -> Messages:
        """Return what a step is asked at most beside the answers before it: the opening, and results of full length."""
        told = Message(role="tool", content=" " * (MOST_RESULT_CHARACTERS * number))
        return (*self.opening(problem), told)

    def tool_choice(self, number: int) -> Literal["auto", "none"]:
        """Return whether the answer to a step may call."""
        return "none" if number == len(self.steps) - 1 else "auto"

    def received(self, candidate: Candidate, problem: Problem) -> Candidate:
        """Return an answer with its calls; one that makes any has not come to its end (`tool_calls`)."""
        calls = candidate.tool_calls or self._written_call(candidate, problem)
        reason = candidate.finish_reason
        if calls and reason in ("stop", "unknown", "tool_calls"):
            return candidate.model_copy(update={"tool_calls": calls, "finish_reason": "tool_calls"})
        return candidate.model_copy(
            update={"tool_calls": (), "finish_reason": "stop" if reason == "tool_calls" else reason}
        )

    def _written_call(self, candidate: Candidate, problem: Problem) -> tuple[ToolCall, ...]:
        """Return the call that an answer ends with as a block. Where answers are programs, a block is one."""
        block = None if problem.runs_programs else BLOCK_AT_END.search(candidate.response)
        return (ToolCall(id=None, name="python", arguments=block["code"]),) if block else ()

    def name_of(self, number: int) -> RequestStrategy:
        """Return that every answer is one of this strategy: it may call."""
        return "python"


def _turns(answer: Candidate, results: Sequence[str]) -> list[Message]:
    """Return an answer and what its calls gave back, as messages."""
    calls = tuple(call for call in answer.tool_calls if call.id is not None)
    turns = [Message(role="assistant", content=said(answer) if not calls else answer.response, tool_calls=calls)]
    for call, result in zip(answer.tool_calls, results, strict=True):
        if call.id is None:
            turns.append(Message(role="user", content=f"```output\n{result}\n```"))
        else:
            turns.append(Message(role="tool", content=result, tool_call_id=call.id))
    return turns
