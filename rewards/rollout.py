"""Rollout: one completion that a trainer wants a reward for; Rewarded: what came of it."""

from dataclasses import dataclass

from cotfactory.schemas.grade import Grade

WEAK_CHECK = "weak_check"
"""Its tests ran within the program's reach, which can forge what they say."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """One completion of a policy under training.

    `problem_id` is as the trainer gave it, `text` the completion as it was sampled, `reasoning` its thinking where that
    came apart. `finish_reason` is the word of the trainer's server. `step` and `checkpoint` say how far the training
    was, where the trainer says it; `policy` is who wrote it, None for the policy that the server was started for.
    """

    problem_id: str
    text: str
    reasoning: str | None = None
    finish_reason: str = "stop"
    step: int | None = None
    checkpoint: str | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class Rewarded:
    """A rollout's grade, and the number made of it: None where there is none to be had, which is never a reward of 0.

    `wrong_step` is the first thing a right chain states that does not hold, None without one.
    """

    problem_id: str
    grade: Grade
    wrong_step: str | None
    reward: float | None

    @property
    def masked_for(self) -> str | None:
        """Return why there is no reward: why it is ungraded, or `weak_check`; None where there is one."""
        if self.reward is not None:
            return None
        return self.grade.reason if self.grade.verdict == "ungraded" else WEAK_CHECK
