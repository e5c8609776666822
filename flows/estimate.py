"""Say what a run would ask, reuse and spend, from the recipe and what is stored. Spends nothing."""

from pathlib import Path

from flows.plan import askers_of, shards, wanted_samples
from flows.settings import hub_access, load_recipe
from flows.teachers import recorded_counts
from generators.limits import cost_usd, worst_case
from generators.load_problems import load_problems
from schemas.recipe import TeacherSpec
from schemas.record import Record
from schemas.teaching import Usage
from warehouse.catalog import build_catalog
from warehouse.ledger import open_journals, read_journal
from warehouse.problem_spool import spool_problems
from warehouse.wanted import WantedSamples, spent_before
from warehouse.workspace import open_workspace


class TeacherPlan(Record):
    """What one teacher would be asked at most; `usd_at_most` is None without a price."""

    teacher: str
    model: str
    calls_at_most: int
    input_tokens_at_most: int
    output_tokens_at_most: int
    usd_at_most: float | None


class RunPlan(Record):
    """What a run would do. `reused` samples are stored; `unsealed` ones wait in the ledger of an interrupted run."""

    recipe: str
    problems: int
    samples_wanted: int
    reused: int
    unsealed: int
    calls_at_most: int
    usd_at_most: float | None
    spent_usd: float
    budget_usd: float | None
    teachers: tuple[TeacherPlan, ...]

    def text(self) -> str:
        """Return the plan for people."""
        lines = [
            f"{self.recipe}: {self.problems:,} problems, {self.samples_wanted:,} samples wanted at most",
            f"  {self.reused:,} are stored and cost nothing"
            + (f"; {self.unsealed:,} more wait in the ledger" if self.unsealed else ""),
        ]
        for teacher in self.teachers:
            money = "no price" if teacher.usd_at_most is None else f"${teacher.usd_at_most:.4f}"
            lines.append(
                f"  {teacher.teacher} ({teacher.model}): {teacher.calls_at_most:,} calls, at most "
                f"{teacher.input_tokens_at_most:,} + {teacher.output_tokens_at_most:,} tokens, {money}"
            )
        if self.budget_usd is not None:
            lines.append(f"  budget ${self.budget_usd:.2f}, spent so far ${self.spent_usd:.4f}")
        return "\n".join(lines)


def plan_recipe(path: Path, workspace: Path) -> RunPlan:
    """Return what a run of a recipe would ask at most, given what the workspace holds.

    References are not tested here, so a problem that a run would drop still counts. Raises a CotfactoryError
    for what is wrong with the recipe or its problems.
    """
    recipe = load_recipe(path)
    place = open_workspace(workspace)
    loaded = load_problems(recipe.problems, path.parent, hub_access())
    build_catalog(place)
    askers = askers_of(recipe, recorded_counts(recipe))
    waiting = {
        purchase.candidate_id
        for journal in open_journals(place.ledger)
        if (entries := read_journal(journal)) is not None
        for purchase in entries.purchases
    }
    totals = {asker.spec.name: [0, 0, 0] for asker in askers}
    unsealed = 0
    with (
        spool_problems(loaded, place.staging) as problems,
        WantedSamples(place, wanted_samples(problems, askers)) as wanted,
    ):
        wanted.snapshot()
        for shard in shards(problems, askers, wanted, recipe.shard_problems):
            total = totals[shard.asker.spec.name]
            for one in shard.assignments:
                missing = [request for index, request in enumerate(one.request_ids) if index not in one.known]
                bought = sum(request in waiting for request in missing)
                worst = worst_case(shard.asker.spec, one.messages)
                calls = len(missing) - bought
                unsealed += bought
                total[0] += calls
                total[1] += calls * worst.input_tokens
                total[2] += calls * worst.output_tokens
        count, missing_count, problem_count = wanted.count(), wanted.missing(), len(problems)
    plans = tuple(_teacher_plan(asker.spec, *totals[asker.spec.name]) for asker in askers)
    prices = [plan.usd_at_most for plan in plans if plan.usd_at_most is not None]
    return RunPlan(
        recipe=recipe.name,
        problems=problem_count,
        samples_wanted=count,
        reused=count - missing_count,
        unsealed=unsealed,
        calls_at_most=sum(plan.calls_at_most for plan in plans),
        usd_at_most=sum(prices) if prices else None,
        spent_usd=spent_before(place, recipe.name)[0],
        budget_usd=recipe.budget.usd,
        teachers=plans,
    )


def _teacher_plan(spec: TeacherSpec, calls: int, input_tokens: int, output_tokens: int) -> TeacherPlan:
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    return TeacherPlan(
        teacher=spec.name,
        model=spec.model,
        calls_at_most=calls,
        input_tokens_at_most=input_tokens,
        output_tokens_at_most=output_tokens,
        usd_at_most=cost_usd(spec.price, usage),
    )
