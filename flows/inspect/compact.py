"""`cotfactory compact`: the small sealed files of a workspace are merged, at once and not when there are many."""

from pathlib import Path

from cotfactory.schemas.record import Record
from cotfactory.warehouse.compact import Merged, compact
from cotfactory.warehouse.workspace import existing_workspace
from cotfactory.warehouse.workspace_lock import exclusive


class CompactReport(Record):
    """The tables of which files were merged."""

    workspace: str
    merged: tuple[Merged, ...]

    def text(self) -> str:
        """Return the report for people."""
        tables = [table.text() for table in self.merged]
        return "\n  ".join([f"{self.workspace}:", *(tables or ["no small files to merge"])])


def compact_workspace(workspace: Path) -> CompactReport:
    """Merge the small files of all tables. Raises WorkspaceBusy while a run goes on or somebody reads the tables."""
    place = existing_workspace(workspace)
    with exclusive(place):
        return CompactReport(workspace=str(place.root), merged=tuple(compact(place)))
