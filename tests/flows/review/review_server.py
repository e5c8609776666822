"""A decided workspace whose chains say known things, and `cotfactory review` of it in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Decision
from cotfactory.schemas.problem import Problem
from cotfactory.warehouse.catalog import build_catalog
from cotfactory.warehouse.seal import write_problems
from cotfactory.warehouse.tables import write_table
from cotfactory.warehouse.workspace import Workspace, open_workspace
from tests.builders import AT, a_candidate, a_grade, a_problem

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)> \x1b[31mred \u202eevil {{ 7*7 }}"


@dataclass(frozen=True)
class Reviewed:
    """A recipe and its workspace."""

    recipe: Path
    workspace: Path


def decided(folder: Path, review: dict[str, Any], *, problems: int = 8, more: str = "") -> Reviewed:
    """Write a recipe, and a workspace as if it had been run: sums, and what owl and elk answer.

    No chain solves every other problem, of the others elk's third chain is wrong.

    `more` is said by every chain of the first problem.
    """
    (folder / "guidelines.md").write_text("Judge the final answer alone.")
    recipe = {
        "name": "sums",
        "problems": [{"source": "file", "path": "sums.jsonl"}],
        "teachers": [{"name": name, "model": name} for name in ("owl", "elk")],
        "review": {"guidelines": "guidelines.md", **review},
        "release": {"license": "mit"},
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    workspace = open_workspace(folder / "workspace")
    made = [a_problem(f"What is {n} + {n + 1}?", str(2 * n + 1), row=f"s{n}") for n in range(problems)]
    write_problems(workspace, "sums", made)
    _write_chains(workspace, made, more)
    build_catalog(workspace)
    return Reviewed(folder / "recipe.yaml", folder / "workspace")


def _write_chains(workspace: Workspace, problems: list[Problem], more: str) -> None:
    chains: list[Candidate] = []
    grades, decisions = [], []
    for number, problem in enumerate(problems):
        for teacher in ("owl", "elk"):
            for sample in range(3):
                right = number % 2 == 1 and bool((number + sample) % 3 or teacher == "owl")
                answer = int(problem.answer) + (not right)
                thought = f"Sample {sample} of {teacher}: I add {number} to the next.\n\nThat makes {answer}."
                chain = a_candidate(
                    f"So it is \\boxed{{{answer}}}.",
                    candidate_id=f"{len(chains):032x}",
                    problem=problem.problem_id,
                    reasoning=thought + (more if number == 0 else ""),
                    sample_index=sample,
                    teacher=teacher,
                )
                chains.append(chain)
                grade = a_grade("correct" if right else "incorrect", chain.candidate_id, extracted_answer=str(answer))
                belongs = {"problem_id": problem.problem_id}
                grades.append({**grade.model_dump(), **belongs, "grade_id": chain.candidate_id, "graded_at": AT})
                decision = Decision(candidate_id=chain.candidate_id, kept=right, reason=None if right else "incorrect")
                decisions.append({**decision.model_dump(), **belongs, "recipe": "sums", "decided_at": AT})
    write_table(workspace, "candidates", "a", ({**c.model_dump(), "recipe": "sums", "run_id": "r"} for c in chains))
    write_table(workspace, "grades", "a", grades)
    write_table(workspace, "decisions", "sums", decisions)


@contextmanager
def review_server(reviewed: Reviewed, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the page; give the process and the address."""
    command = [sys.executable, "-m", "cotfactory", "review", str(reviewed.recipe)]
    command += ["--workspace", str(reviewed.workspace), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert said.startswith("http://"), said
            yield process, said.split()[0]
        finally:
            process.kill()
