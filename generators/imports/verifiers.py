"""verifiers: an episode a line with its traces, each a tree of messages; a branch of the tree is a rollout."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cotfactory.generators.imports.conversation import conversation_of, text_of
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
    required_list,
    reward_of,
    short_text,
)


def verifiers(row: ForeignRow) -> Iterator[Imported]:
    """Return the problem and the branches of each trace of an episode.

    A trace without anything said comes to nothing; of one that went wrong (`ok` false) no reward is known.
    """
    for number, trace in enumerate(map(mapping, required_list(row, "traces"))):
        nodes = [mapping(node) for node in listed(trace, "nodes")]
        problem = _problem(trace, nodes)
        name = short_text(trace, ("id",)) or f"{short_text(row, ('id',)) or ''}/{number}"
        branches = tuple(_completions(trace, nodes, name))
        yield Imported(problem, branches, "no_completion" if trace.get("ok", True) else "failed")


def _problem(trace: ForeignRow, nodes: Sequence[ForeignRow]) -> ImportedProblem:
    data = mapping(mapping(trace.get("task")).get("data"))
    prompt = data.get("prompt")
    if isinstance(prompt, list | tuple):
        prompt = conversation_of(prompt).question
    if not isinstance(prompt, str):
        prompt = conversation_of([node.get("message") for node in nodes]).question
    return ImportedProblem(
        question=short_text(data, ("question", "problem")) or prompt,
        source_row_id=short_text(data, IDS),
        answer=short_text(data, REFERENCES) or short_text(mapping(data.get("info")), REFERENCES),
        choices=choices_of(data),
        solution=short_text(data, ("solution",)),
        domain=short_text(data, DOMAINS),
    )


def _completions(trace: ForeignRow, nodes: Sequence[ForeignRow], name: str) -> Iterator[ImportedCompletion]:
    rewards = _rewards(trace)
    calls = {call.get("node"): call for call in map(mapping, listed(trace, "calls"))}
    branches = [path for path in _paths(nodes) if any(_is_said(nodes[place]) for place in path)]
    for number, path in enumerate(branches):
        said = conversation_of([nodes[place].get("message") for place in path])
        last = next(place for place in reversed(path) if _is_said(nodes[place]))
        if said.answer is None:
            continue
        call = mapping(calls.get(last))
        yield ImportedCompletion(
            response=said.answer.content,
            reasoning=said.answer.reasoning,
            finish_reason=short_text(call, ("finish_reason",)) or "unknown",
            model=short_text(call, ("model",)),
            turns=said.turns,
            rewards=rewards,
            place=f"trace {name}, branch {number + 1} of {len(branches)}",
            rollout_id=f"{name}/{number}",
        )


def _is_said(node: ForeignRow) -> bool:
    """Whether the model said it: an assistant's message that was in the prompt is not sampled."""
    message = mapping(node.get("message"))
    is_empty = not (text_of(message.get("content")) or message.get("reasoning_content") or message.get("tool_calls"))
    return message.get("role") == "assistant" and node.get("sampled") is not False and not is_empty


def _paths(nodes: Sequence[ForeignRow]) -> Iterator[list[int]]:
    """Yield the places of each branch from its root to its leaf. Raises NotThisFormat for what is no tree."""
    parents: list[int | None] = []
    for place, node in enumerate(nodes):
        parent = node.get("parent")
        if parent is not None and not (isinstance(parent, int) and 0 <= parent < place):
            raise NotThisFormat(f"node {place} has parent {parent!r}: expected the place of an earlier node, or null")
        parents.append(parent)
    for leaf in sorted(set(range(len(nodes))) - {parent for parent in parents if parent is not None}):
        path, place = [], leaf
        while True:
            path.append(place)
            parent = parents[place]
            if parent is None:
                break
            place = parent
        yield path[::-1]


def _rewards(trace: ForeignRow) -> dict[str, float | None]:
    """Return the rewards that count by name; those without weight are metrics."""
    rewards: dict[str, float | None] = {}
    for name, given in mapping(trace.get("rewards")).items():
        is_scored = isinstance(given, Mapping)
        if is_scored and given.get("weight") == 0:
            continue
        score: Any = given.get("score") if is_scored else given
        rewards[str(name)] = reward_of(score) if trace.get("ok", True) else None
    return rewards
