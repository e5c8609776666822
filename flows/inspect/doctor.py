"""Look a workspace over: what is damaged, what was left behind, what is open, and what room it takes."""

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from cotfactory.graders.grading import OF_GROWING
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import CotfactoryError
from cotfactory.schemas.record import Record
from cotfactory.warehouse.backup import Copied, back_up
from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.checksums import damage
from cotfactory.warehouse.file_changes import reading
from cotfactory.warehouse.journal_reader import read_journal
from cotfactory.warehouse.ledger import abandoned_journals
from cotfactory.warehouse.workspace import TABLES, Workspace, existing_workspace
from cotfactory.warehouse.workspace_lock import holder

FREE_BYTES = 1 << 30
"""Less than so much free space is told: a release is built beside the last one."""
ORPHANS = {
    "grades without a chain": "SELECT count(*) FROM grades ANTI JOIN candidates USING (candidate_id)",
    "decisions without a chain": "SELECT count(*) FROM decisions ANTI JOIN candidates USING (candidate_id) "
    "WHERE candidate_id IS NOT NULL",
    # By what they were graded at: of a grown problem that was dropped its writing and its votes alone are stored.
    "chains without a problem": "SELECT count(DISTINCT candidate_id) FROM grades ANTI JOIN problems USING (problem_id) "
    f"WHERE grader NOT IN {OF_GROWING}",
    "chains that are there twice": "SELECT count(*) - count(DISTINCT candidate_id) FROM candidates",
}


class Sick(CotfactoryError):
    """Something of a workspace is damaged or lost; the report says what."""


class DoctorReport(Record):
    """What is in order, what a run will clear by itself, and what is damaged; `bytes` by folder."""

    workspace: str
    held_by: int | None
    ok: tuple[str, ...]
    left: tuple[str, ...]
    faults: tuple[str, ...]
    bytes: dict[str, int]

    def text(self) -> str:
        """Return the report for people."""
        sizes = ", ".join(f"{name} {size / 1e6:,.1f} MB" for name, size in self.bytes.items())
        lines = [f"workspace {self.workspace}: {sizes}"]
        if self.held_by is not None:
            lines.append(f"held   by process {self.held_by}: what it is writing now may be told as left")
        lines += [f"ok     {line}" for line in self.ok]
        lines += [f"left   {line}" for line in self.left]
        return "\n".join([*lines, *(f"FAULT  {line}" for line in self.faults)])


class BackedUp(Record):
    """What a backup copied, and where to."""

    target: str
    files: int
    bytes: int
    already_there: int
    removed: int
    kept: tuple[str, ...]

    def text(self) -> str:
        """Return it for people."""
        counts = (
            f"{counted(self.files, 'file')} copied ({self.bytes / 1e6:,.1f} MB), {self.already_there:,} there before"
        )
        lines = [f"{self.target}: {counts}, {self.removed:,} removed; every sealed file is as it was sealed"]
        if self.kept:
            lines.append(
                f"WARNING: {counted(len(self.kept), 'file')} of chains, gone from the workspace, kept in the backup: "
                + ", ".join(self.kept[:5])
            )
        return "\n".join(lines)


def back_up_workspace(workspace: Path, target: Path) -> BackedUp:
    """Copy a workspace, also while a run goes on. Raises WorkspaceError."""
    copied: Copied = back_up(existing_workspace(workspace), target)
    return BackedUp(
        target=str(target.resolve()),
        files=copied.files,
        bytes=copied.bytes,
        already_there=copied.already_there,
        removed=copied.removed,
        kept=copied.kept,
    )


def examine_workspace(workspace: Path) -> DoctorReport:
    """Return what is in order and what is not. Raises Sick, with the report as its summary, for damage."""
    place = existing_workspace(workspace)
    with reading(place):
        faults = [str(error) for _, _, error in damage(place)]
    ok = [] if faults else ["every sealed file is as it was sealed"]
    if not faults:  # a damaged file answers nothing that could be believed
        orphans = {name: int(query_catalog(place, question)[1][0][0]) for name, question in ORPHANS.items()}
        faults += [f"{name}: {count:,}" for name, count in orphans.items() if count]
        ok += [f"no {name}" for name, count in orphans.items() if not count]
    report = DoctorReport(
        workspace=str(place.root),
        held_by=holder(place),
        ok=tuple(ok),
        left=tuple(_left(place)),
        faults=tuple(faults),
        bytes={folder.name: _size(folder) for folder in sorted(place.root.iterdir()) if folder.is_dir()},
    )
    if faults:
        error = Sick(
            f"{counted(len(faults), 'fault')} in {place.root}:\n{report.text()}",
            "restore what is damaged from a backup",
        )
        error.summary = report
        raise error
    return report


def _left(place: Workspace) -> Iterator[str]:
    for journal in abandoned_journals(place.ledger):
        entries = read_journal(journal)
        yield (
            f"{journal.name}: not sealed yet: {counted(len(entries.bought), 'chain')}, {len(entries.in_flight):,} in "
            "flight; the next run takes it up"
        )
    for path in sorted(place.ledger.glob("*.unread")):
        yield f"{path.name}: lines that are in no table; who wrote them reads them when it is renamed to .journal"
    if holder(place) is None and (left := sum(1 for _ in place.staging.iterdir())):
        yield f"{counted(left, 'entry', 'entries')} in {place.staging}; the next run or release clears the folder"
    for table in TABLES:
        for path in sorted(place.sums(table).glob("*.sha256")):
            if not (place.table(table) / f"{path.stem}.parquet").exists():
                yield f"the sum of {table}/{path.stem}.parquet, which is gone"
    if (free := shutil.disk_usage(place.root).free) < FREE_BYTES:
        yield f"{free / 1e6:,.0f} MB of free space: a release is built beside the last one"
    if place.root.stat().st_mode & (stat.S_IROTH | stat.S_IRGRP):
        yield f"others may read it: chmod 700 {place.root}"


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
