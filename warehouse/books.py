"""The books of a budget: what answers cost, what may have been billed without one, and what settled that.

A budget is named by `budget.id`, or by its only recipe. Beside the candidates table there are, in the ledger,
`unconfirmed.jsonl` (`seal.py`), `budgets.jsonl` (which recipe has which budget), `forgotten.jsonl` (`forgotten.py`) and
`settled.jsonl`: the provider's own figure, and which holdings it replaces.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from cotfactory.schemas.errors import InputError, WorkspaceError
from cotfactory.schemas.record import Record
from cotfactory.schemas.spending import Books
from cotfactory.warehouse.batch_ledger import under_way
from cotfactory.warehouse.catalog import table_files
from cotfactory.warehouse.forgotten import forgotten_lines
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.seal import unconfirmed_of
from cotfactory.warehouse.synced import append_line
from cotfactory.warehouse.workspace import Workspace

USD_DECIMALS = 12
"""A millionth of a millionth: what stands behind is what adding up floats leaves."""
BUDGETS, SETTLED = "budgets.jsonl", "settled.jsonl"
Line = TypeVar("Line", bound=Record)


class BudgetOfRecipe(Record):
    """That a recipe has run with a budget of this id."""

    recipe: str
    budget: str


class Settlement(Record):
    """What a provider says it billed in all for a budget, at a time when the stored answers counted `answers_usd`.

    The difference replaces what was unconfirmed: the holdings of `journals`, and answers counted at their worst case.
    """

    budget: str
    settled_at: datetime
    billed_usd: float
    answers_usd: float
    journals: tuple[str, ...]


def note_budget(workspace: Workspace, recipe: str, budget: str) -> None:
    """Write down which budget a recipe has, unless that is known."""
    line = BudgetOfRecipe(recipe=recipe, budget=budget)
    path = workspace.ledger / BUDGETS
    if recipe != budget and line not in _lines(path, BudgetOfRecipe):
        append_line(path, line.model_dump_json())


def recipes_of(workspace: Workspace, budget: str) -> frozenset[str]:
    """Return the recipes that share a budget: the one of its name, and those that ran with its id."""
    shared = (line.recipe for line in _lines(workspace.ledger / BUDGETS, BudgetOfRecipe) if line.budget == budget)
    return frozenset({budget, *shared})


def books_of(workspace: Workspace, budget: str, budget_usd: float | None = None) -> Books:
    """Return what was spent of a budget in this workspace, and what may have been billed beyond that."""
    recipes = recipes_of(workspace, budget)
    answers_usd, _, tokens = _answers(workspace, recipes)
    settled_usd, settled_journals = _settled(workspace, budget, recipes)
    held = [holding for holding in unconfirmed_of(workspace) if holding.recipe in recipes]
    waiting = [under_way(workspace, recipe) for recipe in sorted(recipes)]
    return Books(
        budget=budget,
        budget_usd=budget_usd,
        spent_usd=round(answers_usd + settled_usd, USD_DECIMALS),
        spent_tokens=tokens,
        unconfirmed_usd=round(
            sum(holding.usd for holding in held if holding.journal not in settled_journals)
            + sum(usd for usd, _ in waiting),
            USD_DECIMALS,
        ),
        # A provider's figure is in money: tokens that nobody settles stay held.
        unconfirmed_tokens=sum(holding.tokens for holding in held) + sum(tokens for _, tokens in waiting),
    )


def all_books(workspace: Workspace) -> list[Books]:
    """Return the books of every budget of a workspace that anything was spent of."""
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as connection:
        rows = connection.execute(f"SELECT DISTINCT recipe FROM {table_files(workspace, 'candidates')}").fetchall()
    recipes = {str(row[0]) for row in rows}
    recipes |= {holding.recipe for holding in unconfirmed_of(workspace)}
    recipes |= {line.recipe for line in forgotten_lines(workspace)}
    budget_of = {line.recipe: line.budget for line in _lines(workspace.ledger / BUDGETS, BudgetOfRecipe)}
    found = (books_of(workspace, budget) for budget in sorted({budget_of.get(recipe, recipe) for recipe in recipes}))
    return [books for books in found if books.spent_usd or books.unconfirmed_usd]


def settle_books(workspace: Workspace, budget: str, billed_usd: float) -> Settlement:
    """Write down what a provider billed in all for a budget; it replaces everything that was unconfirmed.

    Raises InputError for less than the answers cost whose endpoint said what it billed.
    """
    recipes = recipes_of(workspace, budget)
    answers_usd, told_usd, _ = _answers(workspace, recipes)
    if not told_usd - 1e-6 <= billed_usd < float("inf"):
        raise InputError(
            f"{billed_usd:g} USD cannot be what was billed in all for budget {budget!r}: by what its endpoints said of "
            f"each answer it was at least {told_usd:.6f} USD",
            "give the provider's figure for all runs of all recipes with this budget; where it is right, mend `price:`",
        )
    settlement = Settlement(
        budget=budget,
        settled_at=datetime.now(UTC),
        billed_usd=billed_usd,
        answers_usd=answers_usd,
        journals=tuple(holding.journal for holding in unconfirmed_of(workspace) if holding.recipe in recipes),
    )
    append_line(workspace.ledger / SETTLED, settlement.model_dump_json())
    return settlement


def _settled(workspace: Workspace, budget: str, recipes: Collection[str]) -> tuple[float, frozenset[str]]:
    """Return what settlements add to the cost of answers, in USD, and the journals whose holdings they replace.

    One for the whole budget replaces those before it, which may have been made before its recipes shared it.
    """
    newest: dict[str, Settlement] = {}
    for line in _lines(workspace.ledger / SETTLED, Settlement):
        if line.budget == budget:
            newest = {budget: line}
        elif line.budget in recipes:
            newest[line.budget] = line
    journals = frozenset(journal for line in newest.values() for journal in line.journals)
    return sum(line.billed_usd - line.answers_usd for line in newest.values()), journals


def _answers(workspace: Workspace, recipes: Collection[str]) -> tuple[float, float, int]:
    """Return what the answers of some recipes cost in USD, the part of it that endpoints told, and their tokens.

    Those that were forgotten were paid for too.
    """
    forgotten = [line for line in forgotten_lines(workspace) if line.recipe in recipes]
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as connection:
        row = connection.execute(
            f"""SELECT coalesce(sum(cost_usd), 0),
                       coalesce(sum(cost_usd) FILTER (NOT coalesce(usage.estimated, false)), 0),
                       coalesce(sum(usage.input_tokens + usage.output_tokens), 0)
                FROM {table_files(workspace, "candidates")} WHERE list_contains(?, recipe)""",
            [sorted(recipes)],
        ).fetchall()[0]
    return (
        float(row[0]) + sum(line.usd for line in forgotten),
        float(row[1]) + sum(line.told_usd for line in forgotten),
        int(row[2]) + sum(line.tokens for line in forgotten),
    )


def _lines(path: Path, kind: type[Line]) -> list[Line]:
    try:
        return [kind.model_validate_json(line) for line in path.read_text("utf-8").splitlines()]
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise WorkspaceError(
            f"{path} cannot be read: expected the lines that this version of cotfactory writes",
            "run the version that wrote it, or mend the file: the books of budgets are in it",
        ) from error
