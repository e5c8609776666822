"""distilabel: an instruction a row, with one generation or a list of them and the models that wrote them."""

from collections.abc import Iterator, Sequence
from typing import Any

from cotfactory.generators.imports.imported import ForeignRow, Imported, ImportedCompletion, ImportedProblem
from cotfactory.generators.imports.row_fields import (
    DOMAINS,
    IDS,
    REFERENCES,
    choices_of,
    item,
    listed,
    required_list,
    required_text,
    reward_of,
    short_text,
)


def distilabel(row: ForeignRow) -> Iterator[Imported]:
    """Return the instruction with a completion for each generation that came; a null one is a failure of theirs."""
    problem = ImportedProblem(
        question=required_text(row, "instruction"),
        source_row_id=short_text(row, IDS),
        answer=short_text(row, REFERENCES),
        choices=choices_of(row),
        solution=short_text(row, ("solution",)),
        domain=short_text(row, DOMAINS),
    )
    models, ratings = listed(row, "generation_models"), listed(row, "rewards")
    yield Imported(
        problem,
        tuple(
            ImportedCompletion(
                response=generation,
                model=_model(row, models, place),
                rewards={"rewards": reward_of(item(ratings, place))} if ratings else {},
                place=f"generations[{place}]",
            )
            for place, generation in enumerate(_generations(row))
            if isinstance(generation, str)
        ),
    )


def _generations(row: ForeignRow) -> Sequence[Any]:
    """Return the generations; a step that writes one calls it `generation`, which is null where it failed."""
    return (
        [row["generation"]] if "generations" not in row and "generation" in row else required_list(row, "generations")
    )


def _model(row: ForeignRow, models: Sequence[Any], place: int) -> str | None:
    said = item(models, place)
    return said if isinstance(said, str) else short_text(row, ("model_name", "generation_model"))
