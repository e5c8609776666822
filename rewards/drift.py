"""RewardDrift: whether a policy has learnt the grader instead of the task.

Three shares of its right answers are watched: those that stand on a wrong step, those whose answer was found by one
rule of extraction, those with one and the same final answer. One that doubles against the first 2,000 completions is
an alarm, told once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from cotfactory.rewards.rollout import Rewarded
from cotfactory.schemas.alarm import Alarm

WINDOW = 2_000
"""Completions of the first window, which the later ones are compared with, and of each of those."""
FEWEST_RIGHT = 100
"""Right answers that a window must hold for a share to mean something."""
FLOOR = 0.05
"""Shares below this are noise, before and after."""
MOST_ANSWER_CHARS = 60


@dataclass
class _Window:
    completions: int = 0
    right: int = 0
    shares: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, rewarded: Rewarded) -> None:
        self.completions += 1
        if rewarded.grade.verdict != "correct":
            return
        self.right += 1
        self.shares["rule", rewarded.grade.evidence.rule or "none"] += 1
        self.shares["answer", (rewarded.grade.extracted_answer or "")[:MOST_ANSWER_CHARS]] += 1
        if rewarded.wrong_step is not None:
            self.shares["wrong_step", ""] += 1

    def share(self, what: tuple[str, str]) -> float:
        return self.shares[what] / self.right if self.right else 0.0


class RewardDrift:
    """Watches the completions of one policy in windows of WINDOW; the first is the one to compare with."""

    def __init__(self, teacher: str) -> None:
        self._teacher = teacher
        self._first: _Window | None = None
        self._window = _Window()
        self._told: set[tuple[str, str]] = set()

    def observe(self, found: Sequence[Rewarded]) -> list[Alarm]:
        """Take completions in; return the alarms of the windows that they fill."""
        alarms: list[Alarm] = []
        for rewarded in found:
            self._window.add(rewarded)
            if self._window.completions < WINDOW:
                continue
            if self._first is not None:
                alarms += self._compared(self._first, self._window)
            elif self._window.right >= FEWEST_RIGHT:
                self._first = self._window
            self._window = _Window()
        return alarms

    def _compared(self, first: _Window, last: _Window) -> list[Alarm]:
        if last.right < FEWEST_RIGHT:
            return []
        doubled = [
            what
            for what in last.shares
            if last.share(what) >= 2 * max(first.share(what), FLOOR / 2) and what not in self._told
        ]
        self._told.update(doubled)
        return [self._alarm(what, first, last) for what in sorted(doubled)]

    def _alarm(self, what: tuple[str, str], first: _Window, last: _Window) -> Alarm:
        kind, name = what
        about = {
            "wrong_step": "stand on a wrong step",
            "rule": f"were found by the rule {name!r}",
            "answer": f"are {name!r}",
        }[kind]
        return Alarm(
            teacher=self._teacher,
            kind="reward_drift",
            seen=last.shares[what],
            samples=last.right,
            text=f"{last.share(what):.0%} of the last {last.right:,} right answers {about}, "
            f"{first.share(what):.0%} of the first {first.right:,} before",
        )
