"""Later turns of conversations: each is asked after a right answer to the turn before it, all second turns first.

Sample 3 of a turn follows sample 3 of the turn before it, where that one counts, is graded `correct` and was not cut;
else that conversation has ended there. So which answer a request goes on from is no choice: it is the same one in every
order of arrival, after a kill, and with more attempts, and the request's id, a hash of its question and of the request
that it follows, is known before anything is asked. Stopping rules decide about first turns alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from cotfactory.flows.ask.assignments import (
    AskingRound,
    Assignment,
    PlannedShard,
    Samples,
    Shard,
    complete_samples,
    stored_samples,
    wants_more,
)
from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.generators.ask.stopping import used_samples
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import RecipeError
from cotfactory.schemas.ids import content_id, prompt_id
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Attempts, Recipe
from cotfactory.warehouse.wanted import WantedSamples


def refuse_turns(problem: Problem, recipe: Recipe) -> None:
    """Raise RecipeError where a conversation meets a teacher or a kind of run that cannot hold one."""
    if problem.follows is None:
        return
    for spec in recipe.writers:
        given = (
            f"`strategy: {spec.strategy}`" if spec.strategy != "solve"
            else "`retry_truncated`" if spec.retry_truncated
            else "`recordings`" if spec.recordings is not None
            else f"`stored: {spec.stored}`" if spec.stored is not None
            else None
        )  # fmt: skip
        if given is not None:
            raise RecipeError(
                f"teacher {spec.name!r} has {given}, and {problem.named} is a later turn of a conversation",
                "ask conversations of teachers with `strategy: solve` at an endpoint, in a recipe of their own",
            )
    if recipe.rounds is not None:
        raise RecipeError(
            f"Recipe {recipe.name!r} has `rounds`, which choose single problems, and {problem.named} is a later turn "
            "of a conversation",
            "run conversations without `rounds`",
        )


def unreleased_turns(later: int, recipe: Recipe) -> list[str]:
    """Return a line where a recipe buys so many later turns, and no product of it shows them."""
    if not later or {"sft_turns", "all_graded"} & set(recipe.release.products):
        return []
    return [
        f"no product of this recipe shows later turns of conversations ({counted(later, 'problem')}): add sft_turns "
        "to release.products"
    ]


def ended_before(problems: Sequence[Problem]) -> set[str]:
    """Return the ids of the later turns among `problems` that follow one which is not among them, at once or before."""
    going_on, ended = set[str](), set[str]()
    for problem in problems:  # in the order of their turns
        goes_on = problem.follows is None or problem.follows.problem_id in going_on
        (going_on if goes_on else ended).add(problem.problem_id)
    return ended


class TurnSamples(NamedTuple):
    """The samples of one turn by their indexes: right answers that are `there`, and those that may yet `come`."""

    there: frozenset[int]
    to_come: frozenset[int]


@dataclass(frozen=True)
class LaterTurns:
    """The later turns among the problems of a recipe; `numbers` has the number of the turn at each of their positions.

    The turns of a conversation stand one after the other.
    """

    problems: Sequence[Problem]
    plans: tuple[TeacherPlan, ...]
    wanted: WantedSamples
    shard_problems: int
    numbers: Mapping[int, int]

    def rounds(self) -> list[AskingRound]:
        """Return a round for each turn: what is asked in it is known by a snapshot after the one before it."""
        return [
            AskingRound(f"ask turn {number}", self.plans, partial(self._shards, number), partial(self._left, number))
            for number in sorted(set(self.numbers.values()))
        ]

    def samples(self, plan: TeacherPlan) -> Iterator[tuple[int, TurnSamples, TurnSamples]]:
        """Yield (position, those of the turn before, those of this turn) of each later turn, by the last snapshot."""
        for position in self.numbers:
            number = self.numbers[position]
            stored = stored_samples(plan, position - number + 1, position, self.wanted)
            yield position, self._of(plan, position - 1, stored), self._of(plan, position, stored)

    def _left(self, number: int) -> int:
        return sum(
            len(samples.to_come)
            for plan in self.plans
            for position, _, samples in self.samples(plan)
            if self.numbers[position] == number
        )

    def _of(self, plan: TeacherPlan, position: int, stored: Mapping[int, Samples]) -> TurnSamples:
        """Return the samples of one turn; a later one has those alone that its turn before has."""
        found = stored.get(position, {})
        right = {index for index, steps in found.items() if steps[0].verdict == "correct" and not steps[0].is_truncated}
        if position in self.numbers:
            before = self._of(plan, position - 1, stored)
            return TurnSamples(before.there & right, (before.there | before.to_come) - found.keys())
        attempts = plan.attempts if plan.is_asked_alike else plan.attempts_at(self.problems[position])
        if attempts is None:
            return TurnSamples(frozenset(), frozenset())
        known = complete_samples(plan.strategy, found)
        if attempts.is_fixed:
            return TurnSamples(frozenset(right), frozenset(range(attempts.max)) - found.keys())
        used = used_samples(attempts, [known.get(index) for index in range(attempts.max)])
        more = range(used, attempts.max) if wants_more(attempts, known) else ()
        return TurnSamples(frozenset(right & set(range(used))), frozenset(more) - found.keys())

    def _shards(self, number: int, plan: TeacherPlan) -> Iterator[PlannedShard]:
        positions = [position for position, found in self.numbers.items() if found == number]
        for start in range(0, len(positions), self.shard_problems):
            some = positions[start : start + self.shard_problems]
            shard = self._shard(plan, some)
            if shard.assignments:
                yield PlannedShard(shard, partial(self._again, plan, some))

    def _again(self, plan: TeacherPlan, positions: Sequence[int]) -> Shard:
        self.wanted.snapshot()
        return self._shard(plan, positions)

    def _shard(self, plan: TeacherPlan, positions: Sequence[int]) -> Shard:
        """Return what these turns still want from one teacher: a request for each right answer that none follows."""
        due = {position: self._due(plan, position) for position in positions}
        asked = {
            position: (problem, _ids(plan, problem, max(indexes) + 1))
            for position, indexes in due.items()
            if indexes
            for problem in [self.problems[position]]
        }
        earlier = {
            turn_ids[index] for position, (_, ids) in asked.items() for index in due[position] for turn_ids in ids[:-1]
        }
        answers = {chain.candidate_id: chain for chain in self.wanted.chains(earlier)}
        assignments = tuple(
            _assignment(plan, problem, [answers[turn_ids[index]] for turn_ids in ids[:-1]], ids[-1][index], index)
            for position, (problem, ids) in asked.items()
            for index in sorted(due[position])
        )
        name = content_id([plan.spec.name, [assignment.request_ids[0][0] for assignment in assignments]])[:12]
        return Shard(name, plan, positions[0], assignments)

    def _due(self, plan: TeacherPlan, position: int) -> frozenset[int]:
        first = position - self.numbers[position] + 1
        stored = stored_samples(plan, first, position, self.wanted)
        return self._of(plan, position - 1, stored).there - stored.get(position, {}).keys()


def _ids(plan: TeacherPlan, problem: Problem, samples: int) -> list[list[str]]:
    """Return the ids of the first samples of each turn up to this one."""
    before = _ids(plan, problem.follows, samples) if problem.follows is not None else []
    opening = prompt_id(plan.strategy.opening(problem))
    return [*before, [step for (step,) in plan.request_ids(problem, opening, samples)]]


def _assignment(
    plan: TeacherPlan, problem: Problem, answers: Sequence[Candidate], request_id: str, index: int
) -> Assignment:
    messages = plan.strategy.conversation(problem, answers)
    return Assignment(
        problem,
        Attempts(max=1),
        messages,
        prompt_id(messages),
        ((request_id,),),
        known={},
        begun={},
        parent_id=answers[-1].candidate_id,
        first_index=index,
    )
