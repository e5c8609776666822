"""What earlier runs of a recipe had from a teacher: how long its answers were, how often right, and what was wrong."""

from dataclasses import dataclass

import duckdb

from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.finish_reason import finish_reason_sql
from cotfactory.warehouse.catalog import table_files
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.workspace import Workspace


@dataclass(frozen=True)
class TeacherHistory:
    """Means over all stored samples of one teacher of one recipe; `truncated` is the share cut at the token limit.

    `first_correct` is the share of problems whose first sample is correct and `both_correct` the share whose first two
    are, over the `pairs` problems in which both are graded: the first samples are asked under any stopping rule, so
    that these two shares are not biased by it.
    """

    samples: int
    input_tokens: float
    output_tokens: float
    latency_ms: float
    truncated: float
    pairs: int
    first_correct: float
    both_correct: float


OF_OTHER_KINDS = "('rollout', 'judgement', 'problem')"
"""Strategies of requests that are no attempts at a problem."""


def teacher_history(workspace: Workspace, recipe: str, teacher: str, without_run: str = "") -> TeacherHistory | None:
    """Return what a recipe had of attempts from its teacher so far; None when nothing is stored.

    What the run `without_run` has had is left out.
    """
    if not any(workspace.table("candidates").glob("*.parquet")):
        return None
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as connection:
        samples, input_tokens, output_tokens, latency_ms, truncated = connection.execute(
            f"""SELECT count(*), avg(usage.input_tokens), avg(usage.output_tokens), avg(latency_ms),
                       avg(({finish_reason_sql("finish_reason")} = 'length')::INT)
                FROM {table_files(workspace, "candidates")}
                WHERE recipe = ? AND teacher = ? AND run_id <> ? AND strategy NOT IN {OF_OTHER_KINDS}""",
            [recipe, teacher, without_run],
        ).fetchall()[0]
        if not samples:
            return None
        pairs, first, both = _first_two(connection, workspace, recipe, teacher)
    return TeacherHistory(
        samples=int(samples),
        input_tokens=float(input_tokens),
        output_tokens=float(output_tokens),
        latency_ms=float(latency_ms),
        truncated=float(truncated),
        pairs=pairs,
        first_correct=first,
        both_correct=both,
    )


def alarms_before(workspace: Workspace, recipe: str) -> tuple[Alarm, ...]:
    """Return the alarms of all earlier runs of a recipe, the oldest first."""
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as connection:
        rows = connection.execute(
            f"SELECT alarms FROM {table_files(workspace, 'runs')} WHERE recipe = ? ORDER BY started_at", [recipe]
        ).fetchall()
    return tuple(Alarm.model_validate(alarm) for (alarms,) in rows for alarm in alarms or ())


def _first_two(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, recipe: str, teacher: str
) -> tuple[int, float, float]:
    if not any(workspace.table("grades").glob("*.parquet")):
        return 0, 0.0, 0.0
    pairs, first, both = connection.execute(
        f"""WITH newest AS (
                SELECT candidate_id, problem_id, arg_max(verdict, graded_at) AS verdict
                FROM {table_files(workspace, "grades")} GROUP BY ALL
            ), firsts AS (
                SELECT problem_id, prompt_id,
                       bool_or(verdict = 'correct') FILTER (sample_index = 0) AS first,
                       bool_or(verdict = 'correct') FILTER (sample_index = 1) AS second
                FROM {table_files(workspace, "candidates")} JOIN newest USING (candidate_id, problem_id)
                WHERE recipe = ? AND teacher = ? AND sample_index < 2 AND verdict <> 'ungraded'
                      AND strategy NOT IN {OF_OTHER_KINDS} GROUP BY ALL
            )
            SELECT count(*), avg(first::INT), avg((first AND second)::INT) FROM firsts
            WHERE first IS NOT NULL AND second IS NOT NULL""",
        [recipe, teacher],
    ).fetchall()[0]
    return int(pairs), float(first or 0.0), float(both or 0.0)
