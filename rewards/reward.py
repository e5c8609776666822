"""From a verdict to a number: 1 for right, 0 for wrong; all else is an option that is off."""

from dataclasses import dataclass

from cotfactory.schemas.grade import Grade

STATED_AS_ASKED = frozenset(("boxed", "fenced_block"))
"""The rules of extraction that find an answer where our prompts ask for it."""


@dataclass(frozen=True)
class RewardRules:
    """What a verdict is worth.

    With `require_steps` a right answer that stands on a wrong step is worth what an incorrect one is.
    `length_penalty` is taken off for every 1,000 characters beyond `free_characters`; `format_reward` is added where
    the answer stands in the form that our prompts ask for. Without `allow_weak` what was tested within a program's
    reach has no reward: a policy would learn to forge it.
    """

    correct: float = 1.0
    incorrect: float = 0.0
    no_answer: float = 0.0
    require_steps: bool = False
    length_penalty: float = 0.0
    free_characters: int = 0
    format_reward: float = 0.0
    allow_weak: bool = False


def reward_of(grade: Grade, wrong_step: str | None, characters: int, rules: RewardRules) -> float | None:
    """Return the reward of a completion of so many characters; None for what is ungraded, and for weak tests."""
    if grade.verdict == "ungraded" or (grade.evidence.weak and not rules.allow_weak):
        return None
    worth = {"correct": rules.correct, "incorrect": rules.incorrect, "no_answer": rules.no_answer}
    reward = worth[grade.verdict]
    if rules.require_steps and wrong_step is not None:
        reward = rules.incorrect
    if rules.format_reward and grade.evidence.rule in STATED_AS_ASKED:
        reward += rules.format_reward
    if rules.length_penalty:
        reward -= rules.length_penalty * max(0, characters - rules.free_characters) / 1000
    return reward
