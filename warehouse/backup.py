"""Copy a workspace into another folder, also while a run is at work in it: what is there already is not copied again.

The order makes the copy whole at any moment. Journals come before tables: a shard that is sealed meanwhile is in both,
and its journal seals to the same file again. Sealed files come before their sums, in which the sum of a replaced file
stays. Releases appear under their names complete, and the catalog is written anew, for its new place.
"""

import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.warehouse.catalog import build_catalog, files_sql, sealed_files
from cotfactory.warehouse.checksums import damage
from cotfactory.warehouse.file_changes import reading
from cotfactory.warehouse.forgotten import FORGOTTEN, forgotten_lines
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.workspace import Workspace, open_workspace
from cotfactory.warehouse.workspace_lock import exclusive

FIRST = ("ledger", "tables", "sums")
"""The folders whose order matters; all others follow by name."""
OWN = ("staging", "changing", "kept", "catalog.", "run.lock", ".probe-")
"""What each workspace has of its own begins so: nothing of it lasts, or it is made anew."""
NOT_WHOLE = (".ballast", ".writing", ".tmp")
"""Room that is set aside, and files that are not whole yet, end so."""
ROUNDS = 3
"""How often a file is copied that was replaced between itself and its sum."""


@dataclass(frozen=True)
class Copied:
    """What a backup did: files copied now, those that were there, and those that the workspace has no more."""

    files: int
    bytes: int
    already_there: int
    removed: int
    kept: tuple[str, ...]


def back_up(workspace: Workspace, target: Path) -> Copied:
    """Make `target` a copy of the workspace, and hold its sealed files against their sums.

    What the workspace has no more goes from the copy too, but for sealed chains that nobody has it forget and that no
    other file of it has: those were paid for, and are named in `kept`. Raises WorkspaceError for a target that is not a
    copy, is at work, or does not hold what it should.
    """
    root = target.resolve()
    if root == workspace.root or root.is_relative_to(workspace.root) or workspace.root.is_relative_to(root):
        raise WorkspaceError(f"The backup {root} and the workspace {workspace.root} lie in each other", "name another")
    if root.exists() and any(root.iterdir()) and not (root / "ledger").is_dir():
        raise WorkspaceError(f"{root} is not empty and no copy of a workspace", "name a new folder, or an older backup")
    copy = open_workspace(root)
    files = size = there = 0
    with exclusive(copy), reading(workspace):
        for path in _files(workspace.root):
            copied = _copy(path, root / path.relative_to(workspace.root))
            files, size, there = files + (copied is not None), size + (copied or 0), there + (copied is None)
        if (forgotten := workspace.ledger / FORGOTTEN).exists():
            _copy(forgotten, copy.ledger / FORGOTTEN)  # chains may have gone since the ledger was copied
        _mend(workspace, copy)
        removed, kept = _remove(workspace, copy)
        build_catalog(copy)
    return Copied(files, size, there, removed, kept)


def _files(root: Path) -> Iterator[Path]:
    others = sorted(entry.name for entry in root.iterdir() if entry.name not in FIRST)
    for entry in (root / name for name in (*FIRST, *others) if not name.startswith(OWN)):
        walked = (Path(parent) / name for parent, _, names in os.walk(entry) for name in names)
        yield from (path for path in (walked if entry.is_dir() else [entry]) if not path.name.endswith(NOT_WHOLE))


def _copy(source: Path, target: Path) -> int | None:
    """Copy a file that is not there as it is; return its size. None for one that is, or that is gone meanwhile."""
    try:
        told = source.stat()
        if target.exists() and _same(told, target.stat()):
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f"{target.name}.writing")
        shutil.copy2(source, aside, follow_symlinks=False)
        aside.replace(target)
    except FileNotFoundError:
        if source.exists():
            raise
        return None  # sealed, or let go, meanwhile
    except OSError as error:
        raise WorkspaceError(
            f"{source} cannot be copied to {target}: {error.strerror or error}",
            "free space or fix the permissions, and back up again: what is there is not copied twice",
        ) from error
    return told.st_size


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def _mend(workspace: Workspace, copy: Workspace) -> None:
    """Copy again what does not fit its sum: it was replaced more than once meanwhile. Raises WorkspaceError."""
    for _ in range(ROUNDS):
        if not (found := list(damage(copy))):
            return
        for path, sums, _ in found:
            for part in (path, sums):
                part.unlink(missing_ok=True)
                _copy(workspace.root / part.relative_to(copy.root), part)
    for path, _, error in damage(copy):
        if path.exists():
            raise error


def _remove(workspace: Workspace, copy: Workspace) -> tuple[int, tuple[str, ...]]:
    """Take from the copy what the workspace has no more, but for chains; return how many files, and which stay."""
    gone = [path for path in _files(copy.root) if not (workspace.root / path.relative_to(copy.root)).exists()]
    chains = [path for path in gone if path.parent == copy.table("candidates")]
    forgotten = {name for line in forgotten_lines(copy) for name in line.files}
    kept = _with_chains_of_their_own(copy, [path for path in chains if path.name not in forgotten], set(chains))
    stay = {path.stem for path in kept}
    removed = 0
    for path in gone:
        if path.parent not in (copy.table("candidates"), copy.sums("candidates")) or path.stem not in stay:
            path.unlink()
            removed += 1
    return removed, tuple(path.name for path in kept)


def _with_chains_of_their_own(copy: Workspace, files: Sequence[Path], gone: Collection[Path]) -> list[Path]:
    """Return those of `files` with a chain that only files which are `gone` have: those that were merged have none."""
    if not files:
        return []
    left = [path for path in sealed_files(copy, "candidates") if path not in gone]
    chains = f"(SELECT candidate_id FROM {files_sql(left)})" if left else "(SELECT NULL::VARCHAR AS candidate_id)"
    with scratch_folder(copy) as folder, bounded_duckdb(folder) as connection:
        found = connection.execute(
            f"SELECT DISTINCT file_index FROM {files_sql(files)} ANTI JOIN {chains} USING (candidate_id) ORDER BY ALL"
        ).fetchall()
    return [files[index] for (index,) in found]
