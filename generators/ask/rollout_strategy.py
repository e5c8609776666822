"""RolloutStrategy: a teacher goes on from the beginning of a solution, in one request whose id is that of its words."""

from cotfactory.generators.ask.render_prompt import go_on_renderer
from cotfactory.generators.ask.strategies import Messages, Strategy
from cotfactory.schemas.candidate import RequestStrategy
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.teacher_spec import TeacherSpec


class RolloutStrategy(Strategy):
    """One request for each rollout, with the sampling of the teacher's first answers."""

    def __init__(self, spec: TeacherSpec) -> None:
        super().__init__(spec.model_copy(update={"retry_truncated": None}))
        self._go_on = go_on_renderer()

    def go_on(self, problem: Problem, beginning: str) -> Messages:
        """Return the messages that ask to go on from `beginning`."""
        return (*self._system, self._go_on(problem, beginning.rstrip()))

    def name_of(self, number: int) -> RequestStrategy:
        """Return that every answer is a rollout."""
        return "rollout"
