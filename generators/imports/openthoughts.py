"""OpenThoughts: a problem a row with one conversation about it (ShareGPT turns), and whether its answer is right."""

from collections.abc import Iterator

from cotfactory.generators.imports.conversation import conversation_of
from cotfactory.generators.imports.imported import ForeignRow, Imported, ImportedCompletion, ImportedProblem
from cotfactory.generators.imports.row_fields import DOMAINS, IDS, REFERENCES, required_list, reward_of, short_text

MODEL = "deepseek-r1"


def openthoughts(row: ForeignRow) -> Iterator[Imported]:
    """Return the problem with the one completion of its conversation."""
    said = conversation_of(required_list(row, "conversations"))
    problem = ImportedProblem(
        question=short_text(row, ("problem",)) or said.question,
        source_row_id=short_text(row, IDS),
        answer=short_text(row, REFERENCES),
        solution=short_text(row, ("solution", "ground_truth_solution")),
        domain=short_text(row, DOMAINS),
    )
    if said.answer is None:
        yield Imported(problem, ())
        return
    completion = ImportedCompletion(
        response=said.answer.content,
        reasoning=said.answer.reasoning,
        model=MODEL,
        turns=said.turns,
        rewards={"correct": reward_of(row["correct"])} if "correct" in row else {},
        place="conversations",
    )
    yield Imported(problem, (completion,))
