"""The problems of a recipe: read from its sources and checked, or as an earlier run has read the very same."""

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from cotfactory.flows.ask.judging import refuse_unjudged
from cotfactory.flows.ask.turns import refuse_turns
from cotfactory.flows.settings import hub_access
from cotfactory.generators.problems.load_problems import load_problems
from cotfactory.graders.custom_grader import custom_grader
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import FileSource, GrownSource, ProblemSource, ProceduralSource
from cotfactory.schemas.recipe import Recipe
from cotfactory.warehouse.checksums import sum_of
from cotfactory.warehouse.kept import Kept
from cotfactory.warehouse.problem_spool import ProblemSpool, saved_problems, spool_problems
from cotfactory.warehouse.scratch import scratch_folder
from cotfactory.warehouse.workspace import Workspace

OF_NO_PROBLEM = frozenset({"attempts", "budget", "curation", "shard_problems"})
"""Keys of a recipe that say nothing of its problems."""


def recipe_problems(
    recipe: Recipe,
    workspace: Workspace,
    kept: Kept,
    *,
    limit: int | None = None,
    chosen: Container[str] | None = None,
    written: Mapping[int, Sequence[Problem]] = MappingProxyType({}),
) -> ProblemSpool:
    """Return the problems, the first `limit` of them, or those `chosen` by id; all are read, and checked.

    `written` are those that a teacher wrote, by the place of their source.
    Raises ProblemSourceError, GraderError for an own grader that cannot be read, RecipeError for what the recipe cannot
    do with a problem, and WorkspaceError when the disk refuses.
    """
    key = None if chosen is not None else _key(recipe, limit)
    if key is not None:
        with scratch_folder(workspace) as folder:
            if (file := kept.take("problems", key, folder)) is not None:
                return saved_problems(file)
    problems = spool_problems(_read(recipe, limit, chosen, written), workspace.staging)
    if key is not None and key == _key(recipe, limit):  # no file has changed while it was read
        with scratch_folder(workspace) as folder, suppress(OSError):
            problems.save(folder / "problems")
            kept.keep("problems", key, folder / "problems")
    return problems


def _read(
    recipe: Recipe,
    limit: int | None,
    chosen: Container[str] | None,
    written: Mapping[int, Sequence[Problem]],
) -> Iterator[Problem]:
    # What names no licence of its own is released under the one the recipe declares.
    fallback = {"license": recipe.release.license}
    grader, judge = custom_grader(recipe.grader), recipe.judge_id
    read = load_problems(recipe.problems, Path.cwd(), hub_access(), grader, judge, written)
    for number, problem in enumerate(read):
        refuse_unjudged(problem, recipe)
        refuse_turns(problem, recipe)
        if (limit is None or number < limit) and (chosen is None or problem.problem_id in chosen):
            yield problem if problem.license else problem.model_copy(update=fallback)


def _key(recipe: Recipe, limit: int | None) -> str | None:
    """Return a hash of all that the problems are made of beside our own code; None where only reading tells."""
    sums = list[str]()
    for source in recipe.problems:
        of_source = _sums(source)
        if of_source is None:
            return None
        sums += of_source
    grader = custom_grader(recipe.grader)
    return content_id(
        {
            "recipe": recipe.model_dump(mode="json", exclude=set(OF_NO_PROBLEM)),
            "files": sums,
            "grader": None if grader is None else grader.version,
            "limit": limit,
        }
    )


def _sums(source: ProblemSource) -> list[str] | None:
    """Return the SHA-256 of the files that a source is read from; None where it is read from elsewhere."""
    if isinstance(source, GrownSource) and source.by is None:
        source = source.seeds
    if isinstance(source, ProceduralSource):
        return []
    if not isinstance(source, FileSource):
        return None
    try:
        return [sum_of(Path(source.path))]
    except OSError:
        return None  # who reads it says what is wrong with it
