"""What rows of several products share: provenance, prompt, the assistant's turn, the pass rate."""

from collections.abc import Callable, Sequence
from typing import Any

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.group import GradedCandidate, Group
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.reasoning_tags import PUBLISHED
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.release_rules import Product
from cotfactory.schemas.teaching import Message

Row = dict[str, Any]
Builder = Callable[[Sequence[Group], Recipe], list[Row]]
"""From all groups of one problem, and the recipe that they were made by, to the rows of one product."""


def provenance(product: Product, group: Group, *what: str) -> Row:
    """Return the columns that say where a row comes from; `what` sets rows of one problem apart."""
    problem = group.problem
    return {
        "row_id": content_id([product, problem.problem_id, *what]),
        "problem_id": problem.problem_id,
        "source": problem.source,
        "source_row_id": problem.source_row_id,
        "license": problem.license,
        "domain": problem.domain,
        "parent_id": problem.parent_id,
        "answer_origin": problem.reference_by,
        "split_group": problem.split_group,
        "split": group.split,
    }


def pass_rate(group: Group) -> Row:
    """Return how often the group's model solves the problem."""
    return {
        "teacher": group.model,
        "strategy": group.strategy,
        "pass_rate": group.pass_rate.rate,
        "pass_rate_n": group.pass_rate.n,
        "pass_rate_c": group.pass_rate.c,
    }


def written_by(group: Group, recipe: Recipe) -> Row:
    """Return the same, and the terms that the teacher's chains are under."""
    terms = {teacher.name: teacher.license for teacher in recipe.teachers}
    return {**pass_rate(group), "teacher_license": terms.get(group.teacher)}


def chain(graded: GradedCandidate, group: Group, recipe: Recipe) -> Row:
    """Return what a row with one chain says of it beside the text."""
    return {
        "final_answer": graded.grade.extracted_answer,
        "verdict": graded.grade.verdict,
        "weak": graded.grade.evidence.weak,
        "finish_reason": graded.candidate.finish_reason,
        "output_tokens": graded.output_tokens,
        **written_by(group, recipe),
    }


def prompt(group: Group) -> list[Row]:
    """Return the prompt as it was sent."""
    return [_message(message) for message in group.messages]


def prompt_of(graded: GradedCandidate, group: Group) -> list[Row]:
    """Return the prompt of one candidate as it was sent: of a later turn of a conversation, all that was said."""
    return [_message(message) for message in graded.asked] or prompt(group)


def _message(message: Message) -> Row:
    return {"role": message.role, "content": message.content}


def thinking(candidate: Candidate) -> str | None:
    """Return the reasoning, or None where there is none to read: a blank one is none."""
    return candidate.reasoning if candidate.reasoning and candidate.reasoning.strip() else None


def assistant_turn(thought: str | None, response: str) -> Row:
    r"""Return a turn with its thinking in one pair of tags.

    >>> assistant_turn("9 + 9 = 18", "18.")
    {'role': 'assistant', 'content': '<think>\n9 + 9 = 18\n</think>\n\n18.'}
    """
    opening, closing = PUBLISHED
    content = response if thought is None else f"{opening}\n{thought}\n{closing}\n\n{response}"
    return {"role": "assistant", "content": content}


def turn_of(candidate: Candidate) -> Row:
    """Return a candidate as the assistant's turn."""
    return assistant_turn(thinking(candidate), candidate.response)
