"""Which verdicts changed and which stayed where chains were graded by one version of a grader after another."""

from collections import Counter
from collections.abc import Sequence

from cotfactory.schemas.regrade import Regrade
from cotfactory.warehouse.catalog import files_sql, quoted, sealed_files
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.workspace import Workspace

PART_GRADES = 100_000
"""The grades of one part of the chains are joined at once: so many, about, fit into DuckDB's memory."""


def regrades(workspace: Workspace, recipe: str) -> tuple[Regrade, ...]:
    """Return how each version of a grader judged the decided chains of a recipe, and how the next one did.

    Of one version the newest verdict counts: a time-out that was tried again is no change of mind. Versions follow each
    other by the time of that verdict. Plans, drafts, critiques and rollouts are no chains of the recipe.
    """
    decisions = workspace.table("decisions") / f"{recipe}.parquet"
    if not decisions.is_file() or not sealed_files(workspace, "grades"):
        return ()
    counts = Counter[tuple[str, ...]]()
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as connection:
        grades = files_sql(sealed_files(workspace, "grades"))
        several = connection.execute(
            f"SELECT grader, count(*) FROM {grades} GROUP BY grader HAVING count(DISTINCT grader_version) > 1"
        ).fetchall()
        parts = 1 + sum(rows for _, rows in several) // PART_GRADES
        for part in range(parts) if several else ():
            chosen = f"hash(candidate_id) % {parts:d} = {part:d}"
            query = _flips(grades, files_sql([decisions]), [grader for grader, _ in several], chosen)
            for *key, chains in connection.execute(query).fetchall():
                counts[tuple(key)] += chains
    names = ("grader", "version_before", "version_after", "verdict_before", "verdict_after")
    return tuple(
        Regrade.model_validate({**dict(zip(names, key, strict=True)), "chains": chains})
        for key, chains in sorted(counts.items())
    )


def _flips(grades: str, decisions: str, graders: Sequence[str], chosen: str) -> str:
    """Return the SQL that counts (grader, versions, verdicts) of the chains of one part."""
    ids = "try_cast(candidate_id AS UUID) AS candidate_id, try_cast(problem_id AS UUID) AS problem_id"
    return f"""
        WITH decided AS (
            SELECT {ids} FROM {decisions}
            WHERE candidate_id IS NOT NULL AND reason IS DISTINCT FROM 'earlier_step' AND {chosen}
        ), judged AS (
            SELECT candidate_id, problem_id, grader, grader_version,
                arg_max(verdict, graded_at) AS verdict, max(graded_at) AS newest
            FROM (SELECT {ids}, grader, grader_version, verdict, graded_at FROM {grades}
                  WHERE grader IN ({", ".join(map(quoted, graders))}) AND {chosen})
            SEMI JOIN decided USING (candidate_id, problem_id) GROUP BY ALL
        ), followed AS (
            SELECT grader, grader_version AS version_before, lead(grader_version) OVER chain AS version_after,
                verdict AS verdict_before, lead(verdict) OVER chain AS verdict_after
            FROM judged WINDOW chain AS (
                PARTITION BY candidate_id, problem_id, grader ORDER BY newest, grader_version
            )
        )
        SELECT grader, version_before, version_after, verdict_before, verdict_after, count(*)
        FROM followed WHERE version_after IS NOT NULL GROUP BY ALL"""
