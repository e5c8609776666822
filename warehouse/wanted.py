"""What a recipe wants, joined with what the tables hold: samples to ask for, chains to grade, groups to curate.

A wanted sample is one row for each step of the teacher's strategy: the problem's position in the recipe, teacher,
sample index, step, the id of its request (= candidate_id) and the id its current grade would have. All questions are
joins over content ids, so it makes no difference which recipe, run or shard bought a completion. The joins touch ids
alone and find out where the rows are; the chains themselves are then read in windows, so that memory does not grow with
their number.
"""

import heapq
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import pyarrow as pa

from cotfactory.schemas.candidate import Candidate, stored_candidate
from cotfactory.schemas.grade import VERDICTS, Decision, Grade, Verdict
from cotfactory.schemas.ids import content_id
from cotfactory.warehouse.arrow_rows import CANDIDATE_IDS, arrow_rows
from cotfactory.warehouse.catalog import quoted, sealed_files
from cotfactory.warehouse.checksums import files_state
from cotfactory.warehouse.kept import Kept
from cotfactory.warehouse.located import candidate_places, decisions_of, endings, newest_grades
from cotfactory.warehouse.row_fetcher import Place, RowFetcher
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.stored_outcomes import StoredOutcome, StoredOutcomes
from cotfactory.warehouse.tables import SCHEMAS
from cotfactory.warehouse.wanted_file import WANTED, WantedFile, WantedSample, read_wanted, write_wanted
from cotfactory.warehouse.workspace import Workspace

VERDICT_PLACE = f"coalesce(list_position({list(VERDICTS)}, newest.verdict) - 1, -1)"
CANDIDATE_COLUMNS = [name for name in SCHEMAS["candidates"].names if name not in ("recipe", "run_id")]
GRADE_COLUMNS = [name for name in SCHEMAS["grades"].names if name not in ("grade_id", "problem_id", "graded_at")]
DECISION = "kept, drop_reason, detail, flags, split"
IN_ORDER = "ORDER BY position, teacher_position, sample_index, step"
BATCH_ROWS = 2_000
WINDOW_ROWS = 2_000
WINDOW_BYTES = 4_000_000
"""The chains of one window are in memory at once: so many, or so many bytes, whichever comes first."""
BLOCK_SAMPLES = 100_000
"""The ids of one block are joined at once. DuckDB gives up, rather than spill, well above so many in its memory."""


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


class KnownAs(NamedTuple):
    """Where samples are kept, and what follows of them, under a key that names all that they are made of."""

    kept: Kept
    key: str


class WantedSamples:
    """The wanted samples of a recipe, in a file of their own; a context manager.

    Every question opens a database and closes it, so that what DuckDB took for the answer is free again after it.
    """

    def __init__(
        self,
        workspace: Workspace,
        samples: Iterable[WantedSample],
        decisions: Sequence[Path] | None = None,
        known: KnownAs | None = None,
    ) -> None:
        """Take the samples; `decisions` are files to take the decisions from instead of those made last.

        Samples that are `known` are not asked for where they are kept.
        """
        self._workspace = workspace
        self._decisions = decisions
        self._known = known
        self._looking = threading.Lock()  # shards are planned on threads, and a snapshot closes the one before it
        with ExitStack() as stack:
            self._folder = stack.enter_context(scratch_folder(workspace))
            self._stored = StoredOutcomes(self._folder)
            stack.callback(lambda: self._stored.close())
            self._wanted = self._kept_samples() or self._written(samples)
            self._held = stack.pop_all()

    def _kept_samples(self) -> WantedFile | None:
        if self._known is None:
            return None
        file = self._known.kept.take("wanted", self._known.key, self._folder)
        return None if file is None else read_wanted(file)

    def _written(self, samples: Iterable[WantedSample]) -> WantedFile:
        wanted = write_wanted(self._folder / "wanted", samples)
        if self._known is not None:
            self._known.kept.keep("wanted", self._known.key, wanted.path)
        return wanted

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def snapshot(self) -> None:
        """Note which wanted samples are stored now, and their verdicts, for `stored` to answer from."""
        candidates, grades = self._files("candidates"), self._files("grades")
        key = self._state(candidates, grades)
        stored = self._kept_outcomes(key)
        if stored is None:
            stored = self._joined_outcomes(candidates, grades, key)
        with self._looking:
            # Not before it is whole: what it lacked would be bought again.
            self._stored, stored = stored, self._stored
        stored.close()

    def _state(self, candidates: Sequence[Path], grades: Sequence[Path]) -> str | None:
        """Return a hash of all that outcomes are made of; None where they are not kept."""
        if self._known is None:
            return None
        try:
            tables = (("candidates", candidates), ("grades", grades))
            return content_id([self._wanted.digest, [files_state(self._workspace, *table) for table in tables]])
        except OSError:
            return None

    def _kept_outcomes(self, key: str | None) -> StoredOutcomes | None:
        if self._known is None or key is None:
            return None
        file = self._known.kept.take("outcomes", key, self._folder)
        return None if file is None else StoredOutcomes(self._folder, file)

    def _joined_outcomes(self, candidates: Sequence[Path], grades: Sequence[Path], key: str | None) -> StoredOutcomes:
        stored = StoredOutcomes(self._folder)
        query = f"""
            found AS (
                SELECT block.*, is_truncated, calls, {VERDICT_PLACE} AS verdict
                FROM block JOIN {endings(candidates, "block")} USING (candidate_id)
                LEFT JOIN {newest_grades(grades, "grade_id", "block")} USING (grade_id)
            )
            SELECT position, teacher_position, sample_index, step, verdict, is_truncated, calls FROM found {IN_ORDER}
        """
        try:
            for block in self._blocks():
                for batch in self._batches(f"{block}, {query}"):
                    stored.append(batch)
            if self._known is not None and key is not None:
                with suppress(OSError):
                    saved = self._folder / "outcomes"
                    stored.save(saved)
                    self._known.kept.keep("outcomes", key, saved)
                    saved.unlink()  # another name of what is kept, which nobody writes to
        except BaseException:
            stored.close()
            raise
        return stored

    def digest(self) -> str:
        """Return a hash of the ids that are wanted and, by the last snapshot, of what became of them."""
        with self._looking:
            return f"{self._wanted.digest}{self._stored.digest()}"

    def stored(self, teacher_position: int, first: int, last: int) -> Iterator[StoredOutcome]:
        """Yield what is stored of one teacher for the problems at positions `first` to `last`."""
        with self._looking:
            return iter(list(self._stored.of(teacher_position, first, last)))

    def chains(self, candidate_ids: Collection[str]) -> Iterator[Candidate]:
        """Yield the stored candidates of these wanted ids, in order."""
        if not candidate_ids:
            return
        candidates = self._files("candidates")
        ids = ", ".join(f"'{candidate_id}'::UUID" for candidate_id in candidate_ids)
        rows = self._rows(f"""
            SELECT wanted.*, place FROM {self._wanted.sql} AS wanted
            JOIN {candidate_places(candidates)} USING (candidate_id)
            WHERE candidate_id IN ({ids}) {IN_ORDER}, place
        """)
        chains = RowFetcher(candidates, CANDIDATE_COLUMNS)
        for window in _windows(rows, chains):
            for row, chain in zip(window, chains.fetch(_column(window, "place")), strict=True):
                yield _candidate(row, chain)

    def stored_count(self, teacher_position: int, first: int, last: int) -> int:
        """Return how much is stored of one teacher for the problems at positions `first` to `last`."""
        with self._looking:
            return self._stored.count_of(teacher_position, first, last)

    def count(self) -> int:
        """Return how many samples are wanted at most."""
        return self._wanted.count

    def wants_any(self, candidate_ids: Sequence[str]) -> bool:
        """Return whether some of these are wanted, stored or not."""
        with bounded_duckdb(self._folder) as connection:
            connection.register(
                "chosen", arrow_rows(({"candidate_id": candidate_id} for candidate_id in candidate_ids), CANDIDATE_IDS)
            )
            ids = "(SELECT candidate_id::UUID AS candidate_id FROM chosen)"
            query = f"SELECT count(*) FROM {self._wanted.sql} SEMI JOIN {ids} USING (candidate_id)"
            ((count,),) = connection.execute(query).fetchall()
            connection.unregister("chosen")
        return bool(count)

    def missing(self) -> int:
        """Return how many wanted samples are not stored, by the last snapshot."""
        return self._wanted.count - len(self._stored)

    def bought_in(self, run_id: str) -> int:
        """Return how many samples have a step that was bought in a run."""
        rows = self._in_blocks(f"""
            bought AS (
                SELECT block.* FROM block JOIN {candidate_places(self._files("candidates"), "run_id")}
                USING (candidate_id) WHERE run_id = {quoted(run_id)}
            )
            SELECT count(DISTINCT (position, teacher_position, sample_index)) AS samples FROM bought
        """)
        return sum(row["samples"] for row in rows)

    def ungraded(self, *, everything: bool = False) -> Iterator[tuple[int, Candidate, Verdict | None]]:
        """Yield (position, candidate, newest verdict by any grader) of stored chains to grade, in order.

        Those are the chains whose grade by the current grader is missing or `ungraded`, of problems that have any by
        the last snapshot; with `everything` all wanted chains that are stored.
        """
        with self._looking:
            positions = None if everything else self._stored.to_grade()
        candidates, grades = self._files("candidates"), self._files("grades")
        condition = "true" if everything else "newest IS NULL OR newest.verdict = 'ungraded'"
        rows = self._in_blocks(
            f"""
            to_grade AS MATERIALIZED (
                SELECT block.*, place FROM block JOIN {candidate_places(candidates)} USING (candidate_id)
                LEFT JOIN {newest_grades(grades, "grade_id", "block")} USING (grade_id)
                WHERE {condition}
            )
            SELECT to_grade.*, newest.verdict AS verdict_before
            FROM to_grade LEFT JOIN {newest_grades(grades, "candidate_id, problem_id", "to_grade")}
            USING (candidate_id, problem_id) {IN_ORDER}, place
        """,
            positions,
        )
        chains = RowFetcher(candidates, CANDIDATE_COLUMNS)
        for window in _windows(rows, chains):
            for row, chain in zip(window, chains.fetch(_column(window, "place")), strict=True):
                yield row["position"], _candidate(row, chain), row["verdict_before"]

    def contents(self) -> Iterator[tuple[int, str]]:
        """Yield, by position, a hash of the graded attempts at each problem: of their ids and times.

        Two rows of an id, as of a chain that was bought twice, have different times.
        """
        row = """concat_ws(' ', teacher_position, sample_index, step, candidate_id, grade_id, epoch_us(created_at),
                           latency_ms, epoch_us(newest.since), newest.verdict)"""
        rows = self._in_blocks(f"""
            graded AS (
                SELECT block.*, place, created_at, latency_ms, newest
                FROM block JOIN {candidate_places(self._files("candidates"), "created_at", "latency_ms")}
                USING (candidate_id)
                JOIN {newest_grades(self._files("grades"), "grade_id", "block")} USING (grade_id)
            )
            SELECT position, md5(string_agg({row}, ',' {IN_ORDER}, place)) AS content
            FROM graded GROUP BY position ORDER BY position
        """)
        for each in rows:
            yield each["position"], each["content"]

    def groups(self, recipe: str, positions: Collection[int] | None = None) -> Iterator[StoredGroup]:
        """Yield the graded attempts of each teacher at each problem, by position, teacher and sample.

        Where `positions` are given, those of the problems there alone.
        """
        candidates, grades = self._files("candidates"), self._files("grades")
        rows = self._graded(candidates, grades, recipe, f"{IN_ORDER}, place", positions)
        chains, graded = RowFetcher(candidates, CANDIDATE_COLUMNS), RowFetcher(grades, GRADE_COLUMNS)
        for (position, teacher), members in groupby(_read(rows, chains, graded), key=_group_key):
            found = tuple(
                StoredStep(row["step"], candidate, grade, _decision(row)) for row, candidate, grade in members
            )
            yield StoredGroup(position, teacher, found)

    def decided(self, recipe: str, version: str) -> Iterator[pa.Table]:
        """Yield what the recipe uses and decided, ids and decisions alone: the rows of `released` for a version."""
        ids = ", ".join(f"replace({name}::VARCHAR, '-', '') AS {name}" for name in WANTED.names if name.endswith("_id"))
        query = f"""
            used AS (
                SELECT block.*, {DECISION}
                FROM block JOIN {decisions_of(self._files("decisions"), recipe)} USING (candidate_id, problem_id)
            )
            SELECT {quoted(recipe)} AS recipe, {quoted(version)} AS version, teacher_position, sample_index, step,
                   {ids}, kept, drop_reason AS reason, detail, flags, split
            FROM used {IN_ORDER}
        """
        for block in self._blocks():
            for batch in self._batches(f"{block}, {query}"):
                yield pa.Table.from_batches([batch]).cast(SCHEMAS["released"])

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
        self,
        candidates: Sequence[Path],
        grades: Sequence[Path],
        recipe: str,
        which: str,
        positions: Collection[int] | None = None,
    ) -> Iterator[dict[str, Any]]:
        query = f"""
            graded AS (
                SELECT block.*, place, newest FROM block JOIN {candidate_places(candidates)} USING (candidate_id)
                JOIN {newest_grades(grades, "grade_id", "block")} USING (grade_id)
            )
            SELECT graded.*, {DECISION}
            FROM graded LEFT JOIN {decisions_of(self._files("decisions"), recipe)} USING (candidate_id, problem_id)
            {which}
        """
        return self._in_blocks(query, positions)

    def _in_blocks(self, query: str, positions: Collection[int] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the rows of a query about `block` for one block of wanted samples after the other."""
        for block in self._blocks(positions):
            yield from self._rows(f"{block}, {query}")

    def _blocks(self, positions: Collection[int] | None = None) -> Iterator[str]:
        """Yield how a query about `block` begins: wanted samples, in order, whole problems that fit into memory."""
        step = max(1, BLOCK_SAMPLES * self._wanted.positions // max(1, self._wanted.count))
        for first in range(0, self._wanted.positions, step):
            among = f"position BETWEEN {first:d} AND {first + step - 1:d}"
            if positions is not None:
                here = [position for position in range(first, first + step) if position in positions]
                if not here:
                    continue
                if len(here) < step:
                    among = f"position IN {here}"
            yield f"WITH block AS MATERIALIZED (SELECT * FROM {self._wanted.sql} WHERE {among})"

    def _files(self, table: str) -> Sequence[Path]:
        if table == "decisions" and self._decisions is not None:
            return self._decisions
        return sealed_files(self._workspace, table)

    def _rows(self, query: str) -> Iterator[dict[str, Any]]:
        for batch in self._batches(query):
            yield from batch.to_pylist()

    def _batches(self, query: str) -> Iterator[pa.RecordBatch]:
        with bounded_duckdb(self._folder) as connection:
            table = connection.sql(query).to_arrow_table()
        # Not while it is open: whoever takes the rows takes minutes and memory of their own.
        yield from table.to_batches(BATCH_ROWS)


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
    """Return a stored candidate as the one wanted: it may have been bought for another problem with the same prompt.

    Rollouts of a policy that two servers kept may count alike.
    """
    return stored_candidate({**chain, "problem_id": _hex(row["problem_id"]), "sample_index": row["sample_index"]})


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
