"""`cotfactory sync`: what is sealed of a workspace goes to an object storage, or comes home from there."""

from pathlib import Path

from cotfactory.schemas.counted import counted
from cotfactory.schemas.record import Record
from cotfactory.warehouse.catalog import build_catalog
from cotfactory.warehouse.remote_copy import bring, latest_copy, open_storage, send
from cotfactory.warehouse.workspace import existing_workspace, open_workspace
from cotfactory.warehouse.workspace_lock import exclusive


class SyncReport(Record):
    """What was copied; `there` names the copy in the storage."""

    workspace: str
    url: str
    there: str
    files: int
    already_there: int

    def text(self) -> str:
        """Return the report for people."""
        return (
            f"{self.workspace}: {self.there}; {counted(self.files, 'file')} copied, {self.already_there:,} there before"
        )


def sync_workspace(workspace: Path, url: str) -> SyncReport:
    """Copy what is sealed to a storage. Raises InputError, WorkspaceError."""
    place, storage = existing_workspace(workspace), open_storage(url)
    sent = send(place, storage)
    return SyncReport(
        workspace=str(place.root),
        url=url,
        there=f"copy {sent.copy} in {url}",
        files=sent.files,
        already_there=sent.already_there,
    )


def bring_workspace(workspace: Path, url: str) -> SyncReport:
    """Bring the latest copy in a storage into a folder that has nothing else. Raises InputError, WorkspaceError."""
    storage = open_storage(url)
    copy = latest_copy(storage)
    place = open_workspace(workspace)
    with exclusive(place):
        fetched = bring(copy, storage, place)
        build_catalog(place)
    return SyncReport(
        workspace=str(place.root),
        url=url,
        there=f"as {url} had it at {copy.made_at:%Y-%m-%d %H:%M:%S} UTC",
        files=fetched,
        already_there=len(copy.files) - fetched,
    )
