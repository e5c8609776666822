"""PolicyProgress: how the rollouts of a policy were rewarded, as far as its training had come by then."""

from typing import Literal

from pydantic import Field

from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.record import Record

Axis = Literal["training step", "checkpoint", "rollout of its problem"]


class RolloutShare(Record):
    """The rollouts of one domain in one stretch of a training.

    `rewarded` are those that have a reward, `reward` is the mean of theirs; `characters` is the mean length.
    `wrong_steps` counts the right ones that stand on a wrong step, `rules` the right ones by rule of extraction.
    """

    domain: str
    rollouts: int
    rewarded: int
    reward: float | None
    right: int
    wrong_steps: int
    characters: float
    rules: dict[str, int] = Field(default_factory=dict)


class Stretch(Record):
    """Neighbouring steps of a training, named after the first of them."""

    name: str
    shares: tuple[RolloutShare, ...]


class PolicyProgress(Record):
    """The rollouts of one policy, in the order of its training.

    `axis` is what that order is taken from: where the trainer says no step it is the checkpoint, where it says neither
    how often the problem was rolled out before. `alarms` are those of the servers that have ended.
    """

    policy: str
    axis: Axis
    stretches: tuple[Stretch, ...]
    alarms: tuple[Alarm, ...] = ()
