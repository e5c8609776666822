"""WritingStrategy: a teacher writes a new problem from a solved one, in one request; it is told no answer.

The problem is to stand between two tags rather than in JSON: `"\\frac"` is a form feed and `rac` to whoever reads JSON,
and no error tells of it.
"""

from cotfactory.generators.ask.render_prompt import writing_renderer
from cotfactory.generators.ask.strategies import Messages, Strategy
from cotfactory.schemas.candidate import RequestStrategy
from cotfactory.schemas.grown_rules import GrownWay
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.teacher_spec import TeacherSpec

TOLD: dict[GrownWay, str] = {
    "rephrase": (
        "Write the same problem in other words: other sentences in another order, the same numbers, the same answer. "
        "Do not copy a sentence."
    ),
    "harder": (
        "Write a new problem that this one inspires and that takes more steps to solve, about another situation and "
        "with other numbers."
    ),
    "program": (
        "Write a new problem that this one inspires and that a short program answers: by trying out, counting or "
        "simulating."
    ),
}
"""Way -> what the teacher is told."""


class WritingStrategy(Strategy):
    """One request for each problem that is written, with the sampling of the teacher."""

    def __init__(self, spec: TeacherSpec) -> None:
        super().__init__(spec.model_copy(update={"retry_truncated": None}))
        self._write = writing_renderer()

    def to_write(self, seed: Problem, way: GrownWay) -> Messages:
        """Return the messages that ask for a problem from a seed."""
        return (*self._system, self._write(seed, TOLD[way]))

    def name_of(self, number: int) -> RequestStrategy:
        """Return that every answer is a problem."""
        return "problem"
