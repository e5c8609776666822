"""Bring home the journals that a node kept: what it bought and could not tell any more before it was given up.

The head has the same journal as far as it had arrived, sealed under the same name. A chain that it lacks is added,
unless it was asked again elsewhere meanwhile: the first row of an id stays. What such a second answer cost, and what
may have been billed for requests without one, replaces what the head had held for that journal, so that nothing is
counted twice. Brought home again, a journal changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from cotfactory.schemas.errors import InputError
from cotfactory.warehouse.catalog import table_files
from cotfactory.warehouse.journal_reader import CANDIDATES, JournalReader
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.seal import note_unconfirmed, with_run
from cotfactory.warehouse.tables import write_batches
from cotfactory.warehouse.workspace import Workspace

RECOVERED = "-recovered"
"""Ends the name of the file with the chains that were added."""


@dataclass(frozen=True)
class BroughtHome:
    """What a node's journal held: chains that were added, that were here, and that were asked again elsewhere.

    `asked_again_usd` is what those cost that were, `torn_lines` and `foreign_lines` cannot be read.
    """

    added: int
    here: int
    asked_again: int
    asked_again_usd: float
    torn_lines: int
    foreign_lines: int


def bring_home(workspace: Workspace, journal: Path) -> BroughtHome:
    """Add what a node's journal has and the workspace lacks. Raises InputError for a file that is no journal."""
    reader = JournalReader(journal)
    bought = pa.concat_tables([CANDIDATES.empty_table(), *reader.candidates()]).combine_chunks()
    entries = reader.entries()
    if not entries.header.run_id:
        raise InputError(f"{journal} is no journal: expected one that a node wrote", "name the folder of a lost node")
    stored = _stored(workspace, bought)
    told: list[dict[str, Any]] = bought.select(["candidate_id", "created_at", "cost_usd", "usage"]).to_pylist()
    fresh = [number for number, row in enumerate(told) if row["candidate_id"] not in stored]
    again = [row for row in told if row["created_at"] not in stored.get(row["candidate_id"], {row["created_at"]})]
    rows = bought.take(pa.array(fresh, pa.int64()))
    write_batches(workspace, "candidates", journal.stem + RECOVERED, [with_run(rows, entries.header)])
    asked_again_usd = sum(row["cost_usd"] or 0.0 for row in again)
    note_unconfirmed(
        workspace,
        journal.stem,
        entries.header.recipe,
        usd=entries.unconfirmed_usd + asked_again_usd,
        tokens=entries.unconfirmed_tokens
        + sum(row["usage"]["input_tokens"] + row["usage"]["output_tokens"] for row in again),
        in_flight=len(entries.in_flight),
    )
    return BroughtHome(
        added=len(fresh),
        here=len(told) - len(fresh) - len(again),
        asked_again=len(again),
        asked_again_usd=asked_again_usd,
        torn_lines=entries.torn_lines,
        foreign_lines=entries.foreign_lines + entries.contradicting_lines,
    )


def _stored(workspace: Workspace, bought: pa.Table) -> dict[str, set[datetime]]:
    """Return when each of these chains that the workspace has was answered, by its id."""
    stored: dict[str, set[datetime]] = {}
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as connection:
        connection.register("bought", bought.select(["candidate_id"]))
        rows = connection.execute(
            f"SELECT candidate_id, created_at FROM {table_files(workspace, 'candidates')} "
            "SEMI JOIN bought USING (candidate_id)"
        ).fetchall()
    for chain, answered in rows:
        stored.setdefault(str(chain), set()).add(answered)
    return stored
