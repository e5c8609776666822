"""Agreement: on how many problems the usual final answers of teachers are the same, pair by pair; where all err alike.

Teachers that agree on one wrong answer are rarely wrong by chance: such a problem's reference answer wants a look.
"""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Self

from cotfactory.publishing.shown_chain import LONGEST_ANSWER, cut, sha_key
from cotfactory.schemas.group import Group
from cotfactory.schemas.key_like import count_key_like
from cotfactory.schemas.record import Record

SUSPECTS_SHOWN = 20
RIGHT = "RIGHT"
"""Stands for every way to write the right answer, and for no wrong one: those are compared in small letters."""


@dataclass
class PairCount:
    """What the usual answers of two teachers are to each other, in problems."""

    both_right: int = 0
    first_right: int = 0
    second_right: int = 0
    same_wrong: int = 0
    different_wrong: int = 0

    @property
    def problems(self) -> int:
        """Return on how many problems both have a usual answer."""
        return self.agree + self.first_right + self.second_right + self.different_wrong

    @property
    def agree(self) -> int:
        """Return on how many of them it is the same."""
        return self.both_right + self.same_wrong

    def merge(self, other: Self) -> None:
        """Add the counts of further problems."""
        self.both_right += other.both_right
        self.first_right += other.first_right
        self.second_right += other.second_right
        self.same_wrong += other.same_wrong
        self.different_wrong += other.different_wrong

    def add(self, first: str, second: str) -> None:
        """Count one problem."""
        if first == second:
            self.both_right += first == RIGHT
            self.same_wrong += first != RIGHT
        else:
            self.first_right += first == RIGHT
            self.second_right += second == RIGHT
            self.different_wrong += RIGHT not in (first, second)


class Suspect(Record):
    """A problem on which all teachers that have a usual answer have the same wrong one."""

    problem: str
    question: str
    reference: str
    answer: str
    teachers: int


@dataclass
class Agreement:
    """Counts of problems: `compared` have a usual answer of two teachers or more, on `agreed` all of these are the
    same, on `same_wrong` the same wrong one; `pairs` by the name of the first of two teachers in the recipe's order,
    then of the second. `suspected` are the SUSPECTS_SHOWN problems with the smallest key, largest first: (-key, id,
    what).
    """

    pairs: dict[str, dict[str, PairCount]] = field(default_factory=dict)
    compared: int = 0
    agreed: int = 0
    same_wrong: int = 0
    suspected: list[tuple[int, str, Suspect]] = field(default_factory=list)

    def add(self, groups: Sequence[Group]) -> None:
        """Count all groups of one problem. A teacher that was shown the answer (`hint`) is asked about nothing."""
        usual = {group.teacher: usual_answer(group) for group in groups if group.strategy != "hint"}
        answers = {teacher: answer for teacher, answer in usual.items() if answer is not None}
        for (first, first_answer), (second, second_answer) in combinations(answers.items(), 2):
            self._pair(first, second).add(first_answer, second_answer)
        if len(answers) < 2:
            return
        self.compared += 1
        if len(set(answers.values())) == 1:
            self.agreed += 1
            (answer,) = set(answers.values())
            if answer != RIGHT:
                self.same_wrong += 1
                self._suspect(groups[0], answer, len(answers))

    def merge(self, other: Self) -> None:
        """Add the counts of further problems."""
        for first, counts in other.pairs.items():
            for second, count in counts.items():
                self._pair(first, second).merge(count)
        self.compared += other.compared
        self.agreed += other.agreed
        self.same_wrong += other.same_wrong
        for suspected in other.suspected:
            self._hold(suspected)

    @property
    def by_teachers(self) -> dict[tuple[str, str], PairCount]:
        """Return the counts by the names of both teachers."""
        return {(first, second): pair for first, counts in self.pairs.items() for second, pair in counts.items()}

    def suspects(self) -> list[Suspect]:
        """Return the problems with the smallest sha of their id, SUSPECTS_SHOWN at most."""
        return [suspect for _, _, suspect in sorted(self.suspected, reverse=True)]

    def _suspect(self, group: Group, answer: str, teachers: int) -> None:
        problem = group.problem
        texts = (f"{problem.source} {problem.source_row_id}", problem.question, problem.answer, answer)
        if any(map(count_key_like, texts)):
            return
        name, question, reference, found = (cut(text, LONGEST_ANSWER) for text in texts)
        suspect = Suspect(problem=name, question=question, reference=reference, answer=found, teachers=teachers)
        self._hold((-sha_key(problem.problem_id), problem.problem_id, suspect))

    def _hold(self, suspected: tuple[int, str, Suspect]) -> None:
        heapq.heappush(self.suspected, suspected)
        if len(self.suspected) > SUSPECTS_SHOWN:
            heapq.heappop(self.suspected)

    def _pair(self, first: str, second: str) -> PairCount:
        return self.pairs.setdefault(first, {}).setdefault(second, PairCount())


def usual_answer(group: Group) -> str | None:
    """Return the answer that a teacher gives most often: RIGHT, or the wrong one; None without a single most frequent.

    Attempts without an answer, and those that we could not judge, do not count. Example: correct, 17, 17 is `17`;
    correct, 17 is undecided.
    """
    counted = Counter(
        RIGHT
        if candidate.grade.verdict == "correct"
        else " ".join((candidate.grade.extracted_answer or "").casefold().split())
        for candidate in group.candidates
        if candidate.grade.verdict in ("correct", "incorrect")
    )
    first, second = [*counted.most_common(2), (None, 0), (None, 0)][:2]
    return first[0] if first[1] > second[1] else None
