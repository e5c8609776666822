"""Writing: which problems a grown source wants of which seeds, and what is asked of the teacher for those it writes.

A request is one seed, one way and one sample of it, bought and stored like any other, so that more problems are only
ever more requests.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice
from typing import NamedTuple

from cotfactory.flows.ask.assignments import AskingRound, Assignment
from cotfactory.flows.ask.holds_samples import HoldsSamples
from cotfactory.flows.ask.prompts_of_chains import PromptsOfChains
from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.generators.ask.writing_strategy import WritingStrategy
from cotfactory.generators.problems.grown_source import WAYS
from cotfactory.graders.grading import grader_name_and_version
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.grown_rules import WRITTEN_WAYS, GrownWay
from cotfactory.schemas.ids import grade_id, prompt_id
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import GrownSource
from cotfactory.schemas.recipe import Attempts, Recipe
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.warehouse.wanted_file import WantedSample
from cotfactory.warehouse.workspace import Workspace

CHECKED_BY_ANSWER = ("math", "text")
"""The answer kinds of problems that can be written anew: others hang on choices, tests or criteria."""


class Place(NamedTuple):
    """One problem that is wanted: of which seed, in which way, which sample; `problem` where construction gives it."""

    position: int
    way: GrownWay
    sample: int
    problem: Problem | None


def places(seeds: Sequence[Problem], source: GrownSource) -> list[Place]:
    """Return the problems that a source wants: each seed in each way, and from the start again up to its `count`."""
    return list(islice(_places(seeds, source), source.count))


def _places(seeds: Sequence[Problem], source: GrownSource) -> Iterator[Place]:
    written: list[tuple[int, GrownWay]] = []
    for position, seed in enumerate(seeds):
        for way in source.ways if seed.follows is None else ():  # a later turn says nothing alone
            if way in WRITTEN_WAYS:
                if _can_be_written(seed, way):
                    written.append((position, way))
                    yield Place(position, way, 0, None)
            elif (problem := WAYS[way](seed)) is not None:
                yield Place(position, way, 0, problem)
    if source.count is None or not written:
        return
    for sample in count(1):
        for position, way in written:
            yield Place(position, way, sample, None)


def _can_be_written(seed: Problem, way: GrownWay) -> bool:
    """Whether a new problem can have an answer of the seed's kind."""
    if seed.answer_kind not in CHECKED_BY_ANSWER or seed.answer_tolerance is not None or seed.tests is not None:
        return False
    return seed.program is None and (way != "program" or seed.answer_kind == "math")


def writer_of(recipe: Recipe, source: GrownSource) -> TeacherSpec:
    """Return the teacher that writes."""
    return next(spec for spec in recipe.teachers if spec.name == source.by)


class Writing(HoldsSamples):
    """What a source asks its teacher to write, and the replies that are stored. A context manager.

    `wanted` are the requests: the step of one is the number of its way.
    """

    def __init__(
        self,
        recipe: Recipe,
        source: GrownSource,
        seeds: Sequence[Problem],
        wanted: Sequence[Place],
        workspace: Workspace,
    ) -> None:
        super().__init__()
        spec = writer_of(recipe, source)
        self._recipe, self._ways, self._seeds = recipe, source.ways, seeds
        self._strategy = WritingStrategy(spec)
        self._samples = Counter((place.position, place.way) for place in wanted if place.problem is None)
        most = max(self._samples.values(), default=1)
        self.plan = TeacherPlan(0, spec, self._strategy, Attempts(max=most), None)
        self.wanted = self._opened(workspace, self._wanted())

    def round(self) -> AskingRound:
        """Return what is left to be asked, by the last snapshot of `wanted`."""
        asked = PromptsOfChains(self.wanted, self._recipe.shard_problems, lambda _: self._assignments())
        return AskingRound("write", (self.plan,), asked.shards, self.wanted.missing)

    def replies(self, name: str) -> Iterator[tuple[tuple[int, GrownWay, int], Candidate, Grade]]:
        """Yield the stored replies, each with seed, way and sample; `name` is the recipe's."""
        for group in self.wanted.groups(name):
            for step in group.steps:
                key = (group.position, self._ways[step.step], step.candidate.sample_index)
                yield key, step.candidate, step.grade

    def _assignments(self) -> Iterator[tuple[int, Mapping[int, Assignment]]]:
        for position, seed in enumerate(self._seeds):
            found: dict[int, Assignment] = {}
            for number, way in enumerate(self._ways):
                if samples := self._samples[position, way]:
                    messages = self._strategy.to_write(seed, way)
                    asked = prompt_id(messages)
                    ids = self._strategy.ids_of_samples(asked, samples)
                    attempts = Attempts(max=samples)
                    found[number] = Assignment(seed, attempts, messages, asked, ids, known={}, begun={})
            if found:
                yield position, found

    def _wanted(self) -> Iterator[WantedSample]:
        for position, numbered in self._assignments():
            seed = self._seeds[position]
            grader, version = grader_name_and_version(seed)
            for number, assignment in numbered.items():
                for index, (candidate_id,) in enumerate(assignment.request_ids):
                    identity = grade_id(candidate_id, seed, grader, version)
                    yield WantedSample(position, 0, index, number, seed.problem_id, candidate_id, identity)
