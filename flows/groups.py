"""From stored chains to groups: which samples a recipe uses, their pass rate and their decisions."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby

from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.generators.ask.stopping import pass_rate, used_samples
from cotfactory.generators.ask.strategies import Attempt, Strategy
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.group import GradedCandidate, Group, PassRate
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Attempts
from cotfactory.warehouse.wanted import StoredGroup, StoredStep, WantedSamples

Answers = Mapping[int, GradedCandidate]
"""Of one teacher to one problem, by sample index."""


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
    read = None if positions is None else {place for position in positions for place in _turns_at(problems, position)}
    last, answers = -1, dict[int, Answers]()  # to the turn before, by teacher
    for position, members in groupby(wanted.groups(recipe, read), key=lambda group: group.position):
        before, answers = answers if last == position - 1 else {}, {}
        groups = []
        for stored in members:
            group = _group(stored, problems, plans, before.get(stored.teacher_position, {}))
            answers[stored.teacher_position] = {graded.candidate.sample_index: graded for graded in group.candidates}
            groups.append(group)
        last = position
        if positions is None or position in positions:
            yield position, tuple(groups)


def _turns_at(problems: Sequence[Problem], position: int) -> range:
    """Return the positions of a problem and of the turns before it, whose answers its own go on from."""
    turn = problems[position].turn
    return range(position if turn is None else position - turn.number + 1, position + 1)


def _group(stored: StoredGroup, problems: Sequence[Problem], plans: Sequence[TeacherPlan], before: Answers) -> Group:
    """Return one teacher's attempts at a problem; `before` are its answers to the turn that a later turn follows."""
    problem, plan = problems[stored.position], plans[stored.teacher_position]
    found = _complete(stored, plan.strategy)
    if problem.follows is not None:
        used = [steps for index, steps in found.items() if index in before]
    elif plan.attempts.is_fixed:
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
        candidates=tuple(_whole(steps, problem, plan.strategy, before) for steps in used),
        earlier_steps=tuple(
            GradedCandidate(candidate=step.candidate, grade=step.grade) for steps in used for step in steps[:-1]
        ),
        earlier_decisions=tuple(step.decision for steps in used for step in steps[:-1] if step.decision is not None),
        decisions=tuple(steps[-1].decision for steps in used if steps[-1].decision is not None),
        pass_rate=_pass_rate(plan, problem, used, before),
    )


def _pass_rate(plan: TeacherPlan, problem: Problem, used: Sequence[Sequence[StoredStep]], before: Answers) -> PassRate:
    """Return how often the problem is solved; a later turn: of the times that the turn before it was."""
    if plan.strategy.shows_answer:
        return PassRate(rate=None, n=0, c=0)
    if problem.follows is not None:
        verdicts = [
            steps[-1].grade.verdict
            for steps in used
            if before[steps[-1].candidate.sample_index].grade.verdict == "correct"
        ]
        return pass_rate(Attempts(max=plan.attempts.max), verdicts)
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


def _whole(steps: Sequence[StoredStep], problem: Problem, strategy: Strategy, answers: Answers) -> GradedCandidate:
    candidate = strategy.whole([step.candidate for step in steps[:-1]], steps[-1].candidate)
    turns = tuple(step.candidate for step in steps[:-1]) if strategy.most_calls else ()
    shown = steps[:-1] if strategy.shows_earlier else ()
    earlier_tokens = sum(step.candidate.usage.output_tokens for step in shown)
    before = answers[candidate.sample_index] if problem.follows is not None else None
    return GradedCandidate(
        candidate=candidate,
        grade=steps[-1].grade,
        turns=turns,
        earlier_output_tokens=earlier_tokens,
        before=before,
        asked=strategy.conversation(problem, _conversation(before)) if before is not None else (),
    )


def _conversation(last: GradedCandidate | None) -> list[Candidate]:
    """Return the answers of a conversation up to its last one."""
    return [] if last is None else [*_conversation(last.before), last.candidate]
