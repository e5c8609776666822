"""What a recipe wants: every sample it may ask for, and the shards that still have something to ask."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from generators.local_teachers.recordings import RecordingCounts
from generators.render_prompt import prompt_renderer
from generators.stopping import next_samples
from graders.grade import grader_name_and_version
from schemas.grade import Verdict
from schemas.ids import content_id, grade_id, prompt_id, request_id
from schemas.problem import Problem
from schemas.recipe import Attempts, Recipe, TeacherSpec
from schemas.teaching import Message
from warehouse.wanted import WantedSample, WantedSamples


@dataclass(frozen=True)
class Asker:
    """A teacher of the recipe, ready to have prompts rendered for it.

    `recorded` counts the completions a replay teacher has, so that none is asked for which does not exist.
    """

    position: int
    spec: TeacherSpec
    render: Callable[[Problem], tuple[Message, ...]]
    attempts: Attempts
    recorded: RecordingCounts | None

    def attempts_at(self, problem: Problem) -> Attempts | None:
        """Return the rule for one problem; None when no completion of it was recorded."""
        if self.recorded is None:
            return self.attempts
        available = min(self.attempts.max, self.recorded.available(problem.question, self.spec.model))
        return self.attempts.model_copy(update={"max": available}) if available else None


@dataclass(frozen=True)
class Assignment:
    """One problem for one teacher: what to send, the request ids by sample index, and what is known already."""

    problem: Problem
    attempts: Attempts
    messages: tuple[Message, ...]
    prompt_id: str
    request_ids: tuple[str, ...]
    known: Mapping[int, Verdict | None]

    def known_prefix(self) -> list[Verdict]:
        """Return the verdicts of the first samples, as far as they are known without a gap."""
        return _prefix(self.known)


@dataclass(frozen=True)
class Shard:
    """Some problems for one teacher; the unit of a Prefect task and of a journal."""

    name: str
    asker: Asker
    first: int
    assignments: tuple[Assignment, ...]


def askers_of(recipe: Recipe, recorded: Mapping[str, RecordingCounts]) -> tuple[Asker, ...]:
    """Return the recipe's teachers; `recorded` holds the counts of those that replay recordings, by name."""
    return tuple(
        Asker(position, spec, prompt_renderer(spec.prompt), recipe.attempts, recorded.get(spec.name))
        for position, spec in enumerate(recipe.teachers)
    )


def repeated_questions(problems: Sequence[Problem], askers: Sequence[Asker]) -> Iterator[list[str]]:
    """Yield the ids of problems to drop because another problem's prompt is the same: one request would answer both.

    Of those that agree on answer and tests the one with the smallest id stays; where they contradict each other
    nobody knows who is right, and none stays.
    """
    first: dict[bytes, int] = {}  # prompt -> position of the first problem that has it
    later: dict[bytes, list[int]] = defaultdict(list)
    for position, problem in enumerate(problems):
        for prompt in {bytes.fromhex(prompt_id(asker.render(problem))) for asker in askers}:
            if first.setdefault(prompt, position) != position:
                later[prompt].append(position)
    for prompt, positions in later.items():
        group = sorted((problems[at] for at in (first[prompt], *positions)), key=lambda one: one.problem_id)
        agree = len({(one.answer_kind, one.answer, str(one.tests)) for one in group}) == 1
        yield [one.problem_id for one in (group[1:] if agree else group)]


def wanted_samples(problems: Sequence[Problem], askers: Sequence[Asker]) -> Iterator[WantedSample]:
    """Yield every sample the recipe may ask for, up to `attempts.max`, whether or not it exists already."""
    for position, problem in enumerate(problems):
        grader, version = grader_name_and_version(problem)
        for asker in askers:
            for index, candidate_id in enumerate(_request_ids(asker, problem, asker.render(problem))):
                yield WantedSample(
                    position,
                    asker.position,
                    index,
                    problem.problem_id,
                    candidate_id,
                    grade_id(candidate_id, problem, grader, version),
                )


def shards(
    problems: Sequence[Problem], askers: Sequence[Asker], wanted: WantedSamples, shard_problems: int
) -> Iterator[Shard]:
    """Yield the shards in which some teacher still has a sample to be asked for."""
    for first in range(0, len(problems), shard_problems):
        for asker in askers:  # in turn, so that all endpoints are busy from the start
            shard = plan_shard(problems[first : first + shard_problems], first, asker, wanted)
            if shard.assignments:
                yield shard


def plan_shard(problems: Sequence[Problem], first: int, asker: Asker, wanted: WantedSamples) -> Shard:
    """Return what the problems at positions `first` and on still want from one teacher, by the last snapshot."""
    known = _known(asker, first, first + len(problems) - 1, wanted)
    everything = (_assignment(asker, one, known[first + offset]) for offset, one in enumerate(problems))
    assignments = tuple(one for one in everything if one is not None)
    name = content_id([asker.spec.name, [one.request_ids[0] for one in assignments]])[:12]
    return Shard(name, asker, first, assignments)


def left_to_ask(
    problems: Sequence[Problem], askers: Sequence[Asker], wanted: WantedSamples, shard_problems: int
) -> int:
    """Return how many samples may still be asked for at most, by the last snapshot: none of a decided problem."""
    left = wanted.missing()
    if left == wanted.count() or all(asker.attempts.is_fixed for asker in askers):
        return left
    for first in range(0, len(problems), shard_problems):
        for asker in askers:
            for position, known in _known(asker, first, first + shard_problems - 1, wanted).items():
                # Problems are on disk, and only what was recorded depends on them.
                attempts = asker.attempts if asker.recorded is None else asker.attempts_at(problems[position])
                if attempts is not None and not _wants_more(attempts, known):
                    left -= attempts.max - len(known)
    return left


def _known(asker: Asker, first: int, last: int, wanted: WantedSamples) -> dict[int, dict[int, Verdict | None]]:
    """Return the stored verdicts of one teacher by position and sample index."""
    known: dict[int, dict[int, Verdict | None]] = defaultdict(dict)
    for stored in wanted.verdicts(asker.position, first, last):
        known[stored.position][stored.sample_index] = stored.verdict
    return known


def _prefix(known: Mapping[int, Verdict | None]) -> list[Verdict]:
    prefix: list[Verdict] = []
    while (verdict := known.get(len(prefix))) is not None:
        prefix.append(verdict)
    return prefix


def _wants_more(attempts: Attempts, known: Mapping[int, Verdict | None]) -> bool:
    """Return whether some sample may still have to be bought."""
    return bool(next_samples(attempts, _prefix(known))) and any(index not in known for index in range(attempts.max))


def _assignment(asker: Asker, problem: Problem, known: Mapping[int, Verdict | None]) -> Assignment | None:
    attempts = asker.attempts_at(problem)
    if attempts is None or not _wants_more(attempts, known):
        return None
    messages = asker.render(problem)
    return Assignment(problem, attempts, messages, prompt_id(messages), _request_ids(asker, problem, messages), known)


def _request_ids(asker: Asker, problem: Problem, messages: tuple[Message, ...]) -> tuple[str, ...]:
    attempts = asker.attempts_at(problem)
    prompt = prompt_id(messages)
    return tuple(
        request_id(prompt, asker.spec.model, asker.spec.sampling, index)
        for index in range(attempts.max if attempts else 0)
    )
