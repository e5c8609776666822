"""Watch a teacher's answers as they come, and raise an alarm where they look wrong as a whole.

A run that buys ten thousand truncated or identical chains is a run's money lost, and nothing about any one of them
says so. Each alarm is raised once, as soon as it rests on enough samples; a few counts and the hashes of the problems
that are being asked are all that is kept.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b

from schemas.alarm import Alarm, AlarmKind
from schemas.candidate import Candidate
from schemas.recipe import Alarms

REMEMBERED_PROBLEMS = 4_096
SHORT_TEXT = 100
"""Characters; answers as short as this may well be the same by chance."""
REFUSAL = re.compile(
    r"\W{0,3}(?:(?:I'm|I am|I’m) (?:very |really |truly )?sorry|Sorry|I apologi[sz]e|Unfortunately)?,?\s?(?:but )?"
    r"(?:I|we) (?:can't|can’t|cannot|can not|won't|will not|am unable to|am not able to|must decline to)"
    r"(?: \w+)? (?:help|assist|answer|provide|comply|fulfil|continue|discuss|engage)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class UsualAnswers:
    """What earlier runs of the recipe had from a teacher: how many samples, and their means."""

    samples: int
    output_tokens: float
    latency_ms: float


class TeacherWatch:
    """The counts of one teacher during one run."""

    def __init__(
        self, teacher: str, model: str, alarms: Alarms, usual: UsualAnswers | None, *, wants_reasoning: bool
    ) -> None:
        self._teacher, self._model, self._alarms, self._usual = teacher, model, alarms, usual
        self._wants_reasoning = wants_reasoning
        self._samples = self._truncated = self._unreasoned = self._refused = self._other_model = 0
        self._output_tokens = self._latency_ms = 0.0
        self._texts: OrderedDict[str, set[bytes]] = OrderedDict()
        self._compared = self._repeated = 0
        self._raised: set[AlarmKind] = set()

    def saw(self, candidate: Candidate, answered_as: str) -> list[Alarm]:
        """Count one sample, answered by the model that calls itself `answered_as`; return the alarms it raises."""
        self._samples += 1
        self._truncated += candidate.is_truncated
        self._unreasoned += not candidate.reasoning
        self._refused += REFUSAL.match(candidate.response) is not None
        self._other_model += not is_same_model(self._model, answered_as)
        self._output_tokens += candidate.usage.output_tokens
        self._latency_ms += candidate.latency_ms
        self._compare(candidate)
        return self._check() if self._samples >= self._alarms.min_samples else []

    def stops_on(self, alarm: Alarm) -> bool:
        """Whether the recipe says to stop then."""
        return alarm.kind in self._alarms.stop_on

    def _compare(self, candidate: Candidate) -> None:
        """Note whether the text was seen before among the samples of its problem."""
        text = f"{candidate.reasoning or ''}\0{candidate.response}"
        if len(text) <= SHORT_TEXT:
            return
        key = blake2b(text.encode(), digest_size=8).digest()
        before = self._texts.setdefault(candidate.problem_id, set())
        if before:
            self._compared += 1
            self._repeated += key in before
        before.add(key)
        if len(self._texts) > REMEMBERED_PROBLEMS:
            self._texts.popitem(last=False)

    def _check(self) -> list[Alarm]:
        limits, samples = self._alarms, self._samples
        found = [
            self._share("truncated", self._truncated, limits.truncated_share, "were cut off by the token limit"),
            self._share("refusals", self._refused, limits.refusal_share, "refuse to answer"),
            self._share("wrong_model", self._other_model, 0.0, f"came from another model than {self._model}"),
        ]
        if self._wants_reasoning:
            found.append(self._share("no_reasoning", self._unreasoned, limits.no_reasoning_share, "have no reasoning"))
        if self._compared >= limits.min_samples and self._repeated > limits.repeated_share * self._compared:
            text = f"{self._repeated} of {self._compared} samples repeat an earlier one of their problem word for word"
            found.append(self._alarm("not_sampling", self._repeated, self._compared, text))
        usual = self._usual
        if usual is not None and usual.samples >= limits.min_samples:
            tokens, latency_ms = self._output_tokens / samples, self._latency_ms / samples
            if tokens > limits.times_usual * usual.output_tokens:
                text = f"an answer takes {tokens:.0f} output tokens, {usual.output_tokens:.0f} in earlier runs"
                found.append(self._alarm("dear", samples, samples, text))
            if latency_ms > limits.times_usual * usual.latency_ms:
                text = f"an answer takes {latency_ms / 1000:.1f} s, {usual.latency_ms / 1000:.1f} s in earlier runs"
                found.append(self._alarm("slow", samples, samples, text))
        return [alarm for alarm in found if alarm is not None]

    def _share(self, kind: AlarmKind, seen: int, limit: float, what: str) -> Alarm | None:
        if seen <= limit * self._samples:
            return None
        return self._alarm(kind, seen, self._samples, f"{seen} of {self._samples} samples {what}")

    def _alarm(self, kind: AlarmKind, seen: int, samples: int, text: str) -> Alarm | None:
        if kind in self._raised:
            return None
        self._raised.add(kind)
        return Alarm(teacher=self._teacher, kind=kind, seen=seen, samples=samples, text=text)


def is_same_model(declared: str, answered: str) -> bool:
    """Whether an answer's model is the one declared: endpoints add dates, and owners in front of a slash.

    >>> is_same_model("gpt-4o", "gpt-4o-2024-08-06"), is_same_model("org/R1", "r1"), is_same_model("R1", "V3")
    (True, True, False)
    """
    one, other = (name.rpartition("/")[2].lower() for name in (declared, answered))
    return one in other or other in one
