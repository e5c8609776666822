"""Shards of a round that asks about stored chains: so many samples of each prompt that is made of one."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from cotfactory.flows.ask.assignments import Assignment, PlannedShard, Shard
from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.ids import content_id
from cotfactory.warehouse.wanted import WantedSamples

Place = tuple[int, int]
"""Where the samples of one prompt are: the position of the problem, and the number of the prompt at it."""


@dataclass(frozen=True)
class PromptsOfChains:
    """What is wanted, by prompts: `placed` yields those for a teacher at each problem, by their number at it."""

    wanted: WantedSamples
    shard_problems: int
    placed: Callable[[TeacherPlan], Iterable[tuple[int, Mapping[int, Assignment]]]]

    def shards(self, plan: TeacherPlan) -> Iterator[PlannedShard]:
        """Yield the shards in which a teacher still has something to be asked for."""
        if not self.wanted.missing():
            return  # without reading all chains again to find that out
        assignments: dict[Place, Assignment] = {}
        first, problems = 0, 0
        for position, numbered in self.placed(plan):
            if problems == 0:
                first = position
            problems += 1
            assignments.update(((position, number), assignment) for number, assignment in numbered.items())
            if problems == self.shard_problems:
                yield from self._planned(plan, first, assignments)
                assignments, problems = {}, 0
        yield from self._planned(plan, first, assignments)

    def _planned(
        self, plan: TeacherPlan, first: int, assignments: Mapping[Place, Assignment]
    ) -> Iterator[PlannedShard]:
        shard = self._shard(plan, first, assignments)
        if shard.assignments:
            yield PlannedShard(shard, partial(self._again, plan, first, assignments))

    def _again(self, plan: TeacherPlan, first: int, assignments: Mapping[Place, Assignment]) -> Shard:
        self.wanted.snapshot()
        return self._shard(plan, first, assignments)

    def _shard(self, plan: TeacherPlan, first: int, assignments: Mapping[Place, Assignment]) -> Shard:
        known: dict[Place, dict[int, Verdict | None]] = defaultdict(dict)
        if assignments:
            for outcome in self.wanted.stored(plan.position, first, max(position for position, _ in assignments)):
                known[outcome.position, outcome.step][outcome.sample_index] = outcome.verdict
        left = tuple(
            replace(assignment, known=known[place])
            for place, assignment in assignments.items()
            if len(known[place]) < len(assignment.request_ids)
        )
        name = content_id([plan.spec.name, [assignment.request_ids[0][0] for assignment in left]])[:12]
        return Shard(name, plan, first, left)
