"""What a lost node bought comes home: the first row of an id stays, and money is counted once."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import InputError
from cotfactory.warehouse.books import books_of
from cotfactory.warehouse.catalog import build_catalog, query_catalog
from cotfactory.warehouse.ledger import Journal, JournalHeader
from cotfactory.warehouse.nodes_journals import bring_home
from cotfactory.warehouse.seal import seal_journal
from cotfactory.warehouse.tables import seed_tables
from cotfactory.warehouse.workspace import Workspace, open_workspace
from tests.builders import a_candidate

HEADER = JournalHeader(recipe="r", run_id="run", shard="t-0-1")
WORST = 0.5


def answer(chain: str, second: int = 0) -> Candidate:
    at = datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)
    return a_candidate(candidate_id=chain, cost_usd=0.1, created_at=at, response=f"{chain} at {second}")


def written(folder: Path, header: JournalHeader, bought: list[Candidate], asked: str) -> Path:
    """Write a journal in which all of `asked` were sent."""
    folder.mkdir(exist_ok=True)

    async def write() -> Path:
        journal = Journal(folder, header)
        for chain in asked:
            journal.intend(chain, WORST, 100)
        await journal.record_all(bought)
        journal.close()
        return journal.path

    return asyncio.run(write())


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A run whose node was lost when the head had heard of `a`; `b`, `c` and `d` were on their way, `b` is bought
    again elsewhere."""
    workspace = open_workspace(tmp_path / "w")
    seed_tables(workspace)
    seal_journal(workspace, written(workspace.ledger, HEADER, [answer("a")], "abcd"))
    elsewhere = HEADER.model_copy(update={"shard": "t-0-2"})
    seal_journal(workspace, written(workspace.ledger, elsewhere, [answer("b", 9)], "b"))
    return workspace


def test_what_a_lost_node_bought_comes_home(workspace: Workspace, tmp_path: Path) -> None:
    """It had `b` and `c`; `d` it never had."""
    before = books_of(workspace, "r")
    assert (before.spent_usd, before.unconfirmed_usd) == pytest.approx((0.2, 3 * WORST))
    own = written(tmp_path / "node", HEADER, [answer("a"), answer("b", 1), answer("c", 2)], "abcd")
    for added, here in ((1, 1), (0, 2)):  # brought home again, it changes nothing
        brought = bring_home(workspace, own)
        assert (brought.added, brought.here, brought.asked_again) == (added, here, 1)
        assert brought.asked_again_usd == pytest.approx(0.1)
        build_catalog(workspace)
        stored = query_catalog(workspace, "SELECT candidate_id, response FROM candidates ORDER BY ALL")[1]
        assert stored == [("a", "a at 0"), ("b", "b at 9"), ("c", "c at 2")]
        books = books_of(workspace, "r")
        assert (books.spent_usd, books.unconfirmed_usd) == pytest.approx((0.3, WORST + 0.1))
    assert own.exists()


def test_a_journal_in_which_nothing_is_left_open_ends_what_was_held(workspace: Workspace, tmp_path: Path) -> None:
    own = written(tmp_path / "node", HEADER, [answer("a"), answer("c"), answer("d")], "acd")
    assert bring_home(workspace, own).added == 2
    assert books_of(workspace, "r").unconfirmed_usd == 0


def test_a_file_that_is_no_journal_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "x.journal"
    other.write_text("a line\n")
    with pytest.raises(InputError, match="is no journal"):
        bring_home(workspace, other)
