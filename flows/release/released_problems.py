"""ReleasedProblems: the problems as a release takes them; of those that are as in the latest one no chain is read.

What statistics and contract need to know of such a problem is kept beside the release (`warehouse/kept.py`), by what
its rows are made of; the rows themselves are in the release.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import groupby, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cotfactory.flows.ask.rollouts import RolledOut
from cotfactory.flows.groups import decided_groups
from cotfactory.flows.job import Job
from cotfactory.flows.review.reviewed_groups import with_reviews
from cotfactory.publishing.listed_files import MANIFEST
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.publishing.release_statistics import PROBLEM_FIGURES, ProblemFigures
from cotfactory.publishing.rows_taken_over import RowsTakenOver, can_be_taken_over
from cotfactory.publishing.stage_rows import ToRelease
from cotfactory.publishing.versions import latest_release
from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.group import Group
from cotfactory.warehouse.checksums import sum_of
from cotfactory.warehouse.nameless_file import NamelessFile
from cotfactory.warehouse.row_fetcher import Place, RowFetcher

KIND = "figures"
FIGURES = pa.schema([pa.field("key", pa.string()), pa.field("figures", pa.string())])
"""One line for each problem of a release: what its rows are made of, and its ProblemFigures as JSON."""
BATCH_PROBLEMS = 500


class ReleasedProblems:
    """The problems of a job, in their order; to be gone through once. What is `noted` of them waits in that file.

    `taken_over` is the release that has the rows of some of them, None where all are read. With rollouts they are: what
    those found is bought after the decisions that rows are known by. Raises WorkspaceError for a latest release that
    cannot be read.
    """

    def __init__(self, job: Job, rolled: RolledOut | None, folder: Path, noted: NamelessFile) -> None:
        self._job, self._rolled, self._folder, self._noted = job, rolled, folder, noted
        self._keys = job.run.rows_made_of if rolled is None else {}
        self._lines: dict[int, int] = {}
        """Where the figures of a problem are in `_file`, by its position."""
        self._file: Path | None = None
        self.taken_over: RowsTakenOver | None = None
        latest = latest_release(job.run.workspace.releases / job.run.output_name)
        if latest is not None and self._keys:
            self._look_up(latest)

    def _look_up(self, latest: Path) -> None:
        run, manifest = self._job.run, read_manifest(latest)
        self._file = run.kept.take(KIND, sum_of(latest / MANIFEST), self._folder)
        if self._file is None:
            return
        if not can_be_taken_over(latest, manifest, run.recipe.release.products):
            run.progress.note(f"all rows are made anew: {latest.name} is not as it was released, or has one label only")
            return
        stored = pq.read_table(self._file, columns=["key"])["key"]
        found = pc.index_in(pa.array([key for _, key in self._keys.values()], pa.string()), stored).to_pylist()
        positions = (position for position, _ in self._keys.values())
        self._lines = {position: line for position, line in zip(positions, found, strict=True) if line is not None}
        if self._lines:
            self.taken_over = RowsTakenOver(latest, self._read_again)

    def __iter__(self) -> Iterator[ToRelease]:
        """Yield the groups of each problem, or its figures where its rows are taken over."""
        if not self._lines:
            yield from self._groups(None)
            return
        order = [position for position, _ in self._keys.values()]
        read = self._groups({position for position in order if position not in self._lines})
        for is_known, positions in groupby(order, key=self._lines.__contains__):
            if is_known:
                yield from self._figures(list(positions))
            else:
                yield from (next(read) for _ in positions)

    def note(self, figures: ProblemFigures) -> None:
        """Write down the figures of a problem that was read."""
        placed = self._keys.get(figures.problem_id)
        if placed is not None:
            self._note(placed.key, PROBLEM_FIGURES.dump_json(figures, exclude_defaults=True))

    def keep(self, release: Path) -> None:
        """Keep the figures of all problems for the run after this one, beside the release that has their rows."""
        if not self._keys:
            return
        path = self._folder / "noted"
        with suppress(OSError, WorkspaceError):  # the release is made: it costs the next run its time
            self._noted.flush()
            with pq.ParquetWriter(path, FIGURES, compression="zstd") as writer:
                lines = self._noted.lines()
                while batch := [line[:-1].decode().split(" ", 1) for line in islice(lines, BATCH_PROBLEMS)]:
                    columns = [pa.array(column, pa.string()) for column in zip(*batch, strict=True)]
                    writer.write_table(pa.Table.from_arrays(columns, schema=FIGURES))
            self._job.run.kept.keep(KIND, sum_of(release / MANIFEST), path)

    def _note(self, key: str, figures: bytes) -> None:
        self._noted.append(b"%s %s\n" % (key.encode(), figures))

    def _figures(self, positions: Sequence[int]) -> Iterator[ProblemFigures]:
        """Yield the figures of problems by their positions, and note them again."""
        assert self._file is not None
        fetcher = RowFetcher([self._file], FIGURES.names)
        for start in range(0, len(positions), BATCH_PROBLEMS):
            places = [Place(0, self._lines[position]) for position in positions[start : start + BATCH_PROBLEMS]]
            for row in fetcher.fetch(places):
                self._note(row["key"], row["figures"].encode())
                self._job.run.advance()
                yield PROBLEM_FIGURES.validate_json(row["figures"])

    def _groups(self, positions: Collection[int] | None) -> Iterator[tuple[Group, ...]]:
        for groups in self._read(positions):
            self._job.run.advance()
            yield groups

    def _read_again(self, problem_ids: Collection[str]) -> Iterator[tuple[Group, ...]]:
        return self._read({self._keys[problem_id].position for problem_id in problem_ids})

    def _read(self, positions: Collection[int] | None) -> Iterator[tuple[Group, ...]]:
        job = self._job
        if self._rolled is not None:
            groups = self._rolled.groups()
        else:
            groups = decided_groups(job.problems, job.plans, job.wanted, job.run.output_name, positions)
        return with_reviews(groups, job.run.reviews)
