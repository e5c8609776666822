"""The books of a budget: spent, unconfirmed, shared, settled."""

import asyncio
from pathlib import Path

import pytest

from cotfactory.schemas.errors import InputError, WorkspaceError
from cotfactory.schemas.spending import Books
from cotfactory.schemas.teaching import Usage
from cotfactory.warehouse.books import SETTLED, all_books, books_of, note_budget, settle_books
from cotfactory.warehouse.ledger import Journal, JournalHeader
from cotfactory.warehouse.seal import seal_journal
from cotfactory.warehouse.tables import seed_tables
from cotfactory.warehouse.workspace import Workspace, find_workspace, open_workspace
from tests.builders import a_candidate


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = open_workspace(tmp_path / "w")
    seed_tables(workspace)
    return workspace


def spend(
    workspace: Workspace, recipe: str, run: str, *, told: float = 0.0, estimated: float = 0.0, lost: float = 0.0
) -> None:
    """Seal a journal with an answer that was told to cost so much, one that counts at its worst, and a time-out."""

    async def write() -> Path:
        journal = Journal(workspace.ledger, JournalHeader(recipe=recipe, run_id=f"{recipe}{run}", shard="s"))
        if told:
            usage = Usage(input_tokens=10, output_tokens=10)
            await journal.record(a_candidate().model_copy(
                update={"candidate_id": f"{recipe}-{run}-told", "cost_usd": told, "usage": usage}
            ))  # fmt: skip
        if estimated:
            usage = Usage(input_tokens=10, output_tokens=10, estimated=True)
            await journal.record(a_candidate().model_copy(
                update={"candidate_id": f"{recipe}-{run}-worst", "cost_usd": estimated, "usage": usage}
            ))  # fmt: skip
        if lost:
            journal.intend(f"{recipe}-{run}-lost", lost, 100)
            journal.failed(f"{recipe}-{run}-lost", maybe_billed=True)
        journal.close()
        return journal.path

    seal_journal(workspace, asyncio.run(write()))


def money(books: Books) -> tuple[float, float]:
    return round(books.spent_usd, 9), round(books.unconfirmed_usd, 9)


def test_what_may_have_been_billed_stands_apart(workspace: Workspace) -> None:
    assert books_of(workspace, "r").is_empty
    spend(workspace, "r", "1", told=0.3, lost=0.5)
    spend(workspace, "another", "1", told=7.0)
    books = books_of(workspace, "r", 2.0)
    assert money(books) == (0.3, 0.5)
    assert (books.spent_tokens, books.unconfirmed_tokens) == (20, 100)
    assert books.text() == (
        "budget r: $0.3000 of $2.00 spent; $0.5000 more at worst, unconfirmed (`cotfactory settle`)"
    )
    assert [(found.budget, money(found)) for found in all_books(workspace)] == [
        ("another", (7.0, 0)),
        ("r", (0.3, 0.5)),
    ]


def test_recipes_share_a_budget_that_they_name(workspace: Workspace) -> None:
    """`old` was renamed to `new`, which names the old budget; both count, and `new` is no budget of its own."""
    spend(workspace, "old", "1", told=0.3, lost=0.5)
    note_budget(workspace, "new", "old")
    note_budget(workspace, "new", "old")
    spend(workspace, "new", "2", told=0.1)
    assert money(books_of(workspace, "old")) == (0.4, 0.5)
    assert [found.budget for found in all_books(workspace)] == ["old"]


def test_a_settlement_replaces_what_is_unconfirmed(workspace: Workspace) -> None:
    """0.3 told, 0.2 at the worst of an answer without usage, 0.5 of a time-out: the provider says 0.45 in all."""
    spend(workspace, "r", "1", told=0.3, estimated=0.2, lost=0.5)
    assert money(books_of(workspace, "r")) == (0.5, 0.5)
    settle_books(workspace, "r", 0.45)
    assert money(books_of(workspace, "r")) == (0.45, 0.0)
    spend(workspace, "r", "2", told=0.1, lost=0.25)  # what comes later is unconfirmed again
    assert money(books_of(workspace, "r")) == (0.55, 0.25)
    settle_books(workspace, "r", 0.7)
    assert money(books_of(workspace, "r")) == (0.7, 0.0)
    settle_books(workspace, "r", 1.2)  # a later figure, or a better one, replaces the earlier
    assert money(books_of(workspace, "r")) == (1.2, 0.0)


def test_a_settlement_outlives_that_its_recipe_joins_a_shared_budget(workspace: Workspace) -> None:
    spend(workspace, "r", "1", told=0.3, lost=0.5)
    settle_books(workspace, "r", 0.4)
    note_budget(workspace, "r", "team")
    note_budget(workspace, "s", "team")
    spend(workspace, "s", "1", told=0.1, lost=0.05)
    assert money(books_of(workspace, "team")) == (0.5, 0.05)
    settle_books(workspace, "team", 0.52)
    assert money(books_of(workspace, "team")) == (0.52, 0.0)


@pytest.mark.parametrize("billed", [0.29, 0.0, -1.0, float("nan"), float("inf")])
def test_a_figure_that_cannot_be_is_refused(workspace: Workspace, billed: float) -> None:
    spend(workspace, "r", "1", told=0.3, estimated=0.2, lost=0.5)
    with pytest.raises(InputError, match=r"cannot be what was billed .* at least 0\.300000 USD"):
        settle_books(workspace, "r", billed)
    assert money(books_of(workspace, "r")) == (0.5, 0.5)


def test_books_that_cannot_be_read_are_no_empty_books(workspace: Workspace) -> None:
    (workspace.ledger / SETTLED).write_text('{"budget": "r"}\n')
    with pytest.raises(WorkspaceError, match=r"settled\.jsonl cannot be read"):
        books_of(workspace, "r")


def test_a_workspace_is_looked_for_beside_the_recipe_first(tmp_path: Path) -> None:
    recipe, here = tmp_path / "recipes" / "r.yaml", tmp_path / "here" / "workspace"
    recipe.parent.mkdir()
    assert find_workspace(recipe, here) == here  # there is none: it will be made here
    open_workspace(here)
    assert find_workspace(recipe, here) == here
    (recipe.parent / "workspace").mkdir()  # a folder of that name that is none
    assert find_workspace(recipe, here) == here
    open_workspace(recipe.parent / "workspace")
    assert find_workspace(recipe, here) == recipe.parent / "workspace"
    assert find_workspace(None, here) == here


def test_a_workspace_is_unused_until_something_is_bought_or_spent(workspace: Workspace) -> None:
    assert workspace.is_unused
    spend(workspace, "r", "1", lost=0.5)
    assert not workspace.is_unused
