"""OpenR1-Math: a problem a row, with lists of its generations and of what math-verify and a judge said of each."""

from collections.abc import Iterator

from cotfactory.generators.imports.imported import ForeignRow, Imported, ImportedCompletion, ImportedProblem
from cotfactory.generators.imports.row_fields import (
    DOMAINS,
    IDS,
    REFERENCES,
    item,
    listed,
    required_list,
    required_text,
    reward_of,
    short_text,
)

GRADERS = {"math_verify": "correctness_math_verify", "llama": "correctness_llama"}
"""Grader -> its column. Either may be longer than `generations`, shorter or null: each label is of the same place."""
MODEL = "deepseek-r1"


def openr1(row: ForeignRow) -> Iterator[Imported]:
    """Return the problem with a completion for each of `generations`, and for nothing else."""
    problem = ImportedProblem(
        question=required_text(row, "problem"),
        source_row_id=short_text(row, IDS),
        answer=short_text(row, REFERENCES),
        solution=short_text(row, ("solution",)),
        domain=short_text(row, DOMAINS),
    )
    generations = required_list(row, "generations")
    yield Imported(
        problem,
        tuple(
            ImportedCompletion(
                response=generation,
                finish_reason=_finish_reason(row, place),
                model=MODEL,
                rewards={name: reward_of(item(listed(row, column), place)) for name, column in GRADERS.items()},
                place=f"generations[{place}]",
            )
            for place, generation in enumerate(generations)
            if isinstance(generation, str)
        ),
    )


def _finish_reason(row: ForeignRow, place: int) -> str:
    said = item(listed(row, "finish_reasons"), place)
    if isinstance(said, str):
        return said
    return "length" if item(listed(row, "is_reasoning_complete"), place) is False else "unknown"
