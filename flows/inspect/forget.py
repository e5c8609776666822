"""`cotfactory forget`: what a workspace has of one recipe goes, and what others share of it stays."""

from pathlib import Path

from cotfactory.flows.load_recipe import load_recipe
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import InputError
from cotfactory.schemas.record import Record
from cotfactory.warehouse.catalog import build_catalog
from cotfactory.warehouse.forget import Going, forget, what_goes
from cotfactory.warehouse.ledger import abandoned_journals
from cotfactory.warehouse.seal import seal_journal
from cotfactory.warehouse.workspace import existing_workspace
from cotfactory.warehouse.workspace_lock import exclusive


class ForgetReport(Record):
    """What went with a recipe, or would: rows by table, files and folders, chains that others share, and money.

    `usd` and `tokens` are what the chains had cost, which stays in the books of the recipe's budget.
    """

    recipe: str
    workspace: str
    is_done: bool
    rows: dict[str, int]
    paths: tuple[str, ...]
    shared: int
    usd: float
    tokens: int

    def text(self) -> str:
        """Return the report for people."""
        lines = [f"{'gone' if self.is_done else 'would go'} with {self.recipe} from {self.workspace}:"]
        lines += [f"  {counted(rows, 'row')} of {table}" for table, rows in self.rows.items()]
        lines += [f"  {path}" for path in self.paths]
        lines.append(f"  what was spent stays counted: ${self.usd:.4f} and {counted(self.tokens, 'token')}")
        if self.shared:
            lines.append(
                f"  what other recipes use, or what chains of theirs go on from, stays: {counted(self.shared, 'chain')}"
            )
        lines.append("  what was published stays on the Hub, and what was backed up until the next backup")
        if not self.is_done:
            lines.append("nothing was changed: --yes does it, and nothing can undo it")
        return "\n".join(lines)


def forget_recipe(recipe: str, workspace: Path, *, yes: bool) -> ForgetReport:
    """Take a recipe, named by its file or as it is called, out of a workspace; without `yes` say what would go.

    Raises InputError for a recipe of which there is nothing, WorkspaceError while a run goes on, or while a batch of
    the recipe is under way.
    """
    name = load_recipe(Path(recipe)).name if Path(recipe).is_file() else recipe
    place = existing_workspace(workspace)
    with exclusive(place):
        for journal in abandoned_journals(place.ledger):
            seal_journal(place, journal)
        build_catalog(place)
        going = forget(place, name) if yes else what_goes(place, name)
        build_catalog(place)
    if going.is_nothing:
        raise InputError(
            f"There is nothing of {name!r} in {place.root}"
            + (f" but {counted(going.shared, 'chain')} in use elsewhere" if going.shared else ""),
            "`cotfactory status` names the recipes; give the name or the file of one",
        )
    return _report(going, name, place.root, is_done=yes)


def _report(going: Going, recipe: str, root: Path, *, is_done: bool) -> ForgetReport:
    return ForgetReport(
        recipe=recipe,
        workspace=str(root),
        is_done=is_done,
        rows=dict(going.rows),
        paths=tuple(str(path.relative_to(root)) for path in going.paths),
        shared=going.shared,
        usd=going.cost.usd,
        tokens=going.cost.tokens,
    )
