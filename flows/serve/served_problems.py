"""The problems that a reward server knows: made again from a release, or read from a problem file."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pydantic import ValidationError

from cotfactory.flows.release.find_release import opened_release
from cotfactory.generators.ask.render_prompt import prompt_renderer
from cotfactory.generators.problems.file_source import is_problem_file, load_file
from cotfactory.graders.custom_grader import custom_grader
from cotfactory.publishing.products.rl import COLUMNS_OF_A_PROBLEM, problem_of_row
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.schemas.code import Code
from cotfactory.schemas.errors import InputError
from cotfactory.schemas.problem import CustomGrader, Problem
from cotfactory.schemas.problem_sources import FileSource
from cotfactory.schemas.sandbox_packages import SandboxKeys
from cotfactory.schemas.teaching import Message
from cotfactory.warehouse.released import released_problems
from cotfactory.warehouse.workspace import Workspace

PROMPT = "solve"
"""How a problem is put where no release says how."""


@dataclass(frozen=True)
class ServedProblem:
    """A problem, and how it is put: prompts of thousands of problems are made when they are asked for."""

    problem: Problem
    put: Callable[[Problem], tuple[Message, ...]]

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages that a policy is asked it with."""
        return self.put(self.problem)


@dataclass(frozen=True)
class ServedProblems:
    """What is served: `by_id` has each problem under its problem id and, where no other has it, its id in its source.

    `workspace` is the one that a release was made in, None for a problem file and a release that has left it. `code`
    and `packages` are what the release's recipe says of programs, and of the image that they run in.
    """

    problems: tuple[ServedProblem, ...]
    by_id: Mapping[str, ServedProblem]
    workspace: Path | None
    code: Code = field(default_factory=Code)
    packages: tuple[str, ...] = ()


def served_problems(what: str, workspace: Path, grader: str | None = None) -> ServedProblems:
    """Return the problems of a release (a folder, NAME@vX.Y.Z, ORG/NAME@vX.Y.Z) or of a problem file.

    `grader` (`FILE.py:FUNCTION`) is the user's own, which then grades all of them. Raises InputError, for a release
    whose problems are not in it too, ProblemSourceError, GraderError.
    """
    own = custom_grader(grader)
    if Path(what).is_file() or is_problem_file(what):
        render = prompt_renderer(PROMPT)
        loaded = load_file(FileSource(source="file", path=what), Path.cwd())
        return _served(
            [ServedProblem(problem.graded_by(own), render) for problem in loaded if _is_served(problem)], None
        )
    with opened_release(what, workspace) as folder:
        home = _workspace_of(folder)
        recipe = json.loads(read_manifest(folder).recipe)
        served = _served(list(_of_release(folder, home, own)), home)
        code, sandbox = recipe.get("code") or {}, SandboxKeys.model_validate(recipe.get("sandbox") or {})
        return replace(served, code=Code.model_validate(code), packages=sandbox.packages)


def _served(problems: list[ServedProblem], workspace: Path | None) -> ServedProblems:
    by_id: dict[str, ServedProblem] = {}
    ambiguous: set[str] = set()
    for served in problems:
        row = served.problem.source_row_id
        if by_id.setdefault(row, served) is not served:
            ambiguous.add(row)
    for row in ambiguous:
        del by_id[row]
    by_id.update((served.problem.problem_id, served) for served in problems)
    return ServedProblems(tuple(problems), by_id, workspace)


def _is_served(problem: Problem) -> bool:
    """Return whether a problem has a prompt of its own: a later turn of a conversation has none."""
    return problem.follows is None


def _workspace_of(folder: Path) -> Path | None:
    """Return the workspace that a release folder lies in: WORKSPACE/releases/NAME/vX.Y.Z."""
    releases = folder.resolve().parent.parent
    root = releases.parent
    return root if releases.name == "releases" and (root / "tables" / "problems").is_dir() else None


def _of_release(folder: Path, home: Path | None, own: CustomGrader | None) -> Iterator[ServedProblem]:
    rows = list(_rl_rows(folder))
    kept = _kept_problems(folder, home)
    if not rows and not kept:
        raise InputError(
            f"{folder} has no rows of `rl`, and the workspace that made it is not there: nothing says how to grade",
            "release with `products: [..., rl]`, or serve the problem file",
        )
    for row in rows:
        problem = kept.pop(row["problem_id"], None) or _problem(row, folder)
        yield ServedProblem(_graded_by(problem, row, own), _stated(row))
    render = prompt_renderer(PROMPT)
    for problem in filter(_is_served, kept.values()) if not rows else ():
        yield ServedProblem(problem.graded_by(own), render)


def _kept_problems(folder: Path, home: Path | None) -> dict[str, Problem]:
    """Return the problems as the workspace keeps them, by id; none where it is not there."""
    name = read_manifest(folder).facts.problems
    if home is None or not (Workspace(home).table("problems") / f"{name}.parquet").is_file():
        return {}
    return {problem.problem_id: problem for problem in released_problems(Workspace(home), name)}


def _rl_rows(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((folder / "rl").glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=list(COLUMNS_OF_A_PROBLEM)):
                yield from batch.to_pylist()


def _problem(row: Mapping[str, Any], folder: Path) -> Problem:
    try:
        return problem_of_row(row)
    except (ValidationError, ValueError, KeyError) as error:
        raise InputError(
            f"{folder}: the row {row.get('row_id')!r} of `rl` is no problem: {' '.join(str(error).split())[:300]}",
            "it was released by a version that wrote other rows: release again",
        ) from error


def _graded_by(problem: Problem, row: Mapping[str, Any], own: CustomGrader | None) -> Problem:
    version = json.loads(row["grader_args"] or "{}").get("version")
    if version is not None and own is None:
        raise InputError(
            f"The rows of this release are graded by {row['grader']!r}, a grader of its makers' own",
            f"name its file: --grader PATH/{row['grader']}",
        )
    return problem.graded_by(own)


def _stated(row: Mapping[str, Any]) -> Callable[[Problem], tuple[Message, ...]]:
    """Return how the problem of a row is put: as the row says, read when it is asked for."""
    prompt = row["prompt"]
    return lambda _: tuple(Message.model_validate(message) for message in prompt)
