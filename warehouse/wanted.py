"""What a recipe wants, joined with what the tables hold: samples to ask for, chains to grade, groups to curate.

A wanted sample is one row: the problem's position in the recipe, teacher, sample index, the id of its request
(= candidate_id) and the id its current grade would have. All questions are joins over content ids, so it
makes no difference which recipe, run or shard bought a completion.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from types import TracebackType
from typing import Any, NamedTuple, Self

import duckdb
import pyarrow as pa

from schemas.candidate import Candidate
from schemas.grade import Decision, Grade, Verdict
from warehouse.catalog import table_files
from warehouse.seal import unconfirmed
from warehouse.tables import SCHEMAS
from warehouse.workspace import Workspace

WANTED_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("position", pa.int64()),
    ("teacher_position", pa.int32()),
    ("sample_index", pa.int32()),
    ("problem_id", pa.string()),
    ("candidate_id", pa.string()),
    ("grade_id", pa.string()),
]
WANTED = pa.schema(WANTED_COLUMNS)
CANDIDATE_COLUMNS = [name for name in SCHEMAS["candidates"].names if name not in ("recipe", "run_id")]
GRADE_COLUMNS = [name for name in SCHEMAS["grades"].names if name not in ("grade_id", "problem_id", "graded_at")]
DECISION_COLUMNS = ("kept", "reason", "detail", "flags", "split")
BATCH_ROWS = 2_000
MEMORY_LIMIT = "512MB"


@dataclass(frozen=True)
class WantedSample:
    """One sample a recipe may want."""

    position: int
    teacher_position: int
    sample_index: int
    problem_id: str
    candidate_id: str
    grade_id: str


@dataclass(frozen=True)
class StoredGroup:
    """What is stored and graded of one teacher's attempts at one problem, in sample order.

    The decision is None until the recipe has been curated.
    """

    position: int
    teacher_position: int
    candidates: tuple[tuple[Candidate, Grade, Decision | None], ...]


class StoredVerdict(NamedTuple):
    """A wanted sample that is stored; the verdict is None without a grade by the current grader."""

    position: int
    sample_index: int
    verdict: Verdict | None


class WantedSamples:
    """The wanted samples of a recipe in a private DuckDB; a context manager."""

    def __init__(self, workspace: Workspace, samples: Iterable[WantedSample]) -> None:
        self._workspace = workspace
        # What does not fit into memory is sorted on the workspace's disk, not in the folder of whoever runs this.
        self._connection = duckdb.connect(
            config={
                "autoinstall_known_extensions": "false",
                "memory_limit": MEMORY_LIMIT,
                "temp_directory": str(workspace.staging / "duckdb"),
            }
        )
        self._connection.execute("SET TimeZone = 'UTC'")
        self._load(samples)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def _load(self, samples: Iterable[WantedSample]) -> None:
        self._connection.register("chunk", WANTED.empty_table())
        self._connection.execute("CREATE TABLE wanted AS SELECT * FROM chunk")
        for chunk in _chunks(samples):
            self._connection.register("chunk", chunk)
            self._connection.execute("INSERT INTO wanted SELECT * FROM chunk")

    def snapshot(self) -> None:
        """Note which wanted samples are stored now, and their verdicts, for `verdicts` to answer from."""
        self._connection.execute(f"""
            CREATE OR REPLACE TABLE stored AS
            SELECT w.position, w.teacher_position, w.sample_index, g.verdict
            FROM wanted w SEMI JOIN {self._table("candidates")} c USING (candidate_id)
            LEFT JOIN {self._current_grades()} g USING (grade_id)
        """)

    def verdicts(self, teacher_position: int, first: int, last: int) -> Iterator[StoredVerdict]:
        """Yield the stored samples of one teacher for the problems at positions `first` to `last`."""
        query = f"""
            SELECT position, sample_index, verdict FROM stored
            WHERE teacher_position = {teacher_position:d} AND position BETWEEN {first:d} AND {last:d}
        """
        for row in self._rows(query):
            yield StoredVerdict(row["position"], row["sample_index"], row["verdict"])

    def ungraded(self, *, everything: bool = False) -> Iterator[tuple[int, str, Candidate, Verdict | None]]:
        """Yield (position, grade id, candidate, newest verdict by any grader) of stored chains to grade.

        Those are the chains whose grade by the current grader is missing or `ungraded`; with `everything`
        all wanted chains that are stored.
        """
        condition = "true" if everything else "g.verdict IS NULL OR g.verdict = 'ungraded'"
        query = f"""
            SELECT w.position, w.grade_id, {self._candidate_columns()}, before.verdict AS verdict_before
            FROM wanted w JOIN {self._table("candidates")} c USING (candidate_id)
            LEFT JOIN {self._current_grades()} g USING (grade_id)
            LEFT JOIN {self._newest_grades()} before
              ON before.candidate_id = w.candidate_id AND before.problem_id = w.problem_id
            WHERE {condition} ORDER BY w.position, w.teacher_position, w.sample_index
        """
        for row in self._rows(query):
            yield row["position"], row["grade_id"], _candidate(row), row["verdict_before"]

    def count(self) -> int:
        """Return how many samples are wanted at most."""
        return int(next(self._rows("SELECT count(*) AS count FROM wanted"))["count"])

    def missing(self) -> int:
        """Return how many wanted samples are not stored, by the last snapshot."""
        query = "SELECT (SELECT count(*) FROM wanted) - (SELECT count(*) FROM stored) AS missing"
        return int(next(self._rows(query))["missing"])

    def groups(self, recipe: str) -> Iterator[StoredGroup]:
        """Yield the graded attempts of each teacher at each problem, by position, teacher and sample."""
        grade = ", ".join(f"g.{name} AS g_{name}" for name in GRADE_COLUMNS)
        query = f"""
            SELECT w.position, w.teacher_position, {self._candidate_columns()}, {grade},
                   {", ".join(f"d.{name} AS d_{name}" for name in DECISION_COLUMNS)}
            FROM wanted w JOIN {self._table("candidates")} c USING (candidate_id)
            JOIN {self._current_grades()} g USING (grade_id)
            LEFT JOIN (SELECT * FROM {self._table("decisions")} WHERE recipe = '{recipe}') d
              ON d.candidate_id = w.candidate_id AND d.problem_id = w.problem_id
            ORDER BY w.position, w.teacher_position, w.sample_index
        """
        rows = self._rows(query)
        for (position, teacher), members in groupby(rows, key=lambda row: (row["position"], row["teacher_position"])):
            found = tuple((_candidate(row), _grade(row), _decision(row)) for row in members)
            yield StoredGroup(position, teacher, found)

    def _table(self, name: str) -> str:
        return table_files(self._workspace, name)

    def _current_grades(self) -> str:
        return f"""(SELECT * FROM {self._table("grades")} SEMI JOIN wanted USING (grade_id)
            QUALIFY row_number() OVER (PARTITION BY grade_id ORDER BY graded_at DESC) = 1)"""

    def _newest_grades(self) -> str:
        return f"""(SELECT * FROM {self._table("grades")} SEMI JOIN wanted USING (candidate_id)
            QUALIFY row_number() OVER (PARTITION BY candidate_id, problem_id ORDER BY graded_at DESC) = 1)"""

    def _candidate_columns(self) -> str:
        columns = [f"c.{name}" for name in CANDIDATE_COLUMNS if name != "problem_id"]
        return ", ".join(["w.problem_id", *columns])

    def _rows(self, query: str) -> Iterator[dict[str, Any]]:
        cursor = self._connection.cursor()
        try:
            reader = cursor.sql(query).to_arrow_reader(BATCH_ROWS)
            for batch in reader or ():
                yield from batch.to_pylist()
        finally:
            cursor.close()


def spent_before(workspace: Workspace, recipe: str) -> tuple[float, int]:
    """Return what earlier runs of a recipe paid, or may have paid, as (USD, input plus output tokens)."""
    with duckdb.connect() as connection:
        row = connection.execute(
            f"""SELECT coalesce(sum(cost_usd), 0), coalesce(sum(usage.input_tokens + usage.output_tokens), 0)
                FROM {table_files(workspace, "candidates")} WHERE recipe = ?""",
            [recipe],
        ).fetchall()[0]
    usd, tokens = unconfirmed(workspace, recipe)
    return float(row[0]) + usd, int(row[1]) + tokens


def _chunks(samples: Iterable[WantedSample]) -> Iterator[pa.Table]:
    rows: list[dict[str, Any]] = []
    for sample in samples:
        rows.append(vars(sample))
        if len(rows) == 50_000:
            yield pa.Table.from_pylist(rows, WANTED)
            rows = []
    if rows:
        yield pa.Table.from_pylist(rows, WANTED)


def _candidate(row: dict[str, Any]) -> Candidate:
    return Candidate.model_validate({name: row[name] for name in CANDIDATE_COLUMNS})


def _grade(row: dict[str, Any]) -> Grade:
    return Grade.model_validate({name: row[f"g_{name}"] for name in GRADE_COLUMNS})


def _decision(row: dict[str, Any]) -> Decision | None:
    if row["d_kept"] is None:
        return None
    found = {name: row[f"d_{name}"] for name in DECISION_COLUMNS}
    return Decision.model_validate({"candidate_id": row["candidate_id"], **found})
