"""Chat rows: a conversation a row as `messages`, as SFT sets are published; with a reference where a column has one."""

from collections.abc import Iterator

from cotfactory.generators.imports.conversation import conversation_of
from cotfactory.generators.imports.imported import ForeignRow, Imported, ImportedCompletion, ImportedProblem
from cotfactory.generators.imports.row_fields import (
    DOMAINS,
    IDS,
    REFERENCES,
    choices_of,
    required_list,
    reward_of,
    short_text,
)

REWARDS = ("reward", "score", "correct", "is_correct")


def messages(row: ForeignRow) -> Iterator[Imported]:
    """Return the conversation's question as the problem, and its last answer as the completion."""
    said = conversation_of(required_list(row, "messages"))
    problem = ImportedProblem(
        question=short_text(row, ("problem", "question")) or said.question,
        source_row_id=short_text(row, IDS),
        answer=short_text(row, REFERENCES),
        choices=choices_of(row),
        solution=short_text(row, ("solution",)),
        domain=short_text(row, DOMAINS),
    )
    if said.answer is None:
        yield Imported(problem, ())
        return
    completion = ImportedCompletion(
        response=said.answer.content,
        reasoning=said.answer.reasoning,
        finish_reason=short_text(row, ("finish_reason",)) or "unknown",
        model=short_text(row, ("model", "teacher", "generator")),
        turns=said.turns,
        rewards={name: reward_of(row[name]) for name in REWARDS if name in row},
        place="messages",
    )
    yield Imported(problem, (completion,))
