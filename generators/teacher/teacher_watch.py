"""Watch a teacher's answers as they come, and raise an alarm where they look wrong as a whole.

A run that buys ten thousand truncated or identical chains is a run's money lost, and nothing about any one of them
says so. Each alarm is raised once, as soon as it rests on enough samples. Only the newest samples count, so that a
teacher that goes bad late in a long run is noticed as soon as one that was bad from the start; flags of those and
hashes of the texts of the problems that are being asked are all that is kept.
"""

import math
import re
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from cotfactory.generators.teacher.completions import UNNAMED
from cotfactory.schemas.alarm import Alarm, AlarmKind
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.recipe import Alarms

WINDOW = 500
"""Samples that count. A teacher that truncates everything from the 100,000th sample on is told 136 samples later."""
DEVIATIONS = 4.0
"""How far a count must lie above what its limit allows, in standard deviations of a count at that limit: a sound
teacher is looked at again after every sample, and must not be stopped by the luck of one of these looks."""
REMEMBERED_PROBLEMS = 4_096
SHORT_TEXT = 100
"""Characters; answers as short as this may well be the same by chance."""
REFUSAL = re.compile(
    r"\W{0,3}(?:(?:I'm|I am|I’m) (?:very |really |truly )?sorry|Sorry|I apologi[sz]e|Unfortunately)?,?\s?(?:but )?"
    r"(?:I|we) (?:can't|can’t|cannot|can not|won't|will not|am unable to|am not able to|must decline to)"
    r"(?: \w+)? (?:help|assist|answer|provide|comply|fulfil|continue|discuss|engage)",
    re.IGNORECASE,
)
REVISION = re.compile(r"(?:[-@:](?:latest|free|preview|\d{4}-\d{2}-\d{2}|\d{3,8}))+$")


@dataclass(frozen=True)
class UsualAnswers:
    """What earlier runs of the recipe had from a teacher: how many samples, and their means."""

    samples: int
    output_tokens: float
    latency_ms: float


class AnswerSigns(NamedTuple):
    """What one sample shows of its teacher: flags by alarm (None: it says nothing of that), tokens and time."""

    flags: dict[AlarmKind, bool | None]
    output_tokens: int
    latency_ms: float


class SignReader:
    """Reads the signs of one teacher's samples; `model` is None where any model may answer.

    The samples of a problem are to be read by the same reader, wherever it is: it knows which texts come again.
    """

    def __init__(self, model: str | None) -> None:
        self._model = model or UNNAMED
        self._texts: OrderedDict[str, set[bytes]] = OrderedDict()

    def read(self, candidate: Candidate, answered_as: str) -> AnswerSigns:
        """Return the signs of one sample, answered by the model that calls itself `answered_as`."""
        flags: dict[AlarmKind, bool | None] = {
            "truncated": candidate.is_truncated,
            "refusals": candidate.finish_reason == "content_filter" or REFUSAL.match(candidate.response) is not None,
            "wrong_model": answered_as != UNNAMED and not is_same_model(self._model, answered_as),
            "not_sampling": self._is_repeated(candidate),
            "no_reasoning": not candidate.reasoning,
        }
        return AnswerSigns(flags, candidate.usage.output_tokens, candidate.latency_ms)

    def _is_repeated(self, candidate: Candidate) -> bool | None:
        """Whether the text was seen before among the samples of its problem; None when nothing can be said."""
        text = candidate.text
        if len(text) <= SHORT_TEXT:
            return None
        key = blake2b(text.encode(), digest_size=8).digest()
        before = self._texts.setdefault(candidate.problem_id, set())
        repeated = key in before if before else None
        before.add(key)
        if len(self._texts) > REMEMBERED_PROBLEMS:
            self._texts.popitem(last=False)
        return repeated


class TeacherWatch:
    """The newest samples of one teacher during one run; `model` is None where any model may answer."""

    def __init__(
        self, teacher: str, model: str | None, alarms: Alarms, usual: UsualAnswers | None, *, wants_reasoning: bool
    ) -> None:
        self._teacher, self._alarms, self._usual = teacher, alarms, usual
        shares: dict[AlarmKind, tuple[float, str]] = {
            "truncated": (alarms.truncated_share, "were cut off by the token limit"),
            "refusals": (alarms.refusal_share, "refuse to answer"),
            "not_sampling": (alarms.repeated_share, "repeat an earlier one of their problem word for word"),
        }
        if model is not None:
            shares["wrong_model"] = (0.0, f"came from another model than {model}")
        if wants_reasoning:
            shares["no_reasoning"] = (alarms.no_reasoning_share, "have no reasoning")
        self._shares = shares
        self._seen = {kind: _Newest() for kind in shares}
        self._output_tokens, self._latency_ms = _Newest(), _Newest()
        self._raised: set[AlarmKind] = set()

    def count(self, signs: AnswerSigns) -> list[Alarm]:
        """Count one sample; return the alarms it raises."""
        for kind, newest in self._seen.items():
            if (flag := signs.flags[kind]) is not None:
                newest.add(flag)
        self._output_tokens.add(signs.output_tokens)
        self._latency_ms.add(signs.latency_ms)
        return [alarm for alarm in (*self._too_many(), *self._too_much()) if alarm is not None]

    def stops_on(self, alarm: Alarm) -> bool:
        """Whether the recipe says to stop then."""
        return alarm.kind in self._alarms.stop_on

    def _too_many(self) -> Sequence[Alarm | None]:
        found: list[Alarm | None] = []
        for kind, (limit, what) in self._shares.items():
            seen, samples = int(self._seen[kind].sum), self._seen[kind].count
            if samples < self._alarms.min_samples or seen <= limit * samples:
                continue  # as nearly always, after each sample: no need of a root
            if seen > limit * samples + DEVIATIONS * math.sqrt(samples * limit * (1 - limit)):
                found.append(self._alarm(kind, seen, samples, f"{seen} of the last {samples} samples {what}"))
        return found

    def _too_much(self) -> Sequence[Alarm | None]:
        usual, samples, factor = self._usual, self._output_tokens.count, self._alarms.times_usual
        if usual is None or min(samples, usual.samples) < self._alarms.min_samples:
            return ()
        found: list[Alarm | None] = []
        tokens, latency_ms = self._output_tokens.sum / samples, self._latency_ms.sum / samples
        if tokens > factor * usual.output_tokens:
            text = f"an answer takes {tokens:.0f} output tokens, {usual.output_tokens:.0f} in earlier runs"
            found.append(self._alarm("dear", samples, samples, text))
        if latency_ms > factor * usual.latency_ms:
            text = f"an answer takes {latency_ms / 1000:.1f} s, {usual.latency_ms / 1000:.1f} s in earlier runs"
            found.append(self._alarm("slow", samples, samples, text))
        return found

    def _alarm(self, kind: AlarmKind, seen: int, samples: int, text: str) -> Alarm | None:
        if kind in self._raised:
            return None
        self._raised.add(kind)
        return Alarm(teacher=self._teacher, kind=kind, seen=seen, samples=samples, text=text)


class _Newest:
    """The sum and count of the newest values, `WINDOW` of them at most."""

    def __init__(self) -> None:
        self.sum = 0.0
        self._values: deque[float] = deque()

    @property
    def count(self) -> int:
        return len(self._values)

    def add(self, value: float) -> None:
        self._values.append(value)
        self.sum += value
        if len(self._values) > WINDOW:
            self.sum -= self._values.popleft()


def is_same_model(declared: str, answered: str) -> bool:
    """Whether an answer's model is the one declared, apart from an owner before a slash and a date or revision.

    What else is added makes it another model: a router that falls back to a smaller one of the same family is what
    this is to notice.

    >>> [is_same_model("org/R1", answered) for answered in ("r1", "r1-2025-05-28", "r1-mini")]
    [True, True, False]
    """
    return _plain(declared) == _plain(answered)


@lru_cache
def _plain(name: str) -> str:
    return REVISION.sub("", name.rpartition("/")[2].lower())
