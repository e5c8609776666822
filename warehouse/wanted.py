"""What a recipe wants, joined with what the tables hold: samples to ask for, chains to grade, groups to curate.

A wanted sample is one row for each step of the teacher's strategy: the problem's position in the recipe, teacher,
sample index, step, the id of its request (= candidate_id) and the id its current grade would have. All questions are
joins over content ids, so it makes no difference which recipe, run or shard bought a completion. The joins touch ids
alone and find out where the rows are; the chains themselves are then read in windows, so that memory does not grow with
their number.
"""

import heapq
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import duckdb
import pyarrow as pa

from schemas.candidate import Candidate
from schemas.errors import WorkspaceError
from schemas.grade import Decision, Grade, Verdict
from warehouse.batch_ledger import under_way
from warehouse.catalog import sealed_files, table_files
from warehouse.located import candidate_places, decisions_of, newest_grades, truncations
from warehouse.row_fetcher import Place, RowFetcher
from warehouse.seal import unconfirmed
from warehouse.tables import SCHEMAS
from warehouse.workspace import Workspace

WANTED_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("position", pa.int32()),
    ("teacher_position", pa.int32()),
    ("sample_index", pa.int32()),
    ("step", pa.int32()),
    ("problem_id", pa.string()),
    ("candidate_id", pa.string()),
    ("grade_id", pa.string()),
]
WANTED = pa.schema(WANTED_COLUMNS)
WANTED_SQL = ", ".join(f"{name}::UUID AS {name}" if name.endswith("_id") else name for name in WANTED.names)
STORED_SQL = """
    position INTEGER, teacher_position INTEGER, sample_index INTEGER, step INTEGER, verdict VARCHAR,
    is_truncated BOOLEAN
"""
CANDIDATE_COLUMNS = [name for name in SCHEMAS["candidates"].names if name not in ("recipe", "run_id")]
GRADE_COLUMNS = [name for name in SCHEMAS["grades"].names if name not in ("grade_id", "problem_id", "graded_at")]
DECISION = "kept, drop_reason, detail, flags, split"
IN_ORDER = "ORDER BY position, teacher_position, sample_index, step"
CHUNK_ROWS = 20_000
BATCH_ROWS = 2_000
WINDOW_ROWS = 2_000
WINDOW_BYTES = 4_000_000
"""The chains of one window are in memory at once: so many, or so many bytes, whichever comes first."""
BLOCK_SAMPLES = 100_000
"""The ids of one block are joined at once. DuckDB gives up, rather than spill, well above so many in its memory."""
MEMORY_LIMIT = "256MB"
THREADS = 2


@dataclass(frozen=True)
class WantedSample:
    """One step of a sample that a recipe may want."""

    position: int
    teacher_position: int
    sample_index: int
    step: int
    problem_id: str
    candidate_id: str
    grade_id: str


class StoredStep(NamedTuple):
    """A stored and graded step of a sample; the decision is None until the recipe has been curated."""

    step: int
    candidate: Candidate
    grade: Grade
    decision: Decision | None


@dataclass(frozen=True)
class StoredGroup:
    """What is stored and graded of one teacher's attempts at one problem, in the order of samples and steps."""

    position: int
    teacher_position: int
    steps: tuple[StoredStep, ...]


class StoredOutcome(NamedTuple):
    """A wanted step that is stored; the verdict is None without a grade by the current grader."""

    position: int
    sample_index: int
    step: int
    verdict: Verdict | None
    is_truncated: bool


class WantedSamples:
    """The wanted samples of a recipe in a private DuckDB; a context manager."""

    def __init__(
        self,
        workspace: Workspace,
        samples: Iterable[WantedSample],
        decisions: Sequence[Path] | None = None,
        spill: str = "duckdb",
    ) -> None:
        """Take the samples; `decisions` are files to take the decisions from instead of those made last.

        `spill` names the folder for what does not fit into memory: another one for each that is open at once.
        """
        self._workspace = workspace
        self._decisions = decisions
        # What does not fit into memory is kept on the workspace's disk, not in the folder of whoever runs this.
        self._connection = duckdb.connect(
            config={
                "autoinstall_known_extensions": "false",
                "memory_limit": MEMORY_LIMIT,
                "threads": min(THREADS, os.cpu_count() or 1),  # each has buffers of its own
                "temp_directory": str(workspace.staging / spill),
            }
        )
        self._connection.execute("SET TimeZone = 'UTC'")
        with self._in_words():
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
        """Note which wanted samples are stored now, and their verdicts, for `stored` to answer from."""
        candidates, grades = self._files("candidates"), self._files("grades")
        self._connection.execute(f"CREATE OR REPLACE TABLE stored ({STORED_SQL})")
        for block in self._blocks():
            with self._in_words():
                self._connection.execute(f"""
                INSERT INTO stored
                WITH block AS MATERIALIZED ({block})
                SELECT position, teacher_position, sample_index, step, newest.verdict, is_truncated
                FROM block JOIN {truncations(candidates, "block")} USING (candidate_id)
                LEFT JOIN {newest_grades(grades, "grade_id", "block")} USING (grade_id)
                {IN_ORDER}
            """)

    def stored(self, teacher_position: int, first: int, last: int) -> Iterator[StoredOutcome]:
        """Yield what is stored of one teacher for the problems at positions `first` to `last`."""
        query = f"""
            SELECT position, sample_index, step, verdict, is_truncated FROM stored
            WHERE teacher_position = {teacher_position:d} AND position BETWEEN {first:d} AND {last:d}
        """
        for row in self._rows(query):
            yield StoredOutcome(**row)

    def chains(self, candidate_ids: Collection[str]) -> Iterator[Candidate]:
        """Yield the stored candidates of these wanted ids, in order."""
        if not candidate_ids:
            return
        candidates = self._files("candidates")
        ids = ", ".join(f"'{one}'::UUID" for one in candidate_ids)
        rows = self._rows(f"""
            SELECT wanted.*, place FROM wanted JOIN {candidate_places(candidates)} USING (candidate_id)
            WHERE candidate_id IN ({ids}) {IN_ORDER}, place
        """)
        chains = RowFetcher(candidates, CANDIDATE_COLUMNS)
        for window in _windows(rows, chains):
            for row, chain in zip(window, chains.fetch(_column(window, "place")), strict=True):
                yield _candidate(row, chain)

    def count(self) -> int:
        """Return how many samples are wanted at most."""
        return int(next(self._rows("SELECT count(*) AS count FROM wanted"))["count"])

    def wants_any(self, candidate_ids: Sequence[str]) -> bool:
        """Return whether some of these are wanted, stored or not."""
        self._connection.register("chosen", pa.table({"candidate_id": pa.array(candidate_ids, pa.string())}))
        query = "SELECT count(*) FROM wanted SEMI JOIN chosen ON wanted.candidate_id = chosen.candidate_id::UUID"
        ((count,),) = self._connection.execute(query).fetchall()
        self._connection.unregister("chosen")
        return bool(count)

    def missing(self) -> int:
        """Return how many wanted samples are not stored, by the last snapshot."""
        query = "SELECT (SELECT count(*) FROM wanted) - (SELECT count(*) FROM stored) AS missing"
        return int(next(self._rows(query))["missing"])

    def ungraded(self, *, everything: bool = False) -> Iterator[tuple[int, Candidate, Verdict | None]]:
        """Yield (position, candidate, newest verdict by any grader) of stored chains to grade, in order.

        Those are the chains whose grade by the current grader is missing or `ungraded`; with `everything`
        all wanted chains that are stored.
        """
        candidates, grades = self._files("candidates"), self._files("grades")
        condition = "true" if everything else "newest IS NULL OR newest.verdict = 'ungraded'"
        rows = self._in_blocks(f"""
            to_grade AS MATERIALIZED (
                SELECT block.*, place FROM block JOIN {candidate_places(candidates)} USING (candidate_id)
                LEFT JOIN {newest_grades(grades, "grade_id", "block")} USING (grade_id)
                WHERE {condition}
            )
            SELECT to_grade.*, newest.verdict AS verdict_before
            FROM to_grade LEFT JOIN {newest_grades(grades, "candidate_id, problem_id", "to_grade")}
            USING (candidate_id, problem_id) {IN_ORDER}, place
        """)
        chains = RowFetcher(candidates, CANDIDATE_COLUMNS)
        for window in _windows(rows, chains):
            for row, chain in zip(window, chains.fetch(_column(window, "place")), strict=True):
                yield row["position"], _candidate(row, chain), row["verdict_before"]

    def groups(self, recipe: str) -> Iterator[StoredGroup]:
        """Yield the graded attempts of each teacher at each problem, by position, teacher and sample."""
        candidates, grades = self._files("candidates"), self._files("grades")
        rows = self._graded(candidates, grades, recipe, f"{IN_ORDER}, place")
        chains, graded = RowFetcher(candidates, CANDIDATE_COLUMNS), RowFetcher(grades, GRADE_COLUMNS)
        for (position, teacher), members in groupby(_read(rows, chains, graded), key=_group_key):
            found = tuple(
                StoredStep(row["step"], candidate, grade, _decision(row)) for row, candidate, grade in members
            )
            yield StoredGroup(position, teacher, found)

    def decided(self, recipe: str) -> Iterator[dict[str, Any]]:
        """Yield what the recipe uses and decided, ids and decisions alone: the rows of the released table."""
        query = f"""
            SELECT position, teacher_position, sample_index, step, problem_id, candidate_id, grade_id, {DECISION}
            FROM block JOIN {decisions_of(self._files("decisions"), recipe)} USING (candidate_id, problem_id)
        """
        for row in self._in_blocks(f"used AS ({query}) SELECT * FROM used {IN_ORDER}"):
            row["reason"] = row.pop("drop_reason")
            yield {name: _hex(value) if name.endswith("_id") else value for name, value in row.items()}

    def accepted(self, recipe: str, limit: int) -> Iterator[tuple[int, Candidate]]:
        """Yield (position, candidate) of decided chains that are graded `correct`: those with the smallest ids."""
        candidates, grades = self._files("candidates"), self._files("grades")
        smallest = f"WHERE newest.verdict = 'correct' AND kept IS NOT NULL ORDER BY candidate_id, place LIMIT {limit:d}"
        rows = heapq.nsmallest(
            limit, self._graded(candidates, grades, recipe, smallest), key=lambda row: str(row["candidate_id"])
        )
        found = RowFetcher(candidates, CANDIDATE_COLUMNS).fetch(_column(rows, "place"))
        for row, chain in zip(rows, found, strict=True):
            yield row["position"], _candidate(row, chain)

    def _graded(
        self, candidates: Sequence[Path], grades: Sequence[Path], recipe: str, which: str
    ) -> Iterator[dict[str, Any]]:
        return self._in_blocks(f"""
            graded AS (
                SELECT block.*, place, newest FROM block JOIN {candidate_places(candidates)} USING (candidate_id)
                JOIN {newest_grades(grades, "grade_id", "block")} USING (grade_id)
            )
            SELECT graded.*, {DECISION}
            FROM graded LEFT JOIN {decisions_of(self._files("decisions"), recipe)} USING (candidate_id, problem_id)
            {which}
        """)

    def _in_blocks(self, query: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a query about `block` for one block of wanted samples after the other."""
        for block in self._blocks():
            yield from self._rows(f"WITH block AS MATERIALIZED ({block}), {query}")

    def _blocks(self) -> Iterator[str]:
        """Yield the SQL of the wanted samples, in order, in blocks of whole problems that can be joined in memory."""
        (known,) = self._rows("SELECT count(*) AS samples, coalesce(max(position), -1) + 1 AS positions FROM wanted")
        step = max(1, BLOCK_SAMPLES * known["positions"] // max(1, known["samples"]))
        for first in range(0, known["positions"], step):
            yield f"SELECT * FROM wanted WHERE position BETWEEN {first:d} AND {first + step - 1:d}"

    def _files(self, table: str) -> Sequence[Path]:
        if table == "decisions" and self._decisions is not None:
            return self._decisions
        return sealed_files(self._workspace, table)

    def _rows(self, query: str) -> Iterator[dict[str, Any]]:
        cursor = self._connection.cursor()
        try:
            with self._in_words():
                reader = cursor.sql(query).to_arrow_reader(BATCH_ROWS)
            batches = iter(reader or ())
            while True:
                with self._in_words():
                    batch = next(batches, None)
                if batch is None:
                    return
                yield from batch.to_pylist()
        finally:
            cursor.close()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Say in words that the disk is full or broken, or that the ids do not fit into memory."""
        try:
            yield
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            raise WorkspaceError(
                f"The tables of {self._workspace.root} could not be joined, with {MEMORY_LIMIT} of memory and "
                f"{self._workspace.staging} to spill to: {str(error).strip().splitlines()[0]}",
                "nothing is lost; free space on that disk and run again",
            ) from error


def spent_before(workspace: Workspace, recipe: str) -> tuple[float, int]:
    """Return what earlier runs of a recipe paid, or may have to pay, as (USD, input plus output tokens)."""
    with duckdb.connect() as connection:
        row = connection.execute(
            f"""SELECT coalesce(sum(cost_usd), 0), coalesce(sum(usage.input_tokens + usage.output_tokens), 0)
                FROM {table_files(workspace, "candidates")} WHERE recipe = ?""",
            [recipe],
        ).fetchall()[0]
    lost, waiting = unconfirmed(workspace, recipe), under_way(workspace, recipe)
    return float(row[0]) + lost[0] + waiting[0], int(row[1]) + lost[1] + waiting[1]


def _chunks(samples: Iterable[WantedSample]) -> Iterator[pa.Table]:
    rows = iter(samples)
    while chunk := list(islice(rows, CHUNK_ROWS)):
        yield pa.Table.from_pylist([vars(sample) for sample in chunk], WANTED)


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


def _read(
    rows: Iterable[dict[str, Any]], chains: RowFetcher, grades: RowFetcher
) -> Iterator[tuple[dict[str, Any], Candidate, Grade]]:
    for window in _windows(rows, chains):
        found = zip(
            window, chains.fetch(_column(window, "place")), grades.fetch(_column(window, "newest")), strict=True
        )
        for row, chain, grade in found:
            yield row, _candidate(row, chain), Grade.model_validate(grade)


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
