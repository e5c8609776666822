"""Alarm: what looks wrong about a teacher's answers as a whole."""

from typing import Literal

from cotfactory.schemas.record import Record

AlarmKind = Literal[
    "not_sampling", "truncated", "no_reasoning", "wrong_model", "refusals", "slow", "dear", "reward_drift"
]


class Alarm(Record):
    """One thing about one teacher, told once a run: `seen` of `samples` samples (or problems) when it was raised."""

    teacher: str
    kind: AlarmKind
    seen: int
    samples: int
    text: str
