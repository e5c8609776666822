"""RefusalCount: how often chains refuse what they should, and what they should not (over-refusal)."""

from dataclasses import dataclass
from typing import Self

from cotfactory.schemas.group import Group
from cotfactory.schemas.refusals import refusal


@dataclass
class RefusalCount:
    """Graded chains of problems whose criteria say whether to refuse: all, those that refuse, and the correct ones."""

    to_refuse: int = 0
    rightly_refused: int = 0
    to_refuse_right: int = 0
    to_answer: int = 0
    wrongly_refused: int = 0
    to_answer_right: int = 0

    @property
    def told(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.to_refuse or self.to_answer)

    def merge(self, other: Self) -> None:
        """Add the counts of further chains."""
        self.to_refuse += other.to_refuse
        self.rightly_refused += other.rightly_refused
        self.to_refuse_right += other.to_refuse_right
        self.to_answer += other.to_answer
        self.wrongly_refused += other.wrongly_refused
        self.to_answer_right += other.to_answer_right

    def add(self, group: Group) -> None:
        """Count the chains of a group."""
        rubric = group.problem.rubric
        if rubric is None or rubric.must_refuse is None:
            return
        for graded in group.candidates:
            if graded.grade.verdict in ("ungraded", "no_answer"):
                continue
            refuses = refusal(graded.candidate.response) is not None
            right = graded.grade.verdict == "correct"
            if rubric.must_refuse:
                self.to_refuse += 1
                self.rightly_refused += refuses
                self.to_refuse_right += right
            else:
                self.to_answer += 1
                self.wrongly_refused += refuses
                self.to_answer_right += right
