"""Run the contracts of a release on the very files that would leave: of each product, then of the whole."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from cotfactory.data_contracts.check import check_contract
from cotfactory.data_contracts.contract import Contract, Demands
from cotfactory.data_contracts.release_contract import (
    GrownNumbers,
    PeopleNumbers,
    RunCounts,
    check_release,
    load_release_contract,
    measure_release,
)
from cotfactory.data_contracts.report import WHOLE, ContractReport, Subject
from cotfactory.publishing.stage_rows import StagedRows
from cotfactory.schemas.errors import ContractFailed
from cotfactory.schemas.manifest import Manifest, ReleaseFacts
from cotfactory.schemas.recipe import Attempts, Recipe
from cotfactory.schemas.release_rules import Product

ROUNDING = 1e-6
UNKNOWN_ALPHA = -1.0


def checked(
    rows: StagedRows,
    contracts: Mapping[Product, Contract],
    recipe: Recipe,
    facts: ReleaseFacts,
    parent: Manifest | None,
) -> dict[Subject, ContractReport]:
    """Return what the contracts found; `parent` is the release before, if there is one.

    Raises ContractFailed with a line for each failure.
    """
    files = {product: rows.shards(product) for product in contracts}
    reports = contract_reports(files, rows.counts, contracts, recipe, facts, parent, rows.contaminated)
    failures = [line for report in reports.values() for line in report.failures()]
    if failures:
        raise ContractFailed("\n".join(failures), "nothing was released")
    return reports


def contract_reports(
    files: Mapping[Product, Sequence[Path]],
    rows: Mapping[Product, int],
    contracts: Mapping[Product, Contract],
    recipe: Recipe,
    facts: ReleaseFacts,
    parent: Manifest | None,
    contaminated: Path,
) -> dict[Subject, ContractReport]:
    """Return what each contract finds in `files`, the shards of its product; that of the whole only where all are met.

    `rows` are the rows of every product of the recipe; `contaminated` names what must not be there (`measure_release`).
    A release that was compared with no benchmark promises nothing about them.
    """
    demands = Demands(
        require_reasoning=recipe.curation.require_reasoning,
        max_length_ratio=recipe.release.preference.max_length_ratio,
        one_per_rejection_type=recipe.release.preference.one_per_rejection_type,
        rate_off_by=_rate_off_by(recipe.attempts),
    )
    reports: dict[Subject, ContractReport] = {
        product: check_contract(contract, files[product], rows[product], demands)
        for product, contract in contracts.items()
    }
    if all(report.passed for report in reports.values()):  # with other columns, nothing can be measured
        numbers = measure_release(files, rows, _counts(facts, parent, recipe), recipe.release.stop_above, contaminated)
        whole = load_release_contract()
        if facts.decontamination is None:
            whole = whole.without("contaminated_rows")
        reports[WHOLE] = check_release(whole, numbers)
    return reports


def _rate_off_by(attempts: Attempts) -> float | None:
    if attempts.mode == "band":
        return None
    return ROUNDING if attempts.is_fixed else 1 + ROUNDING


def _counts(facts: ReleaseFacts, parent: Manifest | None, recipe: Recipe) -> RunCounts:
    return RunCounts(
        funnel={stage.stage: stage.count for stage in facts.funnel},
        verdicts=facts.verdicts,
        dropped={**facts.dropped},
        kept_with_calls=facts.kept_with_calls,
        kept_turns=facts.kept_turns,
        kept_later_turns=facts.kept_later_turns,
        mutants_accepted=facts.mutants.accepted if facts.mutants else 0,
        rows_before=_rows_of_same_recipe(parent, facts.recipe_id),
        people=_people(facts, recipe),
        grown=_grown(facts, recipe),
    )


def _people(facts: ReleaseFacts, recipe: Recipe) -> PeopleNumbers:
    """Return what the recipe demands of people's reviews, and what they come to."""
    if recipe.review is None:
        return PeopleNumbers()
    wanted, people = recipe.review.require, facts.people
    agreed = (each.alpha for each in people.agreement if each.question == "answer_right") if people else ()
    lows = [grader.precision.low for grader in people.graders] if people else []
    known = [low for low in lows if low is not None]
    return PeopleNumbers(
        alpha=next((alpha for alpha in agreed if alpha is not None), UNKNOWN_ALPHA),
        alpha_wanted=UNKNOWN_ALPHA if wanted.alpha is None else wanted.alpha,
        precision_low=min(known) if known and len(known) == len(lows) else 0.0,
        precision_low_wanted=wanted.precision_low or 0.0,
    )


def _grown(facts: ReleaseFacts, recipe: Recipe) -> GrownNumbers:
    """Return what the recipe demands of answers that were found, and what the known problems say of those in use."""
    demands = [source.references.require.precision_low for source in recipe.written_sources.values()]
    pairs = [
        (found.precision.low or 0.0, demand)
        for source, demand in zip(facts.grown, demands, strict=True)
        for found in source.precision
        if demand is not None and source.usable.get(found.origin)
    ]
    low, wanted = min(pairs, key=lambda pair: pair[0] - pair[1], default=(0.0, 0.0))
    return GrownNumbers(precision_low=low, precision_low_wanted=wanted)


def _rows_of_same_recipe(parent: Manifest | None, recipe_id: str) -> dict[Product, int]:
    if parent is None or parent.facts.recipe_id != recipe_id:
        return {}
    return {product: parent.rows[product] for product in get_args(Product) if product in parent.rows}
