"""JudgeStrategy: a teacher says which criteria of a rubric are true of an answer, in one request a vote.

The answer is shown blind: without who wrote it, and without what it was thought of. Half of the votes see the criteria
in their order and half in the reverse one, for judges favour what they read first. Where the answer begins and ends,
and each line of the reply, is told by a word that whoever wrote the answer cannot know.
"""

from cotfactory.generators.ask.render_prompt import judge_renderer
from cotfactory.generators.ask.strategies import Messages, Strategy
from cotfactory.schemas.candidate import RequestStrategy
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.rubric import judgement_mark
from cotfactory.schemas.teacher_spec import TeacherSpec


class JudgeStrategy(Strategy):
    """One request for each vote, with the sampling of the teacher."""

    def __init__(self, spec: TeacherSpec, told: str | None) -> None:
        super().__init__(spec)
        self._judge = judge_renderer(told)

    def to_judge(self, problem: Problem, response: str, judged_id: str, *, reverse: bool) -> Messages:
        """Return the messages that ask what is true of a response."""
        assert problem.rubric is not None
        criteria = list(problem.rubric.judged.items())
        asked = self._judge(problem, criteria[::-1] if reverse else criteria, response, judgement_mark(judged_id))
        return (*self._system, asked)

    def name_of(self, number: int) -> RequestStrategy:
        """Return that every answer is a judgement."""
        return "judgement"
