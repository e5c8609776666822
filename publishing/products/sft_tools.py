"""Chains that call a tool, turn by turn: each call, what it gave back, and the answer in the end."""

import json
import re
from collections.abc import Iterator, Sequence

from cotfactory.publishing.products.row_parts import Row, assistant_turn, chain, prompt, provenance, thinking
from cotfactory.publishing.products.who_may_appear import kept_with_calls
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.group import GradedCandidate, Group
from cotfactory.schemas.python_tool import PYTHON_TOOL
from cotfactory.schemas.recipe import Recipe

FENCE = re.compile(r"^```", re.MULTILINE)
TOOLS = json.dumps([PYTHON_TOOL], ensure_ascii=False)


def sft_tools_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return one row for each kept candidate that rests on calls."""
    return [
        {
            **provenance("sft_tools", group, graded.candidate.candidate_id),
            "candidate_id": graded.candidate.candidate_id,
            "messages": [*map(_message, prompt(group)), *_turns(graded)],
            "tools": TOOLS,
            "calls": sum(len(turn.tool_calls) for turn in graded.turns),
            **chain(graded, group, recipe),
        }
        for group in groups
        for graded in kept_with_calls(group)
    ]


def _turns(graded: GradedCandidate) -> Iterator[Row]:
    """Yield the assistant's turns and the tool's. Calls that were written as blocks are calls like any other here."""
    answers = (*graded.turns, graded.candidate)
    for number, (answer, after) in enumerate(zip(graded.turns, answers[1:], strict=True)):
        names = [call.id or f"call_{number}_{place}" for place, call in enumerate(answer.tool_calls)]
        calls = [
            {"id": name, "type": "function", "function": {"name": call.name, "arguments": {"code": call.code}}}
            for name, call in zip(names, answer.tool_calls, strict=True)
        ]
        yield _message(assistant_turn(thinking(answer), _said(answer))) | {"tool_calls": calls}
        for name, call, result in zip(names, answer.tool_calls, after.tool_results, strict=True):
            yield _message({"role": "tool", "content": result}) | {"tool_call_id": name, "name": call.name}
    last = graded.candidate
    yield _message(assistant_turn(thinking(last), last.response))


def _message(message: Row) -> Row:
    return {**message, "tool_calls": None, "tool_call_id": None, "name": None}


def _said(answer: Candidate) -> str:
    """Return what an answer says before its calls; a block that is one of them is not said once more."""
    written = next((call for call in answer.tool_calls if call.id is None), None)
    if written is None:
        return answer.response
    fences = [fence.start() for fence in FENCE.finditer(answer.response)]
    return answer.response[: fences[-2]].rstrip() if len(fences) > 1 else answer.response
