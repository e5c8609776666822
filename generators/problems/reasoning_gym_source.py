"""Problems of one reasoning-gym task, each with the item that the task's own scorer needs."""

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from cotfactory.generators.problems.row import did_you_mean, split_group_of
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.ids import problem_id, seed_from
from cotfactory.schemas.problem import Problem, ScorerTests
from cotfactory.schemas.problem_sources import ReasoningGymSource
from cotfactory.schemas.reasoning_gym_tasks import EXACT_TASKS

UNREPEATABLE_TASKS = frozenset({"isomorphic_strings", "list_functions", "ransom_note"})
"""Tasks that make other items of the same seed in the next process: they draw from Python sets of strings."""
TASKS = sorted(EXACT_TASKS - UNREPEATABLE_TASKS)


def load_reasoning_gym(source: ReasoningGymSource) -> Iterator[Problem]:
    """Yield the first `source.count` items of a task; the same task and seed give the same ones anywhere.

    Every item has a seed of its own: the package seeds item i of seed s with s + i, so that its seeds 42
    and 43 share nearly all items. An item without a reference answer is left out and not replaced.

    Raises `ProblemSourceError` for a task that is not in `TASKS` (graded exactly, the same in every process),
    for an item that cannot be written as JSON, and when the package is not installed.
    """
    if source.task not in TASKS:
        raise ProblemSourceError(
            f"Unknown or unfit reasoning-gym task {source.task!r}: expected one of {', '.join(TASKS)}",
            f"choose a task that is graded exactly and repeats itself{did_you_mean(source.task, TASKS)}",
        )
    try:
        import reasoning_gym
    except ImportError as error:
        raise ProblemSourceError(
            f"Cannot make problems of {source.task!r}: the package reasoning-gym is not installed",
            "pip install 'cotfactory[reasoning-gym]'",
        ) from error
    revision = f"reasoning-gym {version('reasoning-gym')}"
    for index in range(source.count):
        seed = seed_from("reasoning_gym", source.task, source.seed, index) >> 32  # NumPy takes 32 bits
        item = reasoning_gym.create_dataset(source.task, seed=seed, size=1)[0]
        if item["answer"] is not None:
            yield _problem(item, source, index, revision)


def _problem(item: Mapping[str, Any], source: ReasoningGymSource, index: int, revision: str) -> Problem:
    name = f"reasoning_gym/{source.task}"
    tests = ScorerTests(task=source.task, entry=_written(item, f"item {index} of {name}"))
    question, answer = item["question"], item["answer"]
    return Problem(
        problem_id=problem_id(question, None, answer, tests, name),
        source=name,
        source_row_id=f"{source.task}/{source.seed}/{index}",
        source_revision=revision,
        license="Apache-2.0",
        domain=source.task,
        question=question,
        answer=answer,
        answer_kind="text",
        tests=tests,
        split_group=split_group_of(question),
    )


def _written(item: Mapping[str, Any], where: str) -> str:
    """Return an item as JSON that reads back as the same values, so that its scorer sees what it made.

    Tuples would read back as lists. `metadata.difficulty` is left out: it holds the ranges that the item was
    drawn from, as tuples, and no scorer reads it.
    """
    metadata = {name: value for name, value in item["metadata"].items() if name != "difficulty"}
    entry = {"question": item["question"], "answer": item["answer"], "metadata": metadata}
    try:
        text = json.dumps(entry, sort_keys=True, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise _not_json(where) from error
    if json.loads(text) != entry:
        raise _not_json(where)
    return text


def _not_json(where: str) -> ProblemSourceError:
    return ProblemSourceError(
        f"{where} holds values that JSON cannot keep as they are: expected text, numbers, lists and objects",
        "choose another task",
    )
