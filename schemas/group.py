"""Group: all attempts of one teacher at one problem, graded and decided - what curation and release work on."""

from cotfactory.schemas.candidate import Candidate, StrategyName
from cotfactory.schemas.grade import Decision, Grade, Split
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.record import Record
from cotfactory.schemas.review import Review
from cotfactory.schemas.teaching import Message


class GradedCandidate(Record):
    """A candidate and its current grade.

    `turns` are the answers with calls of a tool that led to it. `tool_difference` says which of the calls gave
    something else back when they were run again; None: none did, or they were not run again. `earlier_output_tokens`
    are those of earlier answers that are a part of what is published: calls of a tool, thinking cut at its budget.
    Of a later turn of a conversation `before` is the answer that it follows, and `asked` all that was said up to it.
    """

    candidate: Candidate
    grade: Grade
    turns: tuple[Candidate, ...] = ()
    tool_difference: str | None = None
    earlier_output_tokens: int = 0
    before: "GradedCandidate | None" = None
    asked: tuple[Message, ...] = ()

    @property
    def output_tokens(self) -> int:
        """Tokens of all that is published of it, as the endpoint billed them."""
        return self.candidate.usage.output_tokens + self.earlier_output_tokens

    @property
    def text(self) -> str:
        """All that was said, called and given back, as one text: what every check of a chain reads."""
        if not self.turns:
            return self.candidate.text
        chain = (*self.turns, self.candidate)
        return "\n".join(part for candidate in chain for part in _parts(candidate))


def _parts(candidate: Candidate) -> tuple[str, ...]:
    calls = (call.code for call in candidate.tool_calls if call.id is not None)
    return (*candidate.tool_results, candidate.text, *calls)


class PassRate(Record):
    """How often a model solves a problem: c of n graded samples (`ungraded` ones are in neither).

    `rate` is unbiased under the stopping rule that ended the sampling; it is c / n for a fixed number
    of samples, and None when nothing was graded.
    """

    rate: float | None
    n: int
    c: int


class StepCount(Record):
    """How often the answer was right from the end of a step on: c of n; of the last one it is the chain's verdict."""

    n: int
    c: int


class LabelledChain(Record):
    """A candidate that was rolled out: `steps` join to its thinking (or response), `counts` line up with them."""

    candidate_id: str
    steps: tuple[str, ...]
    counts: tuple[StepCount, ...]


def is_draft(step: GradedCandidate) -> bool:
    """Whether an earlier step answers the plain prompt, as a first try or a draft does, and nobody cut it."""
    return step.candidate.strategy == "solve" and step.candidate.is_finished


class Group(Record):
    """The attempts of one teacher at one problem, in the order of their sample index.

    `messages` is the problem's plain prompt, as a student is to be asked; of a later turn of a conversation the
    questions alone, as each of its candidates follows answers of its own. `decisions` lines up with `candidates`,
    one each. `earlier_steps` are the plans, drafts and critiques that a strategy asked for on the way to the
    candidates, `earlier_decisions` what was decided about them. `pass_rate` is that of first answers to a prompt
    without the answer. `labelled` are those of them whose steps have labels; `reviews` what people said of them,
    and of the problem.
    """

    problem: Problem
    teacher: str
    model: str
    strategy: StrategyName = "solve"
    messages: tuple[Message, ...]
    candidates: tuple[GradedCandidate, ...]
    earlier_steps: tuple[GradedCandidate, ...] = ()
    earlier_decisions: tuple[Decision, ...] = ()
    decisions: tuple[Decision, ...]
    pass_rate: PassRate
    labelled: tuple[LabelledChain, ...] = ()
    reviews: tuple[Review, ...] = ()

    @property
    def drafts(self) -> list[tuple[GradedCandidate, Decision]]:
        """Earlier answers to the plain prompt that came to their end, which a strategy then went on from."""
        decided = {decision.candidate_id: decision for decision in self.earlier_decisions}
        drafts = ((step, decided.get(step.candidate.candidate_id)) for step in self.earlier_steps if is_draft(step))
        return [(step, decision) for step, decision in drafts if decision is not None]

    @property
    def split(self) -> Split:
        """Where the rows of the problem go."""
        return self.decisions[0].split if self.decisions else "train"
