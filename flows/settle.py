"""Settle a budget against the provider's own figure: what may have been billed becomes what was."""

from pathlib import Path

from cotfactory.flows.load_recipe import load_recipe
from cotfactory.schemas.errors import InputError
from cotfactory.schemas.record import Record
from cotfactory.schemas.spending import Books
from cotfactory.warehouse.books import books_of, settle_books
from cotfactory.warehouse.catalog import build_catalog
from cotfactory.warehouse.ledger import abandoned_journals
from cotfactory.warehouse.seal import seal_journal
from cotfactory.warehouse.workspace import open_workspace
from cotfactory.warehouse.workspace_lock import exclusive


class SettledBudget(Record):
    """A budget's books before and after it was settled."""

    before: Books
    after: Books

    def text(self) -> str:
        """Return both for people."""
        return f"before: {self.before.text()}\nafter:  {self.after.text()}"


def settle_recipe(path: Path, workspace: Path, billed_usd: float) -> SettledBudget:
    """Take `billed_usd` for what the provider billed in all for a recipe's budget, instead of what was unconfirmed.

    What a killed run left in flight is settled along with it; batches under way stay held. Raises InputError for a
    recipe without a money budget or a figure that cannot be, WorkspaceError while a run goes on.
    """
    recipe = load_recipe(path)
    if recipe.budget.usd is None:
        raise InputError(f"Recipe {path} has no `budget: {{usd: ...}}`", "there is no money to settle")
    place = open_workspace(workspace)
    with exclusive(place):
        build_catalog(place)
        for journal in abandoned_journals(place.ledger):
            seal_journal(place, journal)
        before = books_of(place, recipe.budget_id, recipe.budget.usd)
        settle_books(place, recipe.budget_id, billed_usd)
        return SettledBudget(before=before, after=books_of(place, recipe.budget_id, recipe.budget.usd))
