"""The exam of the step check: chains whose first mistake people marked, some of which reach the right answer.

Rows of `step_mistakes.jsonl`: `task`, `input`, `steps`, `target`, `answer` and `mistake_index` (null: no mistake).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cotfactory.curation.chain_checks.chain_steps import wrong_step
from cotfactory.flows.exam.exam_files import beside, rows_of
from cotfactory.flows.exam.exam_scores import Rate, rate
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.record import Record

FILE = "step_mistakes"


class StepScore(Record):
    """How the step check did on the chains of one task.

    `caught`: of the right-answer chains with a marked mistake. `false_alarms`: of the right-answer chains without one.
    `caught_wrong`: of the wrong-answer chains with a marked mistake, which the graders drop anyway.
    """

    task: str
    n: int
    caught: Rate
    false_alarms: Rate
    caught_wrong: Rate

    def text(self) -> str:
        """Return the line for people."""
        numbers = f"{self.caught.text():25}{self.false_alarms.text():25}{self.caught_wrong.text()}"
        return f"  {self.task[:31]:32}{self.n:>6}  {numbers}"


HEADER = f"{'right answer, wrong reason':34}{'n':>6}  {'caught':25}{'false alarms':25}{'caught, wrong answer':25}"


def run_step_exam(folder: Path) -> tuple[StepScore, ...]:
    """Return the score of every task of the step exam below `folder`, then of all; nothing where there is none."""
    paths = sorted({path for below in _folders(folder) if (path := beside(below / "x", FILE)) is not None})
    rows = [row for path in paths for row in _checked(path)]
    tasks = sorted({row["task"] for row in rows})
    scores = [_score(task, [row for row in rows if row["task"] == task]) for task in tasks]
    return (*scores, _score("all", rows)) if scores else ()


def _folders(folder: Path) -> Iterator[Path]:
    yield folder
    yield from (path for path in folder.rglob("*") if path.is_dir())


def _checked(path: Path) -> Iterator[dict[str, Any]]:
    needed = {"task", "input", "steps", "target", "answer", "mistake_index"}
    for row in rows_of(path):
        if not needed <= set(row):
            raise ProblemSourceError(
                f"A row of {path} lacks {', '.join(sorted(needed - set(row)))}",
                "see flows/exam/exam_steps.py for the format",
            )
        yield row


def _score(task: str, rows: Sequence[dict[str, Any]]) -> StepScore:
    found: dict[tuple[bool, bool], list[bool]] = {}
    for row in rows:
        is_right = str(row["answer"]).strip() == str(row["target"]).strip()
        flagged = wrong_step(row["input"], "\n".join(row["steps"])) is not None
        found.setdefault((is_right, row["mistake_index"] is not None), []).append(flagged)
    caught, clean, wrong = (found.get(key, []) for key in ((True, True), (True, False), (False, True)))
    return StepScore(
        task=task,
        n=len(rows),
        caught=rate(sum(caught), len(caught)),
        false_alarms=rate(sum(clean), len(clean)),
        caught_wrong=rate(sum(wrong), len(wrong)),
    )
