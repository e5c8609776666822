"""SYNTHETIC-1: a response a row, with the score that it was given; a problem has several rows."""

from collections.abc import Iterator

from cotfactory.generators.imports.imported import ForeignRow, Imported, ImportedCompletion, ImportedProblem
from cotfactory.generators.imports.row_fields import DOMAINS, REFERENCES, required_text, reward_of, short_text

MODEL = "deepseek-r1"


def synthetic1(row: ForeignRow) -> Iterator[Imported]:
    """Return the problem with the row's one response. Without a response there is nothing."""
    problem = ImportedProblem(
        question=required_text(row, "prompt"),
        source_row_id=short_text(row, ("problem_id",)),
        answer=short_text(row, REFERENCES),
        solution=short_text(row, ("gold_standard_solution",)),
        domain=short_text(row, (*DOMAINS, "task_type")),
    )
    response = row.get("llm_response")
    if not isinstance(response, str):
        yield Imported(problem, ())
        return
    completion = ImportedCompletion(
        response=response,
        model=short_text(row, ("model", "llm_name")) or MODEL,
        rewards={"score": reward_of(row.get("score"))},
        place="llm_response",
        rollout_id=short_text(row, ("response_id",)),
    )
    yield Imported(problem, (completion,))
