"""Problems of our own generator families: endless, exact, each with a worked solution.

families: [linear_equations], count: 2, seed: 42, difficulty: 1
-> linear_equations/42/1/0  "Starting from a secret number, Kavya multiplies by 2, then adds 7. ..."  40
   linear_equations/42/1/1  "Mira sells tickets for a zoo: 10 dollars for an adult and 5 ..."         3
"""

from collections.abc import Iterator
from random import Random

from cotfactory.generators.problems.chains import Worked, evaluate
from cotfactory.generators.problems.families.arithmetic_stories import arithmetic_stories
from cotfactory.generators.problems.families.fractions_decimals import fractions_decimals
from cotfactory.generators.problems.families.item import Family, Item, given_numbers, solution_lines
from cotfactory.generators.problems.families.linear_equations import linear_equations
from cotfactory.generators.problems.families.multiple_choice import multiple_choice
from cotfactory.generators.problems.families.running_totals import running_totals
from cotfactory.generators.problems.families.short_text import short_text
from cotfactory.generators.problems.families.units_percent import units_percent
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.ids import problem_id, seed_from
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import ProceduralSource

FAMILIES: dict[str, Family] = {
    "arithmetic_stories": arithmetic_stories,
    "fractions_decimals": fractions_decimals,
    "linear_equations": linear_equations,
    "units_percent": units_percent,
    "multiple_choice": multiple_choice,
    "short_text": short_text,
    "running_totals": running_totals,
}

SOURCE_PREFIX = "procedural/"
LICENSE = "CC0-1.0"
REPEATS_IN_A_ROW = 1000


def load_procedural(source: ProceduralSource) -> Iterator[Problem]:
    """Yield `source.count` different problems of each family, in the order the families are named.

    The same source gives the same problems, and a larger count the same ones first. A question that came
    before is skipped, and its index with it. Raises ProblemSourceError for a family that does not exist,
    is named twice, or has fewer different questions than asked for.
    """
    for name in source.families:
        if name not in FAMILIES or source.families.count(name) > 1:
            raise ProblemSourceError(
                f"the problem family {name!r} {'is named twice' if name in FAMILIES else 'does not exist'}",
                f"name each family once, from: {', '.join(FAMILIES)}",
            )
    for name in source.families:
        yield from _family_problems(name, source)


def _family_problems(name: str, source: ProceduralSource) -> Iterator[Problem]:
    seen: set[tuple[str, tuple[str, ...] | None]] = set()
    index = repeats = 0
    while len(seen) < source.count:
        row = f"{name}/{source.seed}/{source.difficulty}/{index}"
        item = item_at(row)
        index += 1
        if (item.question, item.choices) not in seen:
            seen.add((item.question, item.choices))
            repeats = 0
            yield _problem(name, row, item)
        elif (repeats := repeats + 1) >= REPEATS_IN_A_ROW:
            raise ProblemSourceError(
                f"the problem family {name!r} gave only {len(seen)} different problems at difficulty "
                f"{source.difficulty}, {source.count} were asked for",
                "lower the count, or raise the difficulty",
            )


def item_at(source_row_id: str) -> Item:
    """Return the item that `<family>/<seed>/<difficulty>/<index>` names; raises KeyError for no such family.

    The random source is seeded by a hash of all four: item 1 of seed 42 has nothing to do with item 0 of
    seed 43.
    """
    name, seed, difficulty, index = source_row_id.split("/")
    rng = Random(seed_from(name, int(seed), int(difficulty), int(index)))  # noqa: S311 - nothing secret
    return FAMILIES[name](rng, int(difficulty))


def worked_procedural(problem: Problem) -> Worked | None:
    """Return the worked chain of one of our own problems; None for any other problem."""
    if not problem.source.startswith(SOURCE_PREFIX):
        return None
    try:
        item = item_at(problem.source_row_id)
    except (KeyError, ValueError):
        return None
    same = (item.question, item.choices) == (problem.question, problem.choices)
    return item.worked if same else None


def _problem(name: str, row: str, item: Item) -> Problem:
    answer = item.worked.conclude(evaluate(item.worked.chain))
    said = f"({answer})" if item.answer_kind == "choice" else answer
    said = f"${said}$" if "\\" in said else said
    source = f"{SOURCE_PREFIX}{name}"
    return Problem(
        problem_id=problem_id(item.question, item.choices, answer, None, source),
        source=source,
        source_row_id=row,
        license=LICENSE,
        domain=item.domain,
        question=item.question,
        choices=item.choices,
        answer=answer,
        answer_kind=item.answer_kind,
        solution="\n".join([*solution_lines(item.worked), f"The answer is {said}."]),
        split_group="/".join([source, item.template, ",".join(given_numbers(item.worked.chain))]),
    )
