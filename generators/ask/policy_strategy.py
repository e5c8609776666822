"""PolicyStrategy: a teacher reasons over the clauses of policies that the published prompt does not hold.

Deliberative alignment (arXiv 2412.16339): chains are made with the policy in the prompt and learned without it, so that
a student recalls what holds and reasons by it.
"""

from collections.abc import Sequence

from cotfactory.generators.ask.render_prompt import policy_renderer
from cotfactory.generators.ask.strategies import Messages, Strategy
from cotfactory.schemas.candidate import RequestStrategy
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.teacher_spec import TeacherSpec


class PolicyStrategy(Strategy):
    """One request for each sample: the policies, then the problem as the teacher's prompt puts it."""

    def __init__(self, spec: TeacherSpec, policies: Sequence[str]) -> None:
        super().__init__(spec)
        self._policy = policy_renderer("\n\n".join(policy.strip() for policy in policies))

    def opening(self, problem: Problem) -> Messages:
        """Return the messages of the request, policies included."""
        *before, asked = self.plain(problem)
        return (*before, asked.model_copy(update={"content": self._policy(asked.content)}))

    def name_of(self, number: int) -> RequestStrategy:
        """Return that every answer is one with the policies in sight."""
        return "deliberate"
