"""What a killed server left: its journals are sealed, and the chains in them graded again."""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from cotfactory.flows.grade_rows import grade_row
from cotfactory.flows.serve.rollout_store import RewardRow
from cotfactory.flows.serve.served_problems import ServedProblem
from cotfactory.graders.grader import Tools
from cotfactory.graders.grading import grade_batch
from cotfactory.rewards.rollout import Rewarded
from cotfactory.schemas.candidate import Candidate, stored_candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import Problem
from cotfactory.warehouse.catalog import quoted, table_files
from cotfactory.warehouse.compact import is_merged
from cotfactory.warehouse.file_changes import reading
from cotfactory.warehouse.ledger import abandoned_journals
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.seal import GradeRow, seal_journal, write_grades
from cotfactory.warehouse.stored_rollouts import ROLLOUT_FILES
from cotfactory.warehouse.tables import write_table
from cotfactory.warehouse.workspace import Workspace

BATCH = 256
NOT_STORED = {"recipe", "run_id"}
Rewarding = Callable[[Problem, Candidate, Grade], Rewarded]


def seal_abandoned(workspace: Workspace) -> int:
    """Seal the journals of servers that are gone; return how many rollouts they held."""
    journals = abandoned_journals(workspace.ledger, ROLLOUT_FILES)
    return sum(seal_journal(workspace, journal).candidates for journal in journals)


def stored_counts(workspace: Workspace) -> dict[tuple[str, str], int]:
    """Return how many rollouts are stored by teacher (`policy:NAME`) and problem id: the next one's sample index."""
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as connection:
        rows = connection.execute(
            f"""SELECT teacher, problem_id, max(sample_index) + 1 FROM {table_files(workspace, "candidates")}
                WHERE starts_with(teacher, {quoted("policy:")}) GROUP BY ALL"""
        ).fetchall()
    return {(teacher, problem_id): count for teacher, problem_id, count in rows}


def grade_abandoned(
    workspace: Workspace,
    problems: Mapping[str, ServedProblem],
    tools: Tools,
    rewarding: Rewarding,
    stop: threading.Event,
) -> int:
    """Grade the sealed rollouts whose grades died with their server, where their problem is known; return how many.

    After `stop` no further file is begun, and none is written: the next server grades what is left.
    """
    graded = 0
    with reading(workspace):
        for path in _without_grades(workspace):
            grades: list[GradeRow] = []
            rewards: list[RewardRow] = []
            chains = _chains(path, problems)
            while not stop.is_set() and (batch := list(itertools.islice(chains, BATCH))):
                for (problem, candidate), grade in zip(batch, grade_batch(batch, tools), strict=True):
                    grades.append(grade_row(grade, problem, candidate))
                    rewards.append(reward_row(candidate, rewarding(problem, candidate, grade)))
            if stop.is_set():
                break
            write_table(workspace, "rewards", path.stem, map(vars, rewards))
            graded += write_grades(workspace, path.stem, grades)
    return graded


def _without_grades(workspace: Workspace) -> list[Path]:
    """Return the files of rollouts that have no grades; those of a merged file had them before."""
    files = sorted(workspace.table("candidates").glob(f"{ROLLOUT_FILES}*.parquet"))
    return [path for path in files if not is_merged(path) and not (workspace.table("grades") / path.name).exists()]


def reward_row(candidate: Candidate, rewarded: Rewarded) -> RewardRow:
    """Return what a rollout was worth as the table keeps it."""
    return RewardRow(
        candidate.candidate_id, candidate.problem_id, rewarded.reward, rewarded.wrong_step, datetime.now(UTC)
    )


def _chains(path: Path, problems: Mapping[str, ServedProblem]) -> Iterator[tuple[Problem, Candidate]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH):
            for row in batch.to_pylist():
                served = problems.get(row["problem_id"])
                if served is not None:
                    yield served.problem, stored_candidate({k: v for k, v in row.items() if k not in NOT_STORED})
