"""SOURCES: name -> loader, an explicit dict. Recipe in, Problems out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cotfactory.generators.problems.file_source import load_file
from cotfactory.generators.problems.grown_source import grow
from cotfactory.generators.problems.hub_source import HubAccess, load_hub
from cotfactory.generators.problems.procedural_source import load_procedural
from cotfactory.generators.problems.reasoning_gym_source import load_reasoning_gym
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.problem import CustomGrader, Problem
from cotfactory.schemas.problem_sources import GrownSource, ProblemSource

# The source is Any because each loader takes the record of its own kind, which the key names.
SOURCES: dict[str, Callable[[Any, Path, HubAccess], Iterator[Problem]]] = {
    "file": lambda source, recipe_folder, hub: load_file(source, recipe_folder),
    "hub": lambda source, recipe_folder, hub: load_hub(source, hub),
    "procedural": lambda source, recipe_folder, hub: load_procedural(source),
    "grown": lambda source, recipe_folder, hub: grow(
        SOURCES[source.seeds.source](source.seeds, recipe_folder, hub), source.ways, source.count
    ),
    "reasoning_gym": lambda source, recipe_folder, hub: load_reasoning_gym(source),
}


def load_problems(
    sources: Sequence[ProblemSource],
    recipe_folder: Path,
    hub: HubAccess,
    grader: CustomGrader | None = None,
    judge: str | None = None,
    written: Mapping[int, Iterable[Problem]] = MappingProxyType({}),
) -> Iterator[Problem]:
    """Yield the problems of all sources as they are read, in the order of the recipe.

    An id that two rows of one file or dataset share is an error. The same problem met again - same question,
    choices, answer, tests and source, so the same `problem_id` - is one problem, and its first row names it:
    asking it twice would pay twice and publish its chains twice. A `grader` of the user's own grades all of them;
    `judge` is the id of the judge that decides what no rule does. `written` are the problems of sources that a teacher
    writes, by their place; such sources that it does not hold are left out.

    Raises `ProblemSourceError` for a source that cannot be read, breaks the format or holds no problem.
    """
    seen: set[bytes] = set()  # digests: half the memory of their hex digits
    for number, source in enumerate(sources, start=1):
        count = 0
        by_teacher = isinstance(source, GrownSource) and source.by is not None
        if by_teacher and number - 1 not in written:
            continue
        read = written[number - 1] if by_teacher else SOURCES[source.source](source, recipe_folder, hub)
        for problem in read:
            count += 1
            digest = bytes.fromhex(problem.problem_id)
            if digest not in seen:
                seen.add(digest)
                yield problem.graded_by(grader, judge)
        if not count:
            raise ProblemSourceError(
                f"Entry {number} of `problems` ({source.source}) holds no problem: expected at least one",
                "fix or remove that entry",
            )
