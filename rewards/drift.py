"""RewardDrift: whether a policy has learnt the grader instead of the task.

Three shares of its right answers are watched: those that stand on a wrong step, those whose answer was found by one
rule of extraction, those with one and the same final answer; and of all completions the share without a reward, which
a policy may learn to prefer to a wrong answer. One that doubles against the first 2,000 completions is an alarm, told
once.
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


MASKED = ("masked", "")
"""The share of all completions, not of the right ones."""


@dataclass
class _Window:
    completions: int = 0
    right: int = 0
    shares: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, rewarded: Rewarded) -> None:
        self.completions += 1
        if rewarded.reward is None:
            self.shares[MASKED] += 1
        if rewarded.grade.verdict != "correct":
            return
        self.right += 1
        self.shares["rule", rewarded.grade.evidence.rule or "none"] += 1
        self.shares["answer", (rewarded.grade.extracted_answer or "")[:MOST_ANSWER_CHARS]] += 1
        if rewarded.wrong_step is not None:
            self.shares["wrong_step", ""] += 1

    def of(self, what: tuple[str, str]) -> int:
        """Return of how many completions something is a share."""
        return self.completions if what == MASKED else self.right

    def share(self, what: tuple[str, str]) -> float:
        return self.shares[what] / self.of(what) if self.of(what) else 0.0


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
        doubled = [
            what
            for what in last.shares
            if last.of(what) >= FEWEST_RIGHT
            and last.share(what) >= 2 * max(first.share(what), FLOOR / 2)
            and what not in self._told
        ]
        self._told.update(doubled)
        return [self._alarm(what, first, last) for what in sorted(doubled)]

    def _alarm(self, what: tuple[str, str], first: _Window, last: _Window) -> Alarm:
        kind, name = what
        about = {
            "wrong_step": "stand on a wrong step",
            "rule": f"were found by the rule {name!r}",
            "answer": f"are {name!r}",
            "masked": "have no reward",
        }[kind]
        whose = "completions" if what == MASKED else "right answers"
        return Alarm(
            teacher=self._teacher,
            kind="reward_drift",
            seen=last.shares[what],
            samples=last.of(what),
            text=f"{last.share(what):.0%} of the last {last.of(what):,} {whose} {about}, "
            f"{first.share(what):.0%} of the first {first.of(what):,} before",
        )
