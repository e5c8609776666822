"""Rollouts: which chains are gone on with from each of their steps, what is asked for that, and the labels it gives.

A chain's thinking (of a teacher that shows none: its response) is cut into steps; from the end of every step but the
last its own teacher goes on `per_step` times, each time in a request of its own that is paid once, stored and graded
like any other. What came of them labels the step; the last step's label is the verdict on the chain.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path

from cotfactory.flows.ask.assignments import AskingRound, Assignment
from cotfactory.flows.ask.holds_samples import HoldsSamples
from cotfactory.flows.ask.prompts_of_chains import PromptsOfChains
from cotfactory.flows.groups import placed_groups
from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.generators.ask.rollout_strategy import RolloutStrategy
from cotfactory.generators.ask.step_splitter import split_steps
from cotfactory.graders.grading import grader_name_and_version
from cotfactory.publishing.may_leave import may_leave
from cotfactory.publishing.products.row_parts import thinking
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade, Split, Verdict
from cotfactory.schemas.group import GradedCandidate, Group, LabelledChain, StepCount
from cotfactory.schemas.ids import grade_id, prompt_id
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Attempts, Recipe, Rollouts
from cotfactory.schemas.teaching import Message
from cotfactory.warehouse.wanted import StoredGroup, WantedSamples
from cotfactory.warehouse.wanted_file import WantedSample
from cotfactory.warehouse.workspace import Workspace

Steps = tuple[str, ...]


@dataclass(frozen=True)
class Beginning:
    """The first steps of a chain, as its teacher is asked to go on from them."""

    parent_id: str
    messages: tuple[Message, ...]
    prompt_id: str
    request_ids: tuple[tuple[str, ...], ...]


def rollout_decisions(recipe: str) -> str:
    """Return the name of a recipe's decisions about rollouts; no recipe can have it."""
    return f"{recipe}+rollouts"


def chosen_chains(group: Group, rule: Rollouts) -> list[tuple[GradedCandidate, Steps]]:
    """Return the chains of a group to be rolled out, with their steps: correct and incorrect ones in turn.

    Both by their sample index, beginning with the one that was asked for first; where there are too few of one kind
    more of the other are taken. Chains that could not be published, that somebody else ended, that say the same as an
    earlier one, or that have a single step are passed over, and so are later turns of conversations.
    """
    if group.strategy != "solve" or group.problem.follows is not None:
        return []
    kinds: dict[Verdict, list[tuple[GradedCandidate, Steps]]] = {"correct": [], "incorrect": []}
    seen: set[str] = set()
    pairs = zip(group.candidates, group.decisions, strict=True)
    for graded, decision in sorted(pairs, key=lambda pair: pair[0].candidate.sample_index):
        candidate, of_kind = graded.candidate, kinds.get(graded.grade.verdict)
        text = _text(candidate)
        if of_kind is None or len(of_kind) == rule.chains_per_problem or text in seen:
            continue
        if not candidate.is_finished:
            continue
        steps = split_steps(text, rule.max_steps)
        if len(steps) > 1 and may_leave(graded, decision):
            seen.add(text)
            of_kind.append((graded, steps))
    in_turn = sorted(filter(None, kinds.values()), key=lambda ones: ones[0][0].candidate.sample_index)
    alternating = [chosen for pair in zip_longest(*in_turn) for chosen in pair if chosen is not None]
    return alternating[: rule.chains_per_problem]


def _text(candidate: Candidate) -> str:
    return thinking(candidate) or candidate.response


class RolledOut(HoldsSamples):
    """The chains of a curated recipe that are rolled out, and their rollouts as far as they are stored.

    A context manager; `wanted` are the rollouts. Chains are read again and again rather than held: memory does not grow
    with them.
    """

    def __init__(
        self,
        recipe: Recipe,
        rule: Rollouts,
        name: str,
        problems: Sequence[Problem],
        plans: Sequence[TeacherPlan],
        wanted: WantedSamples,
        workspace: Workspace,
        released: tuple[Iterable[WantedSample], Path] | None = None,
    ) -> None:
        """Choose among the chains of `wanted`, as they are decided under `name`.

        `released` are the rollouts that a release used and the file of its decisions, instead of all that are wanted
        now.
        """
        super().__init__()
        self._rule, self._name, self._shard_problems = rule, name, recipe.shard_problems
        self._problems, self._plans, self._chains = problems, plans, wanted
        self._strategies = {plan.position: RolloutStrategy(plan.spec) for plan in plans if plan.spec.can_go_on}
        self._positions = {plan.spec.name: plan.position for plan in plans}
        samples = released[0] if released else self._samples()
        self.wanted = self._opened(workspace, samples, [released[1]] if released else None)

    def round(self) -> AskingRound:
        """Return what is left to be asked, by the last snapshot of `wanted`."""
        attempts = Attempts(max=self._rule.per_step)
        plans = tuple(
            replace(self._plans[position], strategy=strategy, attempts=attempts)
            for position, strategy in self._strategies.items()
        )
        asked = PromptsOfChains(self.wanted, self._shard_problems, self._assignments)
        return AskingRound("roll out", plans, asked.shards, self.wanted.missing)

    def groups(self) -> Iterator[tuple[Group, ...]]:
        """Yield the groups of one problem after the other, with the labels of chains whose steps are all decided."""
        for groups, stored in self._paired():
            yield tuple(self._labelled(group, stored.get(self._positions[group.teacher])) for group in groups)

    def rollouts(self) -> Iterator[tuple[str, Candidate, Split]]:
        """Yield every stored rollout with its teacher's name, and where its problem goes."""
        for groups, stored in self._paired():
            for position, group in stored.items():
                for step in group.steps:
                    yield self._plans[position].spec.name, step.candidate, groups[0].split

    def _placed(self) -> Iterator[tuple[int, tuple[Group, ...]]]:
        return placed_groups(self._problems, self._plans, self._chains, self._name)

    def _beginnings(self, group: Group) -> list[Beginning]:
        """Return the different beginnings of the chosen chains; one that several share is the first one's."""
        strategy = self._strategies.get(self._positions[group.teacher])
        if strategy is None:
            return []
        found: dict[str, Beginning] = {}
        for graded, steps in chosen_chains(group, self._rule):
            for messages, prompt in _prompts(strategy, group.problem, steps):
                if prompt not in found:
                    ids = strategy.ids_of_samples(prompt, self._rule.per_step)
                    found[prompt] = Beginning(graded.candidate.candidate_id, messages, prompt, ids)
        return list(found.values())

    def _samples(self) -> Iterator[WantedSample]:
        for position, groups in self._placed():
            for group in groups:
                grader, version = grader_name_and_version(group.problem)
                for number, beginning in enumerate(self._beginnings(group)):
                    for index, (candidate_id,) in enumerate(beginning.request_ids):
                        yield WantedSample(
                            position,
                            self._positions[group.teacher],
                            index,
                            number,
                            group.problem.problem_id,
                            candidate_id,
                            grade_id(candidate_id, group.problem, grader, version),
                        )

    def _assignments(self, plan: TeacherPlan) -> Iterator[tuple[int, dict[int, Assignment]]]:
        for position, groups in self._placed():
            yield (
                position,
                {
                    number: _assignment(group.problem, plan, beginning)
                    for group in groups
                    if group.teacher == plan.spec.name
                    for number, beginning in enumerate(self._beginnings(group))
                },
            )

    def _paired(self) -> Iterator[tuple[tuple[Group, ...], dict[int, StoredGroup]]]:
        """Yield the groups of each problem with its stored rollouts, by the teacher's position."""
        stored = self.wanted.groups(self._name)
        ahead = next(stored, None)
        for position, groups in self._placed():
            found: dict[int, StoredGroup] = {}
            while ahead is not None and ahead.position == position:
                found[ahead.teacher_position] = ahead
                ahead = next(stored, None)
            yield groups, found

    def _labelled(self, group: Group, stored: StoredGroup | None) -> Group:
        strategy = self._strategies.get(self._positions[group.teacher])
        if stored is None or strategy is None:
            return group
        found = {step.candidate.candidate_id: step for step in stored.steps}
        labelled = []
        for graded, steps in chosen_chains(group, self._rule):
            counts = []
            for _, prompt in _prompts(strategy, group.problem, steps):
                ids = chain.from_iterable(strategy.ids_of_samples(prompt, self._rule.per_step))
                counts.append(
                    step_count(
                        [found[rollout_id][1:3] for rollout_id in ids if rollout_id in found], self._rule.per_step
                    )
                )
            counts.append(StepCount(n=1, c=int(graded.grade.verdict == "correct")))
            decided = tuple(count for count in counts if count is not None)
            if len(decided) == len(steps):
                labelled.append(LabelledChain(candidate_id=graded.candidate.candidate_id, steps=steps, counts=decided))
        return group.model_copy(update={"labelled": tuple(labelled)})


def step_count(rollouts: Sequence[tuple[Candidate, Grade]], wanted: int) -> StepCount | None:
    """Return how many rollouts from the end of a step are correct, of those that say something about it.

    None while that is open: rollouts are missing, or none is correct and not all count. A rollout that we could not
    grade, or that somebody else ended, might have been the correct one: 0 of 3 where 4 were asked for is no finding.
    """
    counted = [
        grade.verdict == "correct"
        for candidate, grade in rollouts
        if grade.verdict != "ungraded" and candidate.is_finished
    ]
    if len(rollouts) < wanted or (not any(counted) and len(counted) < wanted):
        return None
    return StepCount(n=len(counted), c=sum(counted))


def _prompts(strategy: RolloutStrategy, problem: Problem, steps: Steps) -> Iterator[tuple[tuple[Message, ...], str]]:
    """Yield what asks to go on from the end of each step but the last, with its id."""
    for end in range(1, len(steps)):
        messages = strategy.go_on(problem, "".join(steps[:end]))
        yield messages, prompt_id(messages)


def _assignment(problem: Problem, plan: TeacherPlan, beginning: Beginning) -> Assignment:
    return Assignment(
        problem,
        plan.attempts,
        beginning.messages,
        beginning.prompt_id,
        beginning.request_ids,
        known={},
        begun={},
        parent_id=beginning.parent_id,
    )
