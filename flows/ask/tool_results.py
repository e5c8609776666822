"""What the calls of an answer give back: each is run as all cells so far, and the last one's output is told."""

from collections.abc import Sequence

from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.graders.sandbox.notebook import STOPPED, show_last
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.python_tool import ToolCall


def tool_results(earlier: Sequence[Candidate], answer: Candidate, sandbox: Sandbox, most_calls: int) -> tuple[str, ...]:
    """Return what the calls of `answer` give back, after those of the `earlier` answers of its conversation.

    What those were told is kept in the answers after them. Raises SandboxError.
    """
    told = [*(candidate.tool_results for candidate in earlier[1:]), answer.tool_results]
    done = [pair for candidate, results in zip(earlier, told, strict=False) for pair in _pairs(candidate, results)]
    results: list[str] = []
    for call in answer.tool_calls:
        result = _result(call, done, sandbox, most_calls)
        done.append((call, result))
        results.append(result)
    return tuple(results)


def _pairs(candidate: Candidate, results: Sequence[str]) -> list[tuple[ToolCall, str]]:
    return list(zip(candidate.tool_calls, results, strict=False))


def _result(call: ToolCall, done: Sequence[tuple[ToolCall, str]], sandbox: Sandbox, most_calls: int) -> str:
    if call.name != "python":
        return f"Error: there is no tool {call.name[:40]!r}, only python"
    if len(done) >= most_calls:
        return f"Error: no more than {most_calls} calls"
    cells = [past.code for past, result in done if past.name == "python" and not result.startswith(STOPPED)]
    return show_last([*cells, call.code], sandbox)


def first_difference(turns: Sequence[Candidate], last: Candidate, sandbox: Sandbox, most_calls: int) -> str | None:
    """Run every call of a chain again; return where one gives back something else than was told, None where none does.

    Raises SandboxError.
    """
    chain = [*turns, last]
    for number, answer in enumerate(turns):
        told = chain[number + 1].tool_results
        if tool_results(turns[:number], answer, sandbox, most_calls) != told:
            return f"call of answer {number + 1}"
    return None
