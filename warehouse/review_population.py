"""The chains of a recipe that people may be asked about, by stratum: counted, and drawn by the hash of their ids.

A chain's ticket is a hash of recipe, chain and problem, so that the same chains are drawn again from the same ones. The
joins touch ids, verdicts and hashes of answers alone. People's own verdicts are left out: what is to be measured is the
newest verdict of a machine.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb

from cotfactory.schemas.errors import InputError
from cotfactory.schemas.grade import VERDICTS
from cotfactory.schemas.review import PEOPLE, Stratum
from cotfactory.schemas.rubric import NOT_TRUSTED
from cotfactory.warehouse.catalog import files_sql, quoted, sealed_files
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.workspace import SEED, Workspace

DATABASE = "population.duckdb"
MEMORY = "512MB"
"""For a million chains; nothing else is under way in a process that draws."""
SAID = f"if(starts_with(reason, '{NOT_TRUSTED}'), substr(reason, {len(NOT_TRUSTED) + 1}), verdict)"
"""What a grader said: of a judge that is not relied on yet what it would be relied on for."""
STRATUM = ", ".join(Stratum.model_fields)


class ReviewPopulation:
    """The chains of a recipe in a DuckDB of their own, for as long as they are drawn from."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def identity(self) -> str:
        """Return what differs where other chains, or other verdicts, are drawn from."""
        ((count, mixed),) = self._connection.execute(
            "SELECT count(*), bit_xor(hash(candidate_id, problem_id, verdict, grader_version)) FROM population"
        ).fetchall()
        return f"{count}-{mixed or 0:x}"

    def sizes(self) -> dict[Stratum, int]:
        """Return how many chains each stratum has."""
        rows = self._rows(f"SELECT {STRATUM}, count(*) AS size FROM population GROUP BY ALL ORDER BY ALL")
        return {Stratum.model_validate({k: row[k] for k in Stratum.model_fields}): row["size"] for row in rows}

    def drawn(self, counts: Mapping[Stratum, int]) -> Iterator[dict[str, Any]]:
        """Yield so many chains of each stratum, those with the smallest tickets: ids, and the stratum's columns."""
        places = f"row_number() OVER (PARTITION BY {STRATUM} ORDER BY ticket) AS place"
        most = max(counts.values(), default=0)
        for row in self._rows(f"FROM (SELECT *, {places} FROM population) WHERE place <= {most:d} ORDER BY ticket"):
            stratum = Stratum.model_validate({name: row[name] for name in Stratum.model_fields})
            if row["place"] <= counts.get(stratum, 0):
                yield row | {"stratum": stratum}

    def disputed(self, count: int) -> list[tuple[str, str]]:
        """Return (candidate, problem) of chains that something speaks against; of one problem one.

        Problems that no chain solves, right answers with a wrong step, accepted answers that few chains of the problem
        have, and rejected ones that most have.
        """
        query = f"""
            WITH tallied AS (
                SELECT *, count(*) OVER problem AS chains,
                    count(*) FILTER (verdict = 'correct') OVER problem AS correct,
                    count(*) FILTER (answer IS NOT NULL) OVER (PARTITION BY problem_id, answer) AS alike
                FROM population WINDOW problem AS (PARTITION BY problem_id)
            ), suspect AS (
                SELECT *, CASE
                    WHEN verdict = 'correct' AND wrong_step THEN 1
                    WHEN verdict = 'incorrect' AND 2 * alike > chains THEN 2
                    WHEN verdict = 'correct' AND chains > 2 AND 3 * correct <= chains THEN 3
                    WHEN verdict = 'incorrect' AND correct = 0 THEN 4
                END AS doubt FROM tallied
            ), numbered AS (
                SELECT *, row_number() OVER (PARTITION BY doubt ORDER BY ticket) AS turn FROM suspect
                WHERE doubt IS NOT NULL
                QUALIFY row_number() OVER (PARTITION BY problem_id ORDER BY doubt, ticket) = 1
            )
            SELECT candidate_id, problem_id FROM numbered ORDER BY turn, doubt LIMIT {count:d}"""
        return [(row["candidate_id"], row["problem_id"]) for row in self._rows(query)]

    def accepted(self, count: int) -> list[tuple[str, str]]:
        """Return (candidate, problem) of accepted chains without a wrong step, of one problem one."""
        query = f"""
            SELECT candidate_id, problem_id FROM population WHERE verdict = 'correct' AND NOT wrong_step
            QUALIFY row_number() OVER (PARTITION BY problem_id ORDER BY ticket DESC) = 1
            ORDER BY ticket DESC LIMIT {count:d}"""
        return [(row["candidate_id"], row["problem_id"]) for row in self._rows(query)]

    def problems(self, count: int) -> list[str]:
        """Return problems, those that no chain solves first."""
        query = f"""
            SELECT problem_id FROM population GROUP BY problem_id
            ORDER BY count(*) FILTER (verdict = 'correct') > 0, min(ticket) LIMIT {count:d}"""
        return [row["problem_id"] for row in self._rows(query)]

    def unsolved(self, count: int) -> list[str]:
        """Return problems that no chain solves."""
        query = f"""
            SELECT problem_id FROM population GROUP BY problem_id HAVING count(*) FILTER (verdict = 'correct') = 0
            ORDER BY min(ticket) LIMIT {count:d}"""
        return [row["problem_id"] for row in self._rows(query)]

    def pairs(self, count: int) -> list[tuple[str, str, str]]:
        """Return (problem, candidate, other candidate): two kept chains of one teacher, of one problem one pair."""
        query = f"""
            WITH two AS (
                SELECT problem_id, teacher, list(candidate_id ORDER BY ticket)[:2] AS chains, min(ticket) AS ticket
                FROM population WHERE kept GROUP BY ALL HAVING count(DISTINCT text_id) > 1
            )
            SELECT problem_id, chains[1] AS first, chains[2] AS second FROM two
            QUALIFY row_number() OVER (PARTITION BY problem_id ORDER BY ticket) = 1 ORDER BY ticket LIMIT {count:d}"""
        return [(row["problem_id"], row["first"], row["second"]) for row in self._rows(query)]

    def _rows(self, query: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._connection.sql(query).to_arrow_table().to_pylist()
        return rows


@contextmanager
def review_population(workspace: Workspace, recipe: str) -> Iterator[ReviewPopulation]:
    """Give the decided chains of a recipe. Raises InputError where none are."""
    decisions = workspace.table("decisions") / f"{recipe}.parquet"
    if not decisions.is_file():
        raise InputError(
            f"Nothing is decided of {recipe} in {workspace.root}: expected chains that a run has asked for and curated",
            "`cotfactory run` the recipe first; a release that its contract stopped will do",
        )
    with scratch_folder(workspace) as folder, bounded_duckdb(folder, DATABASE) as connection:
        earlier = [path for path in sealed_files(workspace, "review_items") if path.name != SEED]
        connection.execute(f"SET memory_limit = '{MEMORY}'")  # windows over all chains spill less than joins do
        for statement in _statements(
            workspace, recipe, files_sql([decisions]), files_sql(earlier) if earlier else None
        ):
            connection.execute(statement)
        yield ReviewPopulation(connection)


def _statements(workspace: Workspace, recipe: str, decisions: str, earlier: str | None) -> Iterator[str]:
    """Yield the SQL that makes the table of chains, one step after the other: each fits into memory or spills.

    Ids are 16 bytes, names are numbers until the end, and of answers and texts there are hashes alone.
    """
    grades = files_sql(sealed_files(workspace, "grades"))
    candidates = files_sql(sealed_files(workspace, "candidates"))
    both = "candidate_id::UUID AS candidate_id, problem_id::UUID AS problem_id"
    yield f"""CREATE TABLE decided AS
        SELECT {both}, kept, coalesce(reason = 'wrong_step' OR list_contains(flags, 'wrong_step'), false) AS wrong_step
        FROM {decisions}
        WHERE candidate_id IS NOT NULL AND coalesce(reason, '') NOT IN ('earlier_step', 'rollout')"""
    yield f"""CREATE TABLE graders AS SELECT row_number() OVER () AS grader_number, grader, grader_version
        FROM (SELECT DISTINCT grader, grader_version FROM {grades} WHERE grader <> {quoted(PEOPLE)})"""
    yield f"""CREATE TABLE teachers AS SELECT row_number() OVER () AS teacher_number, teacher
        FROM (SELECT DISTINCT teacher FROM {candidates})"""
    yield f"""CREATE TABLE graded AS
        SELECT candidate_id, problem_id, max(struct_pack(graded_at, grader_number, verdict, answer)) AS newest
        FROM (
            SELECT {both}, graded_at, grader_number, list_position({list(VERDICTS)}, {SAID}) AS verdict,
                CASE WHEN extracted_answer IS NOT NULL THEN hash(lower(trim(extracted_answer))) END AS answer
            FROM {grades} JOIN graders USING (grader, grader_version)
        ) SEMI JOIN decided USING (candidate_id, problem_id) GROUP BY candidate_id, problem_id"""
    yield f"""CREATE TABLE written AS
        SELECT candidate_id, any_value(teacher_number) AS teacher_number, any_value(text_id) AS text_id
        FROM (
            SELECT candidate_id::UUID AS candidate_id, teacher_number, hash(reasoning, response) AS text_id
            FROM {candidates} JOIN teachers USING (teacher)
        ) SEMI JOIN decided USING (candidate_id) GROUP BY candidate_id"""
    yield f"""CREATE TABLE joined AS
        SELECT candidate_id, problem_id, kept, wrong_step, teacher_number, text_id, newest.grader_number,
            newest.verdict AS verdict_number, newest.answer,
            md5_number_lower(concat({quoted(recipe)}, candidate_id, problem_id)) AS ticket
        FROM decided JOIN graded USING (candidate_id, problem_id) JOIN written USING (candidate_id)"""
    if earlier is not None:
        # What people said since moved some chains to another stratum; a chain keeps the one it was drawn from.
        yield f"""UPDATE joined SET wrong_step = known.wrong_step FROM (
                SELECT {both}, arg_min(stratum.wrong_step, drawn_at) AS wrong_step
                FROM {earlier} WHERE recipe = {quoted(recipe)} AND stratum IS NOT NULL GROUP BY ALL
            ) AS known
            WHERE joined.candidate_id = known.candidate_id AND joined.problem_id = known.problem_id"""
    yield f"""CREATE VIEW population AS
        SELECT * EXCLUDE (candidate_id, problem_id), replace(candidate_id::VARCHAR, '-', '') AS candidate_id,
            replace(problem_id::VARCHAR, '-', '') AS problem_id, {list(VERDICTS)}[verdict_number] AS verdict
        FROM joined JOIN graders USING (grader_number) JOIN teachers USING (teacher_number)"""
