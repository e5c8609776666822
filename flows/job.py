"""Job: one recipe that is worked on in one workspace, with all that its stages need; a stage takes the job."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from cotfactory.flows.nodes.choice import shard_problems
from cotfactory.flows.nodes.nodes_of_run import NodesOfRun
from cotfactory.flows.review.people_verdicts import PeoplesVerdicts
from cotfactory.flows.run_record import Run
from cotfactory.flows.stage_runner import StageRunner, on_thread
from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.graders.grader import Tools
from cotfactory.schemas.drop_reasons import DropReason
from cotfactory.warehouse.problem_spool import ProblemSpool
from cotfactory.warehouse.wanted import WantedSamples

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """A recipe's problems, its teachers and the samples it wants, while the workspace is held for them.

    `dropped` says why problems are not asked, by their id; `people` what people decided about chains. Where the job
    `asks` for nothing, no teacher is called. With `nodes` they are called from there, else from this process.
    """

    run: Run
    runner: StageRunner
    problems: ProblemSpool
    dropped: Mapping[str, DropReason]
    plans: tuple[TeacherPlan, ...]
    wanted: WantedSamples
    tools: Tools
    people: PeoplesVerdicts
    asks: bool
    nodes: NodesOfRun | None = None

    @property
    def shard_problems(self) -> int:
        """How many problems a shard has."""
        most = self.run.recipe.shard_problems
        return most if self.nodes is None else shard_problems(most, len(self.problems))

    async def stage(self, name: str, work: Callable[[Self], T]) -> T:
        """Run one stage of the job on a thread and return what it returns."""
        return await self.runner.run(name, on_thread(lambda: work(self)))

    async def end_nodes(self) -> None:
        """End what was started to ask from, where there is any: nothing more is asked."""
        if self.nodes is not None:
            await self.nodes.close()

    def over(self, wanted: WantedSamples) -> Self:
        """Return the same job over other samples."""
        return replace(self, wanted=wanted)
