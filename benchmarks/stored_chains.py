"""Fill a workspace with graded chains of a recipe without asking anyone, to measure what comes after the asking.

    python benchmarks/stored_chains.py RECIPE WORKSPACE [--bytes 2000] [--right 0.6]

Run by hand. Every sample that RECIPE wants is written as a run of it would write it: a file of bought chains for each
shard, in a shuffled order, and one of their grades. A share of the chains is right. Then `cotfactory plan` and
`cotfactory release`, under `benchmarks/memory_curve.py`, find all of it stored.
"""

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cotfactory.flows.ask.assignments import wanted_samples
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.settings import hub_access
from cotfactory.flows.teacher_plan import teacher_plans
from cotfactory.generators.problems.load_problems import load_problems
from cotfactory.graders.grading import grader_name_and_version
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Evidence, Grade
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.teaching import Usage
from cotfactory.warehouse.problem_spool import spool_problems
from cotfactory.warehouse.seal import GradeRow, write_grades
from cotfactory.warehouse.tables import write_table
from cotfactory.warehouse.wanted_file import WantedSample
from cotfactory.warehouse.workspace import open_workspace

SAID = "so we take the first number and add what is left of it then both sides agree because every crate holds"
WORDS = SAID.split(" ")
NOW = datetime.now(UTC)


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--bytes", type=int, default=2000, help="of a chain")
    parser.add_argument("--right", type=float, default=0.6, help="share of the chains that are right")
    options = parser.parse_args()
    recipe, workspace = load_recipe(options.recipe), open_workspace(options.workspace)
    problems = spool_problems(load_problems(recipe.problems, Path.cwd(), hub_access()), workspace.staging)
    chance, started, count = random.Random(1), time.process_time(), 0  # noqa: S311
    wanted = wanted_samples(problems, teacher_plans(recipe, {}))
    for number, samples in enumerate(shards(wanted, recipe.shard_problems)):
        pairs = [(sample, chance.random() < options.right) for sample in samples]
        bought = [
            stored(sample, recipe, chain(problems[sample.position], right=right, size=options.bytes, chance=chance))
            for sample, right in chance.sample(pairs, len(pairs))
        ]
        rows = ({**candidate.model_dump(), "recipe": recipe.name, "run_id": "made"} for candidate in bought)
        write_table(workspace, "candidates", f"made-{number:06d}", rows)
        write_grades(workspace, f"made-{number:06d}", (grade(problems, sample, right) for sample, right in pairs))
        count += len(pairs)
    print(f"{count:,} chains, {(time.process_time() - started) / count * 1000:.3f} CPU s per 1,000")


def shards(wanted: Iterator[WantedSample], problems: int) -> Iterator[list[WantedSample]]:
    """Yield the samples of so many problems at a time."""
    shard: list[WantedSample] = []
    for sample in wanted:
        if shard and sample.position - shard[0].position == problems:
            yield shard
            shard = []
        shard.append(sample)
    if shard:
        yield shard


def chain(problem: Problem, *, right: bool, size: int, chance: random.Random) -> str:
    """Return a chain without a step that could be checked; no two are alike."""
    words = " ".join(chance.choices(WORDS, k=size // 6))
    return f"{words}\n\\boxed{{{problem.answer if right else problem.answer + '1'}}}"


def stored(sample: WantedSample, recipe: Recipe, content: str) -> Candidate:
    """Return a sample as it is bought."""
    teacher, usage = recipe.teachers[sample.teacher_position], Usage(input_tokens=60, output_tokens=len(content) // 4)
    return Candidate(
        candidate_id=sample.candidate_id,
        problem_id=sample.problem_id,
        teacher=teacher.name,
        prompt_id=sample.problem_id,
        strategy="solve",
        sampling=teacher.sampling,
        sample_index=sample.sample_index,
        parent_id=None,
        reasoning=None,
        response=content,
        finish_reason="stop",
        usage=usage,
        latency_ms=1.0,
        cost_usd=0.0,
        created_at=NOW,
    )


def grade(problems: Sequence[Problem], sample: WantedSample, right: bool) -> GradeRow:
    """Return the grade of a sample as its grader would have given it."""
    problem = problems[sample.position]
    name, version = grader_name_and_version(problem)
    found = Grade(
        candidate_id=sample.candidate_id,
        grader=name,
        grader_version=version,
        verdict="correct" if right else "incorrect",
        reason="equal" if right else "different",
        extracted_answer=problem.answer if right else f"{problem.answer}1",
        evidence=Evidence(rule="boxed", compared_as="integer", reference=problem.answer),
        duration_ms=0.1,
    )
    return GradeRow(found, sample.grade_id, problem.problem_id, NOW)


if __name__ == "__main__":
    main()
