"""ExaminedChain: what the checks of a chain read; ChainFinding: what a chain was found to be; ProblemFindings: all of
a problem's."""

from cotfactory.schemas.drop_reasons import DropReason, Flag
from cotfactory.schemas.group import GradedCandidate
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.record import Record


class ExaminedChain(Record):
    """What the checks read: the whole chain, and what it was asked, of a later turn with the questions before it.

    `dropped_before` is what the answer that it follows would be dropped for by itself.
    """

    text: str
    prompt: str
    problem: Problem
    graded: GradedCandidate
    dropped_before: DropReason | None = None


class ChainFinding(Record):
    """One candidate, judged on its own, with all that choosing among candidates needs; its text is not in it.

    `length` is in characters, `text_key` equal for equal texts, `equations` the ids of the equations it states,
    `operations` what it does with which two numbers; `calls`: whether it called a tool.
    """

    candidate_id: str
    sample_index: int
    reason: DropReason | None
    detail: str | None
    flags: tuple[Flag, ...]
    length: int = 0
    text_key: str = ""
    equations: tuple[int, ...] = ()
    operations: tuple[str, ...] = ()
    calls: bool = False


class ProblemFindings(Record):
    """The chains of one problem, a tuple for each of its groups, and what their problem adds.

    `outside` says why the problem is outside the recipe's difficulty; `operations` are those of its reference solution.
    """

    problem_id: str
    groups: tuple[tuple[ChainFinding, ...], ...]
    outside: str | None
    operations: tuple[str, ...] = ()
