"""From stored chains to groups: which samples a recipe uses, their pass rate and their decisions."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.generators.ask.stopping import pass_rate, used_samples
from cotfactory.generators.ask.strategies import Attempt, Strategy
from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.group import GradedCandidate, Group, PassRate
from cotfactory.schemas.problem import Problem
from cotfactory.warehouse.wanted import StoredGroup, StoredStep, WantedSamples


def decided_groups(
    problems: Sequence[Problem],
    plans: Sequence[TeacherPlan],
    wanted: WantedSamples,
    recipe: str,
    positions: Collection[int] | None = None,
) -> Iterator[tuple[Group, ...]]:
    """Yield the groups of one problem after the other, in the recipe's order, with the decisions that are stored.

    Where `positions` are given, those of the problems there alone.
    """
    return (groups for _, groups in placed_groups(problems, plans, wanted, recipe, positions))


def placed_groups(
    problems: Sequence[Problem],
    plans: Sequence[TeacherPlan],
    wanted: WantedSamples,
    recipe: str,
    positions: Collection[int] | None = None,
) -> Iterator[tuple[int, tuple[Group, ...]]]:
    """Yield the same groups, each time with the position of their problem."""
    for position, members in groupby(wanted.groups(recipe, positions), key=lambda group: group.position):
        yield position, tuple(_group(member, problems, plans) for member in members)


def _group(stored: StoredGroup, problems: Sequence[Problem], plans: Sequence[TeacherPlan]) -> Group:
    problem, plan = problems[stored.position], plans[stored.teacher_position]
    found = _complete(stored, plan.strategy)
    if plan.attempts.is_fixed:
        used = list(found.values())
    else:
        by_index: list[Verdict | None] = [
            found[index][-1].grade.verdict if index in found else None for index in range(max(found, default=-1) + 1)
        ]
        used = [found[index] for index in range(used_samples(plan.attempts, by_index))]
    return Group(
        problem=problem,
        teacher=plan.spec.name,
        model=plan.spec.model,
        strategy=plan.spec.strategy,
        messages=plan.strategy.plain(problem),
        candidates=tuple(_whole(steps, plan.strategy) for steps in used),
        earlier_steps=tuple(
            GradedCandidate(candidate=step.candidate, grade=step.grade) for steps in used for step in steps[:-1]
        ),
        earlier_decisions=tuple(step.decision for steps in used for step in steps[:-1] if step.decision is not None),
        decisions=tuple(steps[-1].decision for steps in used if steps[-1].decision is not None),
        pass_rate=_pass_rate(plan, used),
    )


def _pass_rate(plan: TeacherPlan, used: Sequence[Sequence[StoredStep]]) -> PassRate:
    if plan.strategy.shows_answer:
        return PassRate(rate=None, n=0, c=0)
    ended = [steps[-1].grade.verdict for steps in used]
    first = [steps[0].grade.verdict for steps in used] if plan.strategy.rates_first else None
    return pass_rate(plan.attempts, ended, first)


def _complete(stored: StoredGroup, strategy: Strategy) -> dict[int, list[StoredStep]]:
    """Return the steps of each sample, by index, up to the one that it ends with; incomplete samples are left out."""
    samples: dict[int, dict[int, StoredStep]] = defaultdict(dict)
    for stored_step in stored.steps:
        samples[stored_step.candidate.sample_index][stored_step.step] = stored_step
    last = {
        index: strategy.last_step(
            {
                step: Attempt(stored_step.candidate, stored_step.grade.verdict).outcome
                for step, stored_step in steps.items()
            }
        )
        for index, steps in samples.items()
    }
    return {index: [samples[index][step] for step in range(end + 1)] for index, end in last.items() if end is not None}


def _whole(steps: Sequence[StoredStep], strategy: Strategy) -> GradedCandidate:
    candidate = strategy.whole([step.candidate for step in steps[:-1]], steps[-1].candidate)
    turns = tuple(step.candidate for step in steps[:-1]) if strategy.most_calls else ()
    shown = steps[:-1] if strategy.shows_earlier else ()
    earlier_tokens = sum(step.candidate.usage.output_tokens for step in shown)
    return GradedCandidate(
        candidate=candidate, grade=steps[-1].grade, turns=turns, earlier_output_tokens=earlier_tokens
    )
