"""What growing has come to by what is stored, and how much it may still take: what `cotfactory plan` says of it.

Growing is a function of what is stored, so a plan grows as a run does, but for the asking. Which requests follow a
reply is known when it is there: for those that are not, this counts the most that may follow.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from cotfactory.flows.ask.assignments import AskingRound
from cotfactory.flows.grow.answers import voting_plans
from cotfactory.flows.grow.drafts import Draft
from cotfactory.flows.grow.growing import Growth, grown_drafts
from cotfactory.flows.host.grading_tools import open_grading
from cotfactory.flows.settings import hub_access
from cotfactory.flows.teacher_plan import TeacherPlan, teacher_plans
from cotfactory.generators.problems.load_problems import load_problems
from cotfactory.schemas.counted import counted
from cotfactory.schemas.drop_reasons import DropReason
from cotfactory.schemas.grown_rules import WRITTEN_WAYS
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import GrownSource
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.record import Record
from cotfactory.warehouse.problem_spool import ProblemSpool, spool_problems
from cotfactory.warehouse.wanted import WantedSamples
from cotfactory.warehouse.workspace import Workspace

T = TypeVar("T")
UNDECIDED: tuple[DropReason, ...] = ("no_reference", "outside_difficulty")
"""What more answers may change."""


class GrowthEstimate(Record):
    """What is known of one source whose problems a teacher writes, before a run.

    `stored` calls wrote its problems and found their answers so far. `calls_at_most` may still do so, and ask the
    problems that come of it. Once there are none, the `usable` problems are among those of the estimate; until then,
    none is.
    """

    by: str
    wanted: int
    usable: int
    stored: int
    calls_at_most: int

    def text(self) -> str:
        """Return it in one line, for people."""
        begun = f"grown by {self.by}: {counted(self.wanted, 'problem')} wanted, {counted(self.stored, 'call')} for them"
        if not self.calls_at_most:
            return f"{begun} stored, none left; {self.usable:,} of use, which the other figures count"
        return (
            f"{begun} stored, at most {self.calls_at_most:,} left to write them, find their answers and ask them; both "
            "are in no other figure"
        )


class _Looking:
    """A grower that asks nobody."""

    async def stage(self, name: str, work: Callable[[], T]) -> T:
        """Do some work."""
        return work()

    async def buy(
        self,
        growth: Growth,
        what: str,
        problems: Sequence[Problem],
        plans: tuple[TeacherPlan, ...],
        wanted: WantedSamples,
        asked: AskingRound,
    ) -> None:
        """See what is there."""
        wanted.snapshot()


async def look_at_grown(
    recipe: Recipe, workspace: Workspace, stack: ExitStack
) -> tuple[dict[int, ProblemSpool], tuple[GrowthEstimate, ...]]:
    """Return the problems of the sources that are grown to the end, by their place in the recipe, and all estimates.

    A source that is not has no problems yet. `stack` closes the problems.
    """
    grown, estimates = dict[int, ProblemSpool](), list[GrowthEstimate]()
    if not recipe.written_sources:
        return grown, ()
    with open_grading((), None, recipe.code) as tools:
        for place, source in recipe.written_sources.items():
            with spool_problems(load_problems((source.seeds,), Path.cwd(), hub_access()), workspace.staging) as seeds:
                growth = Growth(_Looking(), recipe, workspace, recipe.name, tools, source, seeds)
                drafts, facts = await grown_drafts(growth)
            calls = _left(growth, drafts)
            usable = [draft.problem for draft in drafts if draft.dropped is None]
            if usable and not calls:
                grown[place] = stack.enter_context(spool_problems(usable, workspace.staging))
            estimates.append(
                GrowthEstimate(
                    by=facts.by,
                    wanted=facts.asked,
                    usable=sum(facts.usable.values()),
                    stored=growth.stored,
                    calls_at_most=calls,
                )
            )
    return grown, tuple(estimates)


def _left(growth: Growth, drafts: Sequence[Draft]) -> int:
    """Return the calls that growing, and asking what comes of it, may still take."""
    if not growth.missing and growth.graded == growth.stored:
        return 0
    rules, unwritten = growth.source.references, growth.unwritten
    may_be_asked = [draft for draft in drafts if draft.dropped is None or draft.dropped in UNDECIDED]
    written = sum(draft.way in WRITTEN_WAYS for draft in may_be_asked)
    more_known = math.ceil(rules.known_share * (written + unwritten)) - math.ceil(rules.known_share * written)
    each = ("program" in rules.by) + ("majority" in rules.by) * rules.votes
    asked, votes = _chains_and_votes(growth.recipe, growth.source)
    voted = unwritten + sum(_is_voted_on(draft, growth.source) for draft in may_be_asked)
    chains = (unwritten + len(may_be_asked)) * asked - voted * votes
    return growth.missing + (unwritten + more_known) * each + chains


def _is_voted_on(draft: Draft, source: GrownSource) -> bool:
    return source.pass_rate is not None or draft.problem.reference_by in ("open", "majority")


def _chains_and_votes(recipe: Recipe, source: GrownSource) -> tuple[int, int]:
    """Return the calls that ask one problem, and how many of them its votes are: the first samples of who voted."""
    asked = sum(plan.attempts.max * len(plan.strategy.samplings) for plan in teacher_plans(recipe, {}))
    if "majority" not in source.references.by:
        return asked, 0
    attempts = recipe.attempts.max
    return asked, sum(min(attempts, plan.attempts.max) for plan in voting_plans(recipe, source))
