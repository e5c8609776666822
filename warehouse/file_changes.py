"""Changes of a workspace's files that no reader sees half: files that go, and what is put in their place.

`changing/plan.json` is the decision, renamed into place when every file that it needs lies beside it, on disk. Before
it is there nothing has changed; from then on each step may be done again, and a process that dies in between leaves the
rest to whoever reads the tables, or holds the workspace, next.

Who reads the tables holds them shared (`reading`), who changes their files holds them alone: locks of the kernel on the
folder of the tables, gone with their process. People who have `catalog.duckdb` open hold it by DuckDB's own lock.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from cotfactory.schemas.errors import WorkspaceBusy, WorkspaceError
from cotfactory.schemas.record import Record
from cotfactory.warehouse.checksums import forget_checksum, note_checksum
from cotfactory.warehouse.forgotten import FORGOTTEN, Forgotten, forgotten_lines
from cotfactory.warehouse.synced import append_line, rename, sync, write_lines
from cotfactory.warehouse.workspace import Workspace

PLAN = "plan.json"
WAIT_S = 60.0
"""So long readers are waited for, when what is decided has to be done."""
LOOK_AGAIN_S = 0.05


class Step(Record):
    """One path inside the workspace that goes, or for which the file of the same path in `changing/` is put."""

    path: str
    is_put: bool = False


class ChangePlan(Record):
    """All that is to be done, in order: what refers to chains goes before them. `line` is for the books, if any."""

    steps: tuple[Step, ...]
    line: Forgotten | None = None


def changing_folder(workspace: Workspace) -> Path:
    """Return the folder of a change that is under way."""
    return workspace.root / "changing"


def is_changing(workspace: Workspace) -> bool:
    """Return whether a change was decided on and has not come to its end."""
    return (changing_folder(workspace) / PLAN).exists()


@contextmanager
def reading(workspace: Workspace) -> Iterator[None]:
    """Have nobody take away or replace files of the tables for as long as this lasts; others may add some.

    Waits for a change that is being made, which takes an instant, and makes the rest of one that was cut short.
    """
    while True:
        handle = _tables(workspace)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
            if not is_changing(workspace):
                yield
                return
        finally:
            os.close(handle)
        finish_changes(workspace)


def make_changes(workspace: Workspace, plan: ChangePlan, wait_s: float = WAIT_S) -> None:
    """Decide on a plan, whose files lie in the folder already, and carry it out while nobody reads.

    The workspace must be held. Raises WorkspaceBusy, and has changed nothing, when somebody reads for longer than
    `wait_s`, OSError where the decision cannot be written, and WorkspaceError where a file cannot be removed or put:
    then the next command goes on with it.
    """
    folder = changing_folder(workspace)
    with _alone(workspace, wait_s):
        folder.mkdir(exist_ok=True)
        for inside in [path for path in folder.rglob("*") if path.is_dir()]:
            sync(inside)
        write_lines(folder / PLAN, [plan.model_dump_json()])
        sync(workspace.root)
        _finish(workspace)


def finish_changes(workspace: Workspace) -> None:
    """Do what was decided, if a process died before it had done all of it. Raises WorkspaceError, WorkspaceBusy."""
    if is_changing(workspace):
        with _alone(workspace, WAIT_S):
            _finish(workspace)


def clear_undecided(workspace: Workspace) -> None:
    """Remove what was prepared for a change that nobody decided on. The workspace must be held."""
    shutil.rmtree(changing_folder(workspace), ignore_errors=True)


def _finish(workspace: Workspace) -> None:
    folder = changing_folder(workspace)
    try:
        if is_changing(workspace):
            _carry_out(workspace, ChangePlan.model_validate_json((folder / PLAN).read_bytes()))
        shutil.rmtree(folder, ignore_errors=True)
    except (OSError, ValidationError) as error:
        raise WorkspaceError(
            f"What {folder / PLAN} says cannot be done: {error}",
            "mend the disk or its permissions; the next command goes on with it",
        ) from error


@contextmanager
def _alone(workspace: Workspace, wait_s: float) -> Iterator[None]:
    """Hold the tables, and the catalog, while nobody reads them. Raises WorkspaceBusy."""
    until = time.monotonic() + wait_s
    while True:
        handle = _tables(workspace)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with _catalog_held(workspace):
                yield
                return
        except BlockingIOError as error:
            if time.monotonic() >= until:
                raise WorkspaceBusy(
                    f"The tables of {workspace.root} are being read: expected nobody to read them while files change",
                    "wait for `plan`, `sql` or `backup`, or close what has catalog.duckdb open, and try again; "
                    "nothing was changed",
                ) from error
        finally:
            os.close(handle)
        time.sleep(LOOK_AGAIN_S)


@contextmanager
def _catalog_held(workspace: Workspace) -> Iterator[None]:
    """Keep everybody from opening the catalog (DuckDB locks its files so). Raises BlockingIOError where one has it."""
    if not workspace.catalog.exists():
        yield
        return
    with workspace.catalog.open("r+b") as catalog:
        fcntl.lockf(catalog, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _tables(workspace: Workspace) -> int:
    """Open the folder of the tables. Raises WorkspaceError."""
    folder = workspace.root / "tables"
    try:
        return os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise WorkspaceError(
            f"{folder} cannot be read: {error.strerror}", "name a workspace, and see to its permissions"
        ) from error


def _carry_out(workspace: Workspace, plan: ChangePlan) -> None:
    line = plan.line
    if line is not None and line.forgetting_id not in {line.forgetting_id for line in forgotten_lines(workspace)}:
        append_line(workspace.ledger / FORGOTTEN, line.model_dump_json())
    for step in plan.steps:
        if step.is_put:
            _put(workspace, step.path)
        else:
            _remove(workspace, step.path)
    for folder in {(workspace.root / step.path).parent for step in plan.steps}:
        if folder.exists():
            sync(folder)  # what is gone must not come back after a power cut, beside what took its place
    (changing_folder(workspace) / PLAN).unlink()


def _put(workspace: Workspace, path: str) -> None:
    prepared, target = changing_folder(workspace) / path, workspace.root / path
    if prepared.exists():  # else it was put in place before somebody died
        note_checksum(workspace, target.parent.name, prepared, target)
        rename(prepared, target)
    elif not target.exists():
        raise OSError(f"{prepared} is not there: expected it, for what it replaces is about to go")


def _remove(workspace: Workspace, path: str) -> None:
    target = workspace.root / path
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
        return
    target.unlink(missing_ok=True)
    if target.parent.parent.name == "tables":
        forget_checksum(workspace, target.parent.name, target)
