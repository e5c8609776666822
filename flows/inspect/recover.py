"""`cotfactory recover`: what a lost node bought and could not tell comes home from its folder."""

from pathlib import Path

from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import InputError
from cotfactory.schemas.record import Record
from cotfactory.warehouse.catalog import build_catalog
from cotfactory.warehouse.ledger import abandoned_journals
from cotfactory.warehouse.nodes_journals import bring_home
from cotfactory.warehouse.workspace import existing_workspace
from cotfactory.warehouse.workspace_lock import exclusive


class RecoveryReport(Record):
    """What the journals in a node's folder held, as `BroughtHome` counts it."""

    folder: str
    journals: int
    added: int
    here: int
    asked_again: int
    asked_again_usd: float
    unread_lines: int

    def text(self) -> str:
        """Return the report for people."""
        lines = [
            f"{self.folder}: {counted(self.journals, 'journal')}",
            f"brought home: {counted(self.added, 'chain')}, for the next run to grade",
            f"here before the node was lost: {self.here:,}",
            f"asked again elsewhere: {self.asked_again:,}; those answers stay, and "
            f"{self.asked_again_usd:.4f} USD for these are held as unconfirmed",
        ]
        if self.unread_lines:
            lines.append(f"lines that could not be read, and stay in the folder: {self.unread_lines:,}")
        return "\n  ".join(lines)


def recover_node(folder: Path, workspace: Path) -> RecoveryReport:
    """Bring home what is in a node's folder, which stays as it is. Raises InputError, WorkspaceError.

    A journal that its node still writes is left out.
    """
    place = existing_workspace(workspace)
    with exclusive(place):
        brought = [bring_home(place, journal) for journal in abandoned_journals(folder)]
        build_catalog(place)
    if not brought:
        raise InputError(
            f"{folder} has no journal that its node has let go: expected one of a node that was lost",
            "name its folder, cotfactory-node-RUN_ID-... in that machine's folder for temporary files",
        )
    return RecoveryReport(
        folder=str(folder),
        journals=len(brought),
        added=sum(journal.added for journal in brought),
        here=sum(journal.here for journal in brought),
        asked_again=sum(journal.asked_again for journal in brought),
        asked_again_usd=sum(journal.asked_again_usd for journal in brought),
        unread_lines=sum(journal.torn_lines + journal.foreign_lines for journal in brought),
    )
