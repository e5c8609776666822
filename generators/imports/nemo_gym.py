"""NeMo-Gym: a rollout a row - its input, an OpenAI response with what the policy said and called, and the reward."""

from collections.abc import Iterator, Sequence
from typing import Any

from cotfactory.generators.imports.conversation import Conversation, conversation_of, text_of
from cotfactory.generators.imports.imported import (
    ForeignRow,
    Imported,
    ImportedCompletion,
    ImportedProblem,
    NotThisFormat,
)
from cotfactory.generators.imports.row_fields import (
    DOMAINS,
    IDS,
    REFERENCES,
    choices_of,
    listed,
    mapping,
    reward_of,
    short_text,
)

Message = dict[str, Any]


def nemo_gym(row: ForeignRow) -> Iterator[Imported]:
    """Return the task with its one rollout.

    A row without a response, or whose response holds nothing said, is a failure: nothing comes of it. A masked reward
    (`mask_sample`) is unknown: their verifier failed, not the policy.
    """
    if "responses_create_params" not in row:
        raise NotThisFormat("no `responses_create_params`: expected a row of NeMo-Gym's rollouts")
    response = mapping(row.get("response"))
    said = conversation_of([*_input(row), *_messages(listed(response, "output"))])
    problem = _problem(row, said)
    if said.answer is None or response.get("status") in ("failed", "cancelled"):
        yield Imported(problem, (), "failed")
        return
    completion = ImportedCompletion(
        response=said.answer.content,
        reasoning=said.answer.reasoning,
        finish_reason=_finish_reason(response, said),
        model=short_text(response, ("model",)),
        turns=said.turns,
        rewards={"nemo-gym": None if _is_masked(row) else reward_of(row.get("reward"))},
        place="response",
        rollout_id=_rollout_id(row),
    )
    yield Imported(problem, (completion,))


def _problem(row: ForeignRow, said: Conversation) -> ImportedProblem:
    nested = mapping(row.get("verifier_metadata"))
    task = short_text(row, ("_ng_task_index",))
    return ImportedProblem(
        question=short_text(row, ("question", "problem")) or said.question,
        source_row_id=short_text(row, IDS) or (f"task-{task}" if task is not None else None),
        answer=short_text(row, REFERENCES) or short_text(nested, REFERENCES),
        choices=choices_of(row),
        solution=short_text(row, ("solution",)),
        domain=short_text(row, DOMAINS),
    )


def _input(row: ForeignRow) -> list[Any]:
    given = mapping(row["responses_create_params"]).get("input")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if not isinstance(given, list | tuple):
        raise NotThisFormat(f"`responses_create_params.input` is {type(given).__name__}: expected text or messages")
    return _messages(given)


def _messages(items: Sequence[Any]) -> list[Message]:
    """Return the items of the Responses API as chat messages: thinking goes to what is said or called after it."""
    messages: list[Message] = []
    thoughts: list[str] = []
    for written in map(mapping, items):
        kind = written.get("type", "message")
        if kind == "reasoning":
            thoughts += filter(None, [text_of(written.get("summary")) or text_of(written.get("content"))])
        elif kind == "message":
            message = {"role": written.get("role", "assistant"), "content": text_of(written.get("content"))}
            messages.append(_thought(message, thoughts))
        elif kind == "function_call":
            call = {"name": written.get("name"), "arguments": written.get("arguments"), "id": written.get("call_id")}
            messages.append(_thought({"role": "assistant", "content": "", "tool_calls": [call]}, thoughts))
        elif kind == "function_call_output":
            messages.append({"role": "tool", "content": text_of(written.get("output"))})
    if thoughts:  # it thought until its tokens were used up
        messages.append(_thought({"role": "assistant", "content": ""}, thoughts))
    return messages


def _thought(message: Message, thoughts: list[str]) -> Message:
    if thoughts and message["role"] == "assistant":
        message["reasoning_content"] = "\n".join(thoughts)
        thoughts.clear()
    return message


def _finish_reason(response: ForeignRow, said: Conversation) -> str:
    if response.get("status") == "incomplete":
        return short_text(mapping(response.get("incomplete_details")), ("reason",)) or "incomplete"
    if said.answer is not None and said.answer.tool_calls:
        return "tool_calls"
    return "stop" if response.get("status") == "completed" else "unknown"


def _is_masked(row: ForeignRow) -> bool:
    return bool(row.get("mask_sample") or mapping(row.get("instance_config")).get("mask_sample"))


def _rollout_id(row: ForeignRow) -> str | None:
    task, rollout = short_text(row, ("_ng_task_index",)), short_text(row, ("_ng_rollout_index",))
    return f"{task}/{rollout}" if task is not None and rollout is not None else None
