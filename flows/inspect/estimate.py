"""Say what a run would ask, reuse and spend, from the recipe and what is stored. Spends nothing."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cotfactory.flows.ask.assignments import Assignment, shards, wanted_id, wanted_samples
from cotfactory.flows.ask.judging import Judging
from cotfactory.flows.ask.rollouts import RolledOut
from cotfactory.flows.ask.teachers import recorded_counts
from cotfactory.flows.ask.turns import LaterTurns, TurnSamples, ended_before
from cotfactory.flows.grow.looking import GrowthEstimate, look_at_grown
from cotfactory.flows.host.code_id import code_id
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.prepare import refuse_rounds
from cotfactory.flows.recipe_problems import recipe_problems
from cotfactory.flows.release.benchmarks import open_benchmarks, problem_hits
from cotfactory.flows.teacher_plan import TeacherPlan, teacher_plans
from cotfactory.generators.ask.rollout_strategy import RolloutStrategy
from cotfactory.generators.ask.stopping import JEFFREYS, expected_samples, fitted_prior
from cotfactory.generators.ask.strategies import Strategy
from cotfactory.generators.teacher.budget import cost_usd, worst_case
from cotfactory.schemas.counted import counted
from cotfactory.schemas.ids import prompt_id
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Recipe, Rollouts
from cotfactory.schemas.record import Record
from cotfactory.schemas.spending import NOTHING_SPENT, Spending
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Usage
from cotfactory.warehouse.batch_ledger import open_batches
from cotfactory.warehouse.books import books_of
from cotfactory.warehouse.catalog import build_catalog, query_catalog, quoted
from cotfactory.warehouse.history import TeacherHistory, teacher_history
from cotfactory.warehouse.journal_reader import read_journal
from cotfactory.warehouse.kept import Kept
from cotfactory.warehouse.ledger import open_journals
from cotfactory.warehouse.problem_spool import ProblemSpool
from cotfactory.warehouse.wanted import KnownAs, WantedSamples
from cotfactory.warehouse.workspace import Workspace, open_workspace


class TeacherEstimate(Record):
    """What one teacher would be asked at most, and is expected to be.

    Expected calls follow from the stopping rule and the pass rates seen so far; expected tokens and money from the
    means of earlier runs, and are None before the first one. USD are None without a price, too. `rollouts_at_most`
    are the part of the calls that goes on from chains: those that are missing of stored ones and, where chains of a
    problem are yet to be bought, as many as the recipe allows for.
    """

    teacher: str
    model: str
    calls_at_most: int
    rollouts_at_most: int
    input_tokens_at_most: int
    output_tokens_at_most: int
    usd_at_most: float | None
    calls_expected: float
    input_tokens_expected: float | None
    output_tokens_expected: float | None
    usd_expected: float | None


class RunEstimate(Record):
    """What a run would do. `reused` samples are stored; `unsealed` ones wait in the ledger or in the batches of an
    interrupted run. `contaminated` problems repeat a benchmark of the recipe and are not asked. `grown` tells of the
    problems that a teacher writes: while some of them are not there yet, none of their source's is in these numbers."""

    recipe: str
    problems: int
    contaminated: int
    grown: tuple[GrowthEstimate, ...]
    samples_wanted: int
    reused: int
    unsealed: int
    calls_at_most: int
    usd_at_most: float | None
    calls_expected: float
    usd_expected: float | None
    spent_usd: float
    unconfirmed_usd: float
    budget_usd: float | None
    teachers: tuple[TeacherEstimate, ...]

    def text(self) -> str:
        """Return the estimate for people."""
        samples = counted(self.samples_wanted, "sample")
        lines = [
            f"{self.recipe}: {counted(self.problems, 'problem')}, {samples} wanted at most",
            f"  {self.reused:,} of them stored, at no cost"
            + (f"; {self.unsealed:,} more in the ledger or in a batch" if self.unsealed else ""),
        ]
        if self.contaminated:
            lines.append(f"  {counted(self.contaminated, 'problem')} not asked, which a benchmark has too")
        lines += [f"  {source.text()}" for source in self.grown]
        for teacher in self.teachers:
            money = "no price" if teacher.usd_at_most is None else f"${teacher.usd_at_most:.4f}"
            lines.append(
                f"  {teacher.teacher} ({teacher.model}): {counted(teacher.calls_at_most, 'call')}, at most "
                f"{teacher.input_tokens_at_most:,} + {counted(teacher.output_tokens_at_most, 'token')}, {money}"
            )
            lines.append(f"    expected: {_expected(teacher)}")
            if teacher.rollouts_at_most:
                lines.append(f"    {teacher.rollouts_at_most:,} of the calls for rollouts, which label steps of chains")
        if self.budget_usd is not None:
            held = f", at most ${self.unconfirmed_usd:.4f} more unconfirmed" if self.unconfirmed_usd else ""
            lines.append(f"  budget ${self.budget_usd:.2f}, spent so far ${self.spent_usd:.4f}{held}")
        return "\n".join(lines)


def plan_recipe(path: Path, workspace: Path) -> RunEstimate:
    """Return what a run of a recipe would ask at most, given what the workspace holds.

    References are not tested here, so a problem that a run would drop still counts. Raises a CotfactoryError
    for what is wrong with the recipe or its problems.
    """
    with ExitStack() as stack:
        return _estimate(path, workspace, stack)


def _estimate(path: Path, workspace: Path, stack: ExitStack) -> RunEstimate:
    recipe = load_recipe(path)
    refuse_rounds(recipe)
    place = open_workspace(workspace)
    build_catalog(place)
    written, growth = asyncio.run(look_at_grown(recipe, place, stack))
    plans = teacher_plans(recipe, recorded_counts(recipe), place)
    waiting = {candidate_id for journal in open_journals(place.ledger) for candidate_id in read_journal(journal).bought}
    for batch in open_batches(place.ledger):
        waiting |= batch.requests.keys() - (batch.unanswered or frozenset())
    history = {plan.spec.name: teacher_history(place, recipe.name, plan.spec.name) for plan in plans}
    totals = {plan.spec.name: _Total() for plan in plans}
    open_problems = {plan.spec.name: set[str]() for plan in plans}
    unsealed = 0
    kept = Kept(place, recipe.name, code_id(), keeps=False)
    loaded = stack.enter_context(recipe_problems(recipe, place, kept, written=written))
    contaminated = problem_hits(loaded, open_benchmarks(recipe.curation))
    problems = loaded.without(contaminated)
    ended = ended_before(problems) if problems.later_turns() else set[str]()
    problems = problems.without(ended)
    key = wanted_id(loaded.facts, {*contaminated, *ended}, recipe, plans, {})
    known = None if key is None else KnownAs(kept, key)
    wanted = stack.enter_context(WantedSamples(place, wanted_samples(problems, plans), known=known))
    wanted.snapshot()
    for shard in shards(problems, plans, wanted, recipe.shard_problems):
        before, strategy = history[shard.plan.spec.name], shard.plan.strategy
        total, prior = totals[shard.plan.spec.name], _prior(before)
        steps = strategy.expected_steps(1 - prior[0] / sum(prior), before.truncated if before else 0.0)
        for assignment in shard.assignments:
            for index, request_ids in enumerate(assignment.request_ids):
                if index not in assignment.known:
                    unsealed += total.add_missing(assignment, request_ids, strategy, waiting)
                    open_problems[shard.plan.spec.name].add(assignment.problem.problem_id)
            total.expected += steps * expected_samples(assignment.attempts, assignment.known_prefix(), prior)
    unsealed += _add_turns(problems, plans, wanted, totals, history, waiting)
    count, missing_count, problem_count = wanted.count(), wanted.missing(), len(loaded)
    if recipe.rollouts is not None:
        if _decided(place, recipe.name) == count - missing_count:
            rolled = RolledOut(recipe, recipe.rollouts, recipe.name, problems, plans, wanted, place)
            unsealed += _add_rollouts(stack.enter_context(rolled), totals, open_problems, waiting)
        else:  # chains that no run has chosen among yet
            every_id = {problem.problem_id for problem in problems}
            open_problems = {plan.spec.name: every_id for plan in plans}
        for plan in plans:
            if plan.spec.can_go_on:
                open_ids = open_problems[plan.spec.name]
                to_come = (problem for problem in problems if problem.problem_id in open_ids)
                totals[plan.spec.name].add_rollouts_to_come(recipe.rollouts, plan, to_come)
        for total in totals.values():
            total.expected += total.at_most.rollouts
    judged = _judgements(recipe, problems, plans, place)
    books = books_of(place, recipe.budget_id)
    estimates = tuple(_teacher_estimate(plan.spec, totals[plan.spec.name], history[plan.spec.name]) for plan in plans)
    if recipe.judging_teacher is not None:
        estimates += (_teacher_estimate(recipe.judging_teacher, judged, None),)
    return RunEstimate(
        recipe=recipe.name,
        problems=problem_count,
        contaminated=len(contaminated),
        grown=growth,
        samples_wanted=count,
        reused=count - missing_count,
        unsealed=unsealed,
        calls_at_most=sum(estimate.calls_at_most for estimate in estimates),
        usd_at_most=_sum_of_known([estimate.usd_at_most for estimate in estimates]),
        calls_expected=sum(estimate.calls_expected for estimate in estimates),
        usd_expected=_sum_of_known([estimate.usd_expected for estimate in estimates]),
        spent_usd=books.spent_usd,
        unconfirmed_usd=books.unconfirmed_usd,
        budget_usd=recipe.budget.usd,
        teachers=estimates,
    )


@dataclass
class _Total:
    """What a teacher would be asked `at_most`, and how many calls are `expected`."""

    at_most: Spending = NOTHING_SPENT
    expected: float = 0.0

    def add_missing(
        self, assignment: Assignment, request_ids: Sequence[str], strategy: Strategy, waiting: Collection[str]
    ) -> int:
        """Add the steps of a sample that may have to be bought; return how many wait in the ledger of a killed run."""
        unsealed = said = 0
        for step, (request_id, sampling) in enumerate(zip(request_ids, strategy.samplings, strict=True)):
            asked = strategy.questions(step, assignment.problem) if step else assignment.messages
            worst = worst_case(sampling, asked, Usage(input_tokens=said))
            if request_id in waiting:
                unsealed += 1
            elif request_id not in assignment.begun:
                self.at_most += Spending(
                    calls=1,
                    rollouts=int(strategy.name_of(step) == "rollout"),
                    input_tokens=worst.input_tokens,
                    output_tokens=worst.output_tokens,
                )
            said += worst.output_tokens
        return unsealed

    def add_turns(
        self,
        plan: TeacherPlan,
        problem: Problem,
        turns: tuple[TurnSamples, TurnSamples],
        right: float,
        waiting: Collection[str],
    ) -> int:
        """Add the answers to a later turn that may have to be bought; return how many wait in the ledger.

        `turns` are the samples of the turn before and its own, `right` the share of right answers. Each goes on from
        answers as long as may be.
        """
        before, own = turns
        if not own.to_come or problem.turn is None:
            return 0
        strategy, sampling, earlier = plan.strategy, plan.strategy.samplings[0], problem.turn.number - 1
        ids = strategy.request_ids(problem, prompt_id(strategy.opening(problem)), max(own.to_come) + 1)
        longest = Usage(input_tokens=earlier * (sampling.output_limit or 0))
        worst = worst_case(sampling, strategy.plain(problem), longest)
        unsealed = 0
        for index in own.to_come:
            if ids[index][0] in waiting:
                unsealed += 1
                continue
            tokens = {"input_tokens": worst.input_tokens, "output_tokens": worst.output_tokens}
            self.at_most += Spending(calls=1, **tokens)
            self.expected += 1.0 if index in before.there else right**earlier
        return unsealed

    def add_rollouts_to_come(self, rule: Rollouts, plan: TeacherPlan, problems: Iterable[Problem]) -> None:
        """Add the most rollouts of chains that are not chosen yet: each goes on from a chain as long as may be."""
        strategy = RolloutStrategy(plan.spec)
        sampling = strategy.samplings[0]
        longest = Usage(input_tokens=sampling.output_limit or 0)
        for problem in problems:
            attempts = plan.attempts_at(problem)
            chains = min(rule.chains_per_problem, attempts.max if attempts else 0)
            rollouts = chains * (rule.max_steps - 1) * rule.per_step
            worst = worst_case(sampling, strategy.go_on(problem, ""), longest)
            self.at_most += Spending(
                calls=rollouts,
                rollouts=rollouts,
                input_tokens=rollouts * worst.input_tokens,
                output_tokens=rollouts * worst.output_tokens,
            )


def _add_turns(
    problems: ProblemSpool,
    plans: tuple[TeacherPlan, ...],
    wanted: WantedSamples,
    totals: Mapping[str, _Total],
    history: Mapping[str, TeacherHistory | None],
    waiting: Collection[str],
) -> int:
    """Add the later turns of conversations that may be asked; return how many answers wait in the ledger."""
    later, unsealed = LaterTurns(problems, plans, wanted, len(problems), problems.later_turns()), 0
    for plan in plans:
        prior = _prior(history[plan.spec.name])
        for position, before, own in later.samples(plan):
            turns, right = (before, own), prior[0] / sum(prior)
            unsealed += totals[plan.spec.name].add_turns(plan, problems[position], turns, right, waiting)
    return unsealed


def _judgements(recipe: Recipe, problems: Sequence[Problem], plans: Sequence[TeacherPlan], place: Workspace) -> _Total:
    """Return the most that the judge would be asked: about each chain that is stored or may come."""
    if recipe.judge is None:
        return _Total()
    longest = max(sampling.output_limit or 0 for plan in plans for sampling in plan.strategy.samplings)
    with Judging(recipe, recipe.name, problems, plans, place) as judging:
        calls, worst = judging.calls_at_most(), judging.largest_request(longest)
    tokens = {"input_tokens": calls * worst.input_tokens, "output_tokens": calls * worst.output_tokens}
    return _Total(Spending(calls=calls, **tokens), calls)


def _decided(place: Workspace, name: str) -> int:
    """Return how many chains and earlier steps the last run of a recipe has decided about."""
    question = "SELECT count(candidate_id) FROM decisions WHERE reason IS DISTINCT FROM 'rollout' AND recipe = "
    return int(query_catalog(place, question + quoted(name))[1][0][0])


def _add_rollouts(
    rolled: RolledOut,
    totals: Mapping[str, _Total],
    open_problems: Mapping[str, Collection[str]],
    waiting: Collection[str],
) -> int:
    """Add the rollouts that are missing of the chains of decided problems; return how many wait in the ledger."""
    rolled.wanted.snapshot()
    asked, unsealed = rolled.round(), 0
    for plan in asked.plans:
        total, left_out = totals[plan.spec.name], open_problems[plan.spec.name]
        for assignment in (assignment for planned in asked.shards(plan) for assignment in planned.shard.assignments):
            if assignment.problem.problem_id in left_out:
                continue
            for index, request_ids in enumerate(assignment.request_ids):
                if index not in assignment.known:
                    unsealed += total.add_missing(assignment, request_ids, plan.strategy, waiting)
    return unsealed


def _prior(history: TeacherHistory | None) -> tuple[float, float]:
    return fitted_prior(history.first_correct, history.both_correct, history.pairs) if history else JEFFREYS


def _sum_of_known(amounts: list[float | None]) -> float | None:
    """Return the sum, or None when an amount is unknown."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None


def _expected(teacher: TeacherEstimate) -> str:
    if teacher.input_tokens_expected is None or teacher.output_tokens_expected is None:
        return f"about {teacher.calls_expected:,.0f} calls; tokens are known after a first run"
    money = "" if teacher.usd_expected is None else f", ${teacher.usd_expected:.4f}"
    return (
        f"about {teacher.calls_expected:,.0f} calls, {teacher.input_tokens_expected:,.0f} + "
        f"{teacher.output_tokens_expected:,.0f} tokens{money}, as in earlier runs"
    )


def _teacher_estimate(spec: TeacherSpec, total: _Total, history: TeacherHistory | None) -> TeacherEstimate:
    at_most = total.at_most
    calls = min(total.expected, at_most.calls)
    tokens = (calls * history.input_tokens, calls * history.output_tokens) if history else (None, None)
    expected = Spending(input_tokens=round(tokens[0] or 0), output_tokens=round(tokens[1] or 0))
    return TeacherEstimate(
        teacher=spec.name,
        model=spec.model,
        calls_at_most=at_most.calls,
        rollouts_at_most=at_most.rollouts,
        input_tokens_at_most=at_most.input_tokens,
        output_tokens_at_most=at_most.output_tokens,
        usd_at_most=cost_usd(spec.price, at_most),
        calls_expected=calls,
        input_tokens_expected=tokens[0],
        output_tokens_expected=tokens[1],
        usd_expected=cost_usd(spec.price, expected) if history else None,
    )
