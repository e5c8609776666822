"""Job: one recipe that is worked on in one workspace, with all that its stages need; a stage takes the job."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self, TypeVar

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
    `asks` for nothing, no teacher is called.
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

    async def stage(self, name: str, work: Callable[[Self], T]) -> T:
        """Run one stage of the job on a thread and return what it returns."""
        return await self.runner.run(name, on_thread(lambda: work(self)))

    def over(self, wanted: WantedSamples) -> Self:
        """Return the same job over other samples."""
        return replace(self, wanted=wanted)
