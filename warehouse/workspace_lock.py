"""The lock of a workspace, which keeps a second run out, and who holds it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from cotfactory.schemas.errors import WorkspaceBusy
from cotfactory.warehouse.file_changes import clear_undecided, finish_changes
from cotfactory.warehouse.workspace import Workspace


def holder(workspace: Workspace) -> int | None:
    """Return the process that holds a workspace now; None when nobody does."""
    try:
        with (workspace.root / "run.lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                said = lock.read().strip()
                return int(said) if said.isdecimal() else 0
    except FileNotFoundError:
        pass
    return None


def _lock(lock: IO[str]) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(0.05)  # who asks for the holder holds it for an instant
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def exclusive(workspace: Workspace) -> Iterator[None]:
    """Hold the workspace's lock: one run at a time may buy, grade or release in it.

    The lock is the kernel's (`flock`), so it is gone with the process however that ends. A change of files that was
    cut short is done to its end first.
    Raises WorkspaceBusy, naming the holder's process id, when another process holds it.
    """
    path = workspace.root / "run.lock"
    with path.open("a+") as lock:
        try:
            _lock(lock)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise WorkspaceBusy(
                f"Workspace {workspace.root} is in use by another run (process {holder})",
                "wait for it to end, or use another --workspace; nothing was asked or changed",
            ) from error
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        finish_changes(workspace)
        clear_undecided(workspace)
        yield
