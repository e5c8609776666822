"""What a recipe wants: every sample it may ask for, and the shards that still have something to ask."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import NamedTuple

from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.generators.ask.stopping import next_samples
from cotfactory.generators.ask.strategies import Attempt, StepOutcome, Strategy
from cotfactory.graders.grading import grader_name_and_version
from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.ids import content_id, grade_ids, prompt_id
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Attempts, Recipe
from cotfactory.schemas.teaching import Message
from cotfactory.warehouse.problem_spool import SpooledFacts
from cotfactory.warehouse.wanted import WantedSamples
from cotfactory.warehouse.wanted_file import WantedSample

Samples = dict[int, dict[int, StepOutcome]]
"""What is stored of one problem: by sample index, then by step."""


Judged = Mapping[tuple[str, str], str]
"""The ids of the grades of chains that people have judged, by the ids of chain and problem."""


@dataclass(frozen=True)
class Assignment:
    """One problem for one teacher: what to send, the request ids by sample index and step, and what is known already.

    `known` has the verdicts of the samples that are complete, by index; `begun` the stored answers, by candidate id, of
    those whose next step has yet to be asked. `parent_id` is the chain that rollouts go on from, or that a later turn
    follows: that is one sample, and `first_index` the number of it.
    """

    problem: Problem
    attempts: Attempts
    messages: tuple[Message, ...]
    prompt_id: str
    request_ids: tuple[tuple[str, ...], ...]
    known: Mapping[int, Verdict | None]
    begun: Mapping[str, Attempt]
    parent_id: str | None = None
    first_index: int = 0

    def known_prefix(self) -> list[Verdict]:
        """Return the verdicts of the first samples, as far as they are known without a gap."""
        return _prefix(self.known)


@dataclass(frozen=True)
class Shard:
    """Some problems for one teacher; the unit of a Prefect task and of a journal."""

    name: str
    plan: TeacherPlan
    first: int
    assignments: tuple[Assignment, ...]

    @property
    def prompts(self) -> list[str]:
        """The ids of the prompts that it asks."""
        return [assignment.prompt_id for assignment in self.assignments]


@dataclass(frozen=True)
class PlannedShard:
    """A shard, and how it is planned again by what is stored when its first try has failed."""

    shard: Shard
    again: Callable[[], Shard]


@dataclass(frozen=True)
class AskingRound:
    """What is asked in one go: of whom, in which shards, `left()` requests at most; `verb` names what its tasks do."""

    verb: str
    plans: tuple[TeacherPlan, ...]
    shards: Callable[[TeacherPlan], Iterator[PlannedShard]]
    left: Callable[[], int]


class RepeatedQuestion(NamedTuple):
    """Problems with one prompt, by their ids; `agree`: on answer and tests."""

    problems: tuple[Problem, ...]
    agree: bool

    @property
    def dropped(self) -> tuple[Problem, ...]:
        """Those that are not asked: all but the first or, where they contradict each other, all of them."""
        return self.problems[1:] if self.agree else self.problems


def repeated_questions(problems: Sequence[Problem], plans: Sequence[TeacherPlan]) -> Iterator[RepeatedQuestion]:
    """Yield the problems whose prompt is the same, so that one request would answer them all.

    Of those that agree the one with the smallest id is asked, before others the first turn of the longest conversation;
    where they contradict each other nobody knows who is right, and none is.
    """
    first: dict[bytes, int] = {}  # prompt -> position of the first problem that has it
    later: dict[bytes, list[int]] = defaultdict(list)
    for position, problem in enumerate(problems):
        for prompt in {bytes.fromhex(prompt_id(plan.strategy.plain(problem))) for plan in plans}:
            if first.setdefault(prompt, position) != position:
                later[prompt].append(position)
    for prompt, positions in later.items():
        group = sorted((problems[at] for at in (first[prompt], *positions)), key=_first_of_all)
        agree = len({(problem.answer_kind, problem.answer, str(problem.tests)) for problem in group}) == 1
        yield RepeatedQuestion(tuple(group), agree)


def _first_of_all(problem: Problem) -> tuple[int, str]:
    """Sort the problems with one prompt: of two conversations that begin alike one is asked in all its turns."""
    return (0, problem.problem_id) if problem.turn is None else (-problem.turn.turns, problem.turn.conversation_id)


def wanted_samples(
    problems: Sequence[Problem], plans: Sequence[TeacherPlan], judged: Judged | None = None
) -> Iterator[WantedSample]:
    """Yield every step of every sample the recipe may ask for, up to `attempts.max`, whether or not it exists.

    `judged` has the ids of the grades of chains that people have judged, in place of the problem's own grader.
    """
    judged = judged or {}
    for position, problem in enumerate(problems):
        grader, grader_version = grader_name_and_version(problem)
        for plan in plans:
            attempts = plan.attempts_at(problem)
            opening = prompt_id(plan.strategy.opening(problem))
            ids = plan.request_ids(problem, opening, attempts.max if attempts else 0)
            steps = [(index, step, each) for index, of_sample in enumerate(ids) for step, each in enumerate(of_sample)]
            grades = grade_ids((candidate_id for *_, candidate_id in steps), problem, grader, grader_version)
            for (index, step, candidate_id), own_grade in zip(steps, grades, strict=True):
                identity = judged.get((candidate_id, problem.problem_id), own_grade)
                about = (position, plan.position, index, step, problem.problem_id)
                yield WantedSample(*about, candidate_id, identity)


def wanted_id(
    problems: SpooledFacts, dropped: Collection[str], recipe: Recipe, plans: Sequence[TeacherPlan], judged: Judged
) -> str | None:
    """Return a hash of all that the `wanted_samples` of spooled problems, but for the dropped ones, are made of.

    None where what is recorded or stored says how often a teacher is asked.
    """
    if not all(plan.is_asked_alike for plan in plans):
        return None
    return content_id(
        {
            "problems": problems.digest,
            "dropped": sorted(dropped),
            "teachers": [plan.spec.model_dump(mode="json") for plan in plans],
            "attempts": recipe.attempts.model_dump(mode="json"),
            "policies": recipe.policies,
            "judged": sorted([*chain, identity] for chain, identity in judged.items()),
            "templates": version("jinja2"),
        }
    )


def shards(
    problems: Sequence[Problem], plans: Sequence[TeacherPlan], wanted: WantedSamples, shard_problems: int
) -> Iterator[Shard]:
    """Yield the shards in which some teacher still has a sample to be asked for."""
    for first in range(0, len(problems), shard_problems):
        for plan in plans:  # in turn, so that all endpoints are busy from the start
            if _has_all(plan, first, min(first + shard_problems, len(problems)), wanted):
                continue
            shard = _plan_shard(problems[first : first + shard_problems], first, plan, wanted)
            if shard.assignments:
                yield shard


def _has_all(plan: TeacherPlan, first: int, end: int, wanted: WantedSamples) -> bool:
    """Return whether all samples are stored of the problems from `first` up to, not including, `end`: none is read."""
    every_sample, is_one_step = plan.attempts.max * (end - first), len(plan.strategy.steps) == 1
    return plan.is_asked_alike and is_one_step and wanted.stored_count(plan.position, first, end - 1) == every_sample


def _plan_shard(problems: Sequence[Problem], first: int, plan: TeacherPlan, wanted: WantedSamples) -> Shard:
    """Return what the problems at positions `first` and on still want from one teacher, by the last snapshot."""
    stored = stored_samples(plan, first, first + len(problems) - 1, wanted)
    verdicts: dict[str, Verdict | None] = {}  # of the stored steps of samples that are not complete
    begun: dict[str, Attempt] = {}
    everything = (
        _assignment(plan, problem, stored[first + offset], verdicts, begun) for offset, problem in enumerate(problems)
    )
    assignments = tuple(assignment for assignment in everything if assignment is not None)
    for chain in wanted.chains(verdicts):
        begun[chain.candidate_id] = Attempt(chain, verdicts[chain.candidate_id])
    name = content_id([plan.spec.name, [assignment.request_ids[0][0] for assignment in assignments]])[:12]
    return Shard(name, plan, first, assignments)


def _left_to_ask(
    problems: Sequence[Problem],
    plans: Sequence[TeacherPlan],
    wanted: WantedSamples,
    shard_problems: int,
    later: Collection[int],
) -> int:
    """Return how many requests may still be sent at most, by the last snapshot: none for a decided problem.

    Those for problems at the positions of `later` turns are not among them: they have rounds of their own.
    """
    left = wanted.missing()
    if later:
        for plan in plans:
            for position in later:
                attempts = plan.attempts if plan.is_asked_alike else plan.attempts_at(problems[position])
                found = stored_samples(plan, position, position, wanted)[position]
                left -= (attempts.max if attempts is not None else 0) - len(found)
    elif left in (0, wanted.count()):
        return left
    if all(plan.attempts.is_fixed and len(plan.strategy.steps) == 1 for plan in plans):
        return left
    for first in range(0, len(problems), shard_problems):
        for plan in plans:
            for position, samples in stored_samples(plan, first, first + shard_problems - 1, wanted).items():
                # Problems are on disk, and only what is there already depends on them.
                attempts = plan.attempts if plan.is_asked_alike else plan.attempts_at(problems[position])
                if attempts is not None and position not in later:
                    left -= _not_needed(plan.strategy, attempts, samples)
    return left


def _not_needed(strategy: Strategy, attempts: Attempts, samples: Samples) -> int:
    """Return how many requests that are not stored will never be sent."""
    steps, known = len(strategy.steps), complete_samples(strategy, samples)
    if not wants_more(attempts, known):
        return attempts.max * steps - sum(len(found) for found in samples.values())
    return sum(steps - len(samples[index]) for index in known)


def stored_samples(plan: TeacherPlan, first: int, last: int, wanted: WantedSamples) -> dict[int, Samples]:
    """Return what is stored of one teacher by position."""
    stored: dict[int, Samples] = defaultdict(dict)
    for outcome in wanted.stored(plan.position, first, last):
        steps = stored[outcome.position].setdefault(outcome.sample_index, {})
        steps[outcome.step] = StepOutcome(outcome.verdict, outcome.is_truncated, outcome.calls)
    return stored


def complete_samples(strategy: Strategy, samples: Samples) -> dict[int, Verdict | None]:
    """Return the verdicts of the samples of which no step has yet to be asked."""
    last = {index: strategy.last_step(found) for index, found in samples.items()}
    return {index: samples[index][step].verdict for index, step in last.items() if step is not None}


def _prefix(known: Mapping[int, Verdict | None]) -> list[Verdict]:
    prefix: list[Verdict] = []
    while (verdict := known.get(len(prefix))) is not None:
        prefix.append(verdict)
    return prefix


def wants_more(attempts: Attempts, known: Mapping[int, Verdict | None]) -> bool:
    """Return whether some sample may still have to be bought."""
    return bool(next_samples(attempts, _prefix(known))) and any(index not in known for index in range(attempts.max))


def _assignment(
    plan: TeacherPlan,
    problem: Problem,
    samples: Samples,
    verdicts: dict[str, Verdict | None],
    begun: Mapping[str, Attempt],
) -> Assignment | None:
    """Return what is wanted of one problem, if anything; stored steps of incomplete samples go to `verdicts`."""
    attempts = plan.attempts_at(problem)
    known = complete_samples(plan.strategy, samples)
    if attempts is None or plan.stored is not None or not wants_more(attempts, known) or problem.follows is not None:
        return None  # later turns have rounds of their own
    opening = plan.strategy.opening(problem)
    opening_id = prompt_id(opening)
    ids = plan.request_ids(problem, opening_id, attempts.max)
    for index, steps in samples.items():
        if index not in known:
            verdicts.update((ids[index][step], outcome.verdict) for step, outcome in steps.items())
    return Assignment(problem, attempts, opening, opening_id, ids, known, begun)


def round_of_samples(
    problems: Sequence[Problem],
    plans: tuple[TeacherPlan, ...],
    wanted: WantedSamples,
    shard_problems: int,
    later: Collection[int] = (),
) -> AskingRound:
    """Return the round in which the samples of all problems are asked for, but those at positions of `later` turns."""

    def again(shard: Shard) -> Shard:
        wanted.snapshot()
        return _plan_shard(problems[shard.first : shard.first + shard_problems], shard.first, shard.plan, wanted)

    def planned(plan: TeacherPlan) -> Iterator[PlannedShard]:
        return (
            PlannedShard(shard, partial(again, shard)) for shard in shards(problems, [plan], wanted, shard_problems)
        )

    return AskingRound("ask", plans, planned, lambda: _left_to_ask(problems, plans, wanted, shard_problems, later))
