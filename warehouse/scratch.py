"""Scratch: a folder on the workspace's disk for as long as a process lives, and a DuckDB in bounded memory over it."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.warehouse.file_changes import reading
from cotfactory.warehouse.workspace import Workspace

MEMORY_LIMIT = "128MB"
THREADS = 2


@contextmanager
def scratch_folder(workspace: Workspace) -> Iterator[Path]:
    """Give a new folder, for questions to the tables, and remove it at the end; nobody changes their files meanwhile.

    Folders that killed processes left are removed first; that of a process that lives is locked (`flock`), so that
    nobody else takes it for left behind.
    Raises WorkspaceError when the disk refuses.
    """
    for left in workspace.staging.glob("scratch-*"):
        _remove_unless_locked(left)
    try:
        folder = Path(tempfile.mkdtemp(prefix="new-", dir=workspace.staging))
        held = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise WorkspaceError(
            f"No folder can be made in {workspace.staging}: {error.strerror}", "free space and run again"
        ) from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        folder = folder.rename(folder.with_name(f"scratch-{folder.name}"))
        with reading(workspace):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


@contextmanager
def bounded_duckdb(folder: Path, database: str = ":memory:") -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a DuckDB that takes little memory and spills into `folder`; a `database` is a file of that folder.

    Its memory, also what its allocator holds back, is free again when the last connection closes: tens of MB that would
    otherwise stand beside whatever the process does next. To open and close one takes 15 ms of CPU.

    Raises WorkspaceError for what DuckDB cannot do for want of memory or disk.
    """
    path = database if database == ":memory:" else str(folder / database)
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "memory_limit": MEMORY_LIMIT,
        "threads": min(THREADS, os.cpu_count() or 1),  # each has buffers of its own
        "temp_directory": str(folder / "spilled"),
    }
    try:
        with duckdb.connect(path, config=config) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        raise WorkspaceError(
            f"The workspace's tables cannot be read: {str(error).splitlines()[0]}",
            f"free space where {folder.parent} is (DuckDB spills there beyond {MEMORY_LIMIT}) and run again; "
            "nothing that was bought is lost",
        ) from error


def _remove_unless_locked(folder: Path) -> None:
    try:
        held = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # somebody else has just removed it
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(held)
