"""What a recipe wants, joined with what the tables hold: samples to ask for, chains to grade, groups to curate.

A wanted sample is one row: the problem's position in the recipe, teacher, sample index, the id of its request
(= candidate_id) and the id its current grade would have. All questions are joins over content ids, so it
makes no difference which recipe, run or shard bought a completion. The joins touch ids alone and find out where the
rows are; the chains themselves are then read in windows, so that memory does not grow with their number.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import duckdb
import pyarrow as pa

from schemas.candidate import Candidate
from schemas.grade import Decision, Grade, Verdict
from warehouse.catalog import files_sql, quoted, sealed_files, table_files
from warehouse.row_fetcher import Place, RowFetcher
from warehouse.seal import unconfirmed
from warehouse.tables import SCHEMAS
from warehouse.workspace import Workspace

WANTED_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("position", pa.int32()),
    ("teacher_position", pa.int32()),
    ("sample_index", pa.int32()),
    ("problem_id", pa.string()),
    ("candidate_id", pa.string()),
    ("grade_id", pa.string()),
]
WANTED = pa.schema(WANTED_COLUMNS)
WANTED_SQL = ", ".join(f"{name}::UUID AS {name}" if name.endswith("_id") else name for name in WANTED.names)
"""An id takes 16 bytes as a UUID, and 48 as its hex digits."""
CANDIDATE_COLUMNS = [name for name in SCHEMAS["candidates"].names if name not in ("recipe", "run_id")]
GRADE_COLUMNS = [name for name in SCHEMAS["grades"].names if name not in ("grade_id", "problem_id", "graded_at")]
IN_ORDER = "ORDER BY position, teacher_position, sample_index"
CHUNK_ROWS = 20_000
DECISION_COLUMNS = "kept, reason AS drop_reason, detail, flags, split"
BATCH_ROWS = 2_000
WINDOW_ROWS = 4_000
WINDOW_BYTES = 8_000_000
"""The chains of one window are in memory at once: so many, or so many bytes, whichever comes first."""
MEMORY_LIMIT = "128MB"
THREADS = 2


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
        # What does not fit into memory is kept on the workspace's disk, not in the folder of whoever runs this.
        self._connection = duckdb.connect(
            config={
                "autoinstall_known_extensions": "false",
                "memory_limit": MEMORY_LIMIT,
                "threads": min(THREADS, os.cpu_count() or 1),  # each has buffers of its own
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
        self._connection.execute(f"CREATE TABLE wanted AS SELECT {WANTED_SQL} FROM chunk")
        for chunk in _chunks(samples):
            self._connection.register("chunk", chunk)
            self._connection.execute(f"INSERT INTO wanted SELECT {WANTED_SQL} FROM chunk")
        self._connection.unregister("chunk")

    def snapshot(self) -> None:
        """Note which wanted samples are stored now, and their verdicts, for `verdicts` to answer from."""
        self._connection.execute(f"""
            CREATE OR REPLACE TABLE stored AS
            SELECT position, teacher_position, sample_index, newest.verdict AS verdict
            FROM wanted SEMI JOIN {_places(self._files("candidates"))} USING (candidate_id)
            LEFT JOIN {self._newest_grades("grade_id", "wanted")} USING (grade_id)
            {IN_ORDER}
        """)

    def verdicts(self, teacher_position: int, first: int, last: int) -> Iterator[StoredVerdict]:
        """Yield the stored samples of one teacher for the problems at positions `first` to `last`."""
        query = f"""
            SELECT position, sample_index, verdict FROM stored
            WHERE teacher_position = {teacher_position:d} AND position BETWEEN {first:d} AND {last:d}
        """
        for row in self._rows(query):
            yield StoredVerdict(row["position"], row["sample_index"], row["verdict"])

    def count(self) -> int:
        """Return how many samples are wanted at most."""
        return int(next(self._rows("SELECT count(*) AS count FROM wanted"))["count"])

    def missing(self) -> int:
        """Return how many wanted samples are not stored, by the last snapshot."""
        query = "SELECT (SELECT count(*) FROM wanted) - (SELECT count(*) FROM stored) AS missing"
        return int(next(self._rows(query))["missing"])

    def ungraded(self, *, everything: bool = False) -> Iterator[tuple[int, Candidate, Verdict | None]]:
        """Yield (position, candidate, newest verdict by any grader) of stored chains to grade, in order.

        Those are the chains whose grade by the current grader is missing or `ungraded`; with `everything`
        all wanted chains that are stored.
        """
        files = self._files("candidates")
        condition = "true" if everything else "newest IS NULL OR newest.verdict = 'ungraded'"
        self._connection.execute(f"""
            CREATE OR REPLACE TABLE to_grade AS
            SELECT wanted.*, place
            FROM wanted JOIN {_places(files)} USING (candidate_id)
            LEFT JOIN {self._newest_grades("grade_id", "wanted")} USING (grade_id)
            WHERE {condition}
        """)
        rows = self._rows(f"""
            SELECT to_grade.*, newest.verdict AS verdict_before
            FROM to_grade LEFT JOIN {self._newest_grades("candidate_id, problem_id", "to_grade")}
            USING (candidate_id, problem_id) {IN_ORDER}, place
        """)
        chains = RowFetcher(files, CANDIDATE_COLUMNS)
        for window in _windows(rows, chains):
            for row, chain in zip(window, chains.fetch(_column(window, "place")), strict=True):
                yield row["position"], _candidate(row, chain), row["verdict_before"]

    def groups(self, recipe: str) -> Iterator[StoredGroup]:
        """Yield the graded attempts of each teacher at each problem, by position, teacher and sample."""
        for (position, teacher), members in groupby(self._graded(recipe, f"{IN_ORDER}, place"), key=_group_key):
            found = tuple((candidate, grade, _decision(row)) for row, candidate, grade in members)
            yield StoredGroup(position, teacher, found)

    def accepted(self, recipe: str, limit: int) -> Iterator[tuple[int, Candidate]]:
        """Yield (position, candidate) of decided chains that are graded `correct`: those with the smallest ids."""
        smallest = f"WHERE newest.verdict = 'correct' AND kept IS NOT NULL ORDER BY candidate_id, place LIMIT {limit:d}"
        for row, candidate, _ in self._graded(recipe, smallest):
            yield row["position"], candidate

    def _graded(self, recipe: str, which: str) -> Iterator[tuple[dict[str, Any], Candidate, Grade]]:
        files, grade_files = self._files("candidates"), self._files("grades")
        rows = self._rows(f"""
            SELECT wanted.*, place, newest, kept, drop_reason, detail, flags, split
            FROM wanted JOIN {_places(files)} USING (candidate_id)
            JOIN {self._newest_grades("grade_id", "wanted")} USING (grade_id)
            LEFT JOIN {_decisions(self._files("decisions"), recipe)} USING (candidate_id, problem_id)
            {which}
        """)
        chains, grades = RowFetcher(files, CANDIDATE_COLUMNS), RowFetcher(grade_files, GRADE_COLUMNS)
        for window in _windows(rows, chains):
            found = zip(
                window, chains.fetch(_column(window, "place")), grades.fetch(_column(window, "newest")), strict=True
            )
            for row, chain, grade in found:
                yield row, _candidate(row, chain), Grade.model_validate(grade)

    def _files(self, table: str) -> list[Path]:
        return sealed_files(self._workspace, table)

    def _newest_grades(self, key: str, among: str) -> str:
        """Return the SQL of (key, newest): the verdict and place of the newest grade of each key found in a table."""
        return f"""(
            SELECT {key}, max({{since: graded_at, file: file_index, row: file_row_number, verdict: verdict}}) AS newest
            FROM (SELECT {_ids("grade_id", "candidate_id", "problem_id")}, graded_at, verdict, file_index,
                         file_row_number FROM {files_sql(self._files("grades"))})
            SEMI JOIN {among} USING ({key}) GROUP BY {key}
        )"""

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
    rows = iter(samples)
    while chunk := list(islice(rows, CHUNK_ROWS)):
        yield pa.Table.from_pylist([vars(sample) for sample in chunk], WANTED)


def _places(candidates: Sequence[Path]) -> str:
    """Return the SQL of (candidate_id, place): in which of the files each candidate is, and which row of it."""
    place = "{file: file_index, row: file_row_number} AS place"
    return f"(SELECT {_ids('candidate_id')}, {place} FROM {files_sql(candidates)})"


def _decisions(files: Sequence[Path], recipe: str) -> str:
    return f"""(
        SELECT {_ids("candidate_id", "problem_id")}, {DECISION_COLUMNS}
        FROM {files_sql(files)} WHERE recipe = {quoted(recipe)}
    )"""


def _ids(*columns: str) -> str:
    return ", ".join(f"try_cast({name} AS UUID) AS {name}" for name in columns)


def _windows(rows: Iterable[dict[str, Any]], chains: RowFetcher) -> Iterator[list[dict[str, Any]]]:
    """Cut located samples into windows that fit into memory; of one that is stored twice the first is taken."""
    window: list[dict[str, Any]] = []
    size, last = 0.0, None
    for row in rows:
        if row["candidate_id"] == last:
            continue
        last = row["candidate_id"]
        window.append(row)
        size += chains.row_bytes(row["place"]["file"])
        if len(window) == WINDOW_ROWS or size >= WINDOW_BYTES:
            yield window
            window, size = [], 0.0
    if window:
        yield window


def _column(window: Sequence[dict[str, Any]], name: str) -> list[Place]:
    return [Place(row[name]["file"], row[name]["row"]) for row in window]


def _group_key(member: tuple[dict[str, Any], Candidate, Grade]) -> tuple[int, int]:
    return member[0]["position"], member[0]["teacher_position"]


def _candidate(row: dict[str, Any], chain: dict[str, Any]) -> Candidate:
    """Return a stored candidate; one bought for another problem with the same prompt stands for the one wanted."""
    return Candidate.model_validate({**chain, "problem_id": _hex(row["problem_id"])})


def _decision(row: dict[str, Any]) -> Decision | None:
    if row["kept"] is None:
        return None
    return Decision(
        candidate_id=_hex(row["candidate_id"]),
        kept=row["kept"],
        reason=row["drop_reason"],
        detail=row["detail"],
        flags=row["flags"],
        split=row["split"],
    )


def _hex(uuid: str) -> str:
    return uuid.replace("-", "")
