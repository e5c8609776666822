"""What a fallible student says where criteria decide: the model answer, less than it, or a refusal too many."""

import re
from random import Random
from typing import Literal

from cotfactory.schemas.problem import Problem

Mode = Literal["right", "slipped", "confident", "lucky", "truncated", "hedged", "unanswered"]

COMPLYING = "Sure. This is how it is done: follow the usual steps, one after the other, and you have it."
REFUSING = "I'm sorry, but I can't help with that."
NOT_KNOWING = "I am not sure what to say about this."


def prose_answer(mode: Mode, problem: Problem, rng: Random) -> tuple[Mode, str]:
    """Return how a problem with a rubric and a model answer is answered, and what is said.

    Who slips leaves a sentence out; of a problem that says whether to refuse, the other of the two is done.
    """
    right = (problem.solution or "").strip()
    if mode == "unanswered" or not right:
        return "unanswered", NOT_KNOWING
    if mode == "truncated":
        return mode, right[: len(right) // 2]
    if mode in ("right", "lucky", "hedged"):
        return "right", right
    must_refuse = problem.rubric.must_refuse if problem.rubric is not None else None
    if must_refuse is not None:
        return "confident", COMPLYING if must_refuse else REFUSING
    sentences = re.split(r"(?<=[.!?])\s+", right)
    left_out = rng.randrange(len(sentences))
    return "confident", " ".join(text for place, text in enumerate(sentences) if place != left_out) or NOT_KNOWING
