"""Imported: what one row of somebody else's file holds - a problem, and completions with the rewards they got."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cotfactory.schemas.recording import Turn

ForeignRow = Mapping[str, Any]


class NotThisFormat(Exception):
    """A row that is not of the format it is read as; the text says what is missing and what was expected."""


@dataclass(frozen=True)
class ImportedProblem:
    """A problem as its source tells it. `source_row_id` None: the row has no id; `answer` None: no reference."""

    question: str
    source_row_id: str | None = None
    answer: str | None = None
    choices: tuple[str, ...] | None = None
    solution: str | None = None
    domain: str | None = None


@dataclass(frozen=True)
class ImportedCompletion:
    """One completion with what its source says of it.

    `rewards` are by the name of the grader that gave them; None is unknown, never a zero. `place` says which of the
    row's completions it is (`generations[1]`). `rollout_id` is the source's own name for this very rollout, by which
    one that was written twice is known.
    """

    response: str
    reasoning: str | None = None
    finish_reason: str = "unknown"
    model: str | None = None
    turns: tuple[Turn, ...] = ()
    rewards: Mapping[str, float | None] = field(default_factory=dict)
    place: str = ""
    rollout_id: str | None = None


@dataclass(frozen=True)
class Imported:
    """What a row (or one trace of it) holds. Without completions `why_none` says why: a failure is no wrong answer."""

    problem: ImportedProblem
    completions: tuple[ImportedCompletion, ...]
    why_none: str = "no_completion"


Format = Callable[[ForeignRow], Iterable[Imported]]
"""A pure function from a row to what it holds. Raises NotThisFormat."""
