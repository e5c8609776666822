"""The simulated writer: problems from a seed, good and bad, and what the answer to each of them is.

What it writes can be taken apart again, so that simulated students who are asked it know the right answer and err as
often as they always do. Bad replies come in the student's own shares: `slipped` means something else than the seed,
`confident` copies it, `lucky` tells the answer, `truncated` is cut, `hedged` is two problems, `unanswered` is none, or
broken JSON.
"""

import re
from collections.abc import Iterable
from random import Random

from cotfactory.generators.ask.writing_strategy import TOLD
from cotfactory.generators.local_teachers.question_index import QuestionIndex
from cotfactory.generators.local_teachers.student import draw_mode
from cotfactory.schemas.grown_rules import GrownWay
from cotfactory.schemas.ids import content_id, seed_from
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.teacher_spec import StudentShares

ASKS_FOR_A_PROBLEM = "between <problem> and </problem>"
WORDS_APART = 4
ASIDES = ("(so it is said)", "(as we know)", "(mind you)", "(take note)", "(by the way)")
_ASIDE = re.compile(r" \((?:so it is said|as we know|mind you|take note|by the way)\)")
_TWIST = re.compile(r" Somebody then takes what comes out (?P<times>\d{1,4}) times and adds (?P<more>\d{1,4}) to it\.")
WHOLE = re.compile(r"-?\d{1,12}")


def written(prompt: str, seed: Problem, model: str, sample: int, shares: StudentShares) -> str | None:
    """Return the reply to a request for a problem from a seed; None where the prompt asks for none."""
    if ASKS_FOR_A_PROBLEM not in prompt:
        return None
    way: GrownWay = next((way for way, told in TOLD.items() if told in prompt), "harder")
    asked = content_id([seed.problem_id, way])
    rng = Random(seed_from("writer", model, asked, sample))  # noqa: S311 - nothing secret
    good = _text(seed, way, rng)
    match draw_mode(model, asked, sample, shares):
        case "slipped":
            said = _text(seed, "harder", rng)
        case "confident":
            said = seed.question
        case "lucky":
            said = f"{good}\nAnswer: {seed.answer}"
        case "truncated":
            return f"<problem>{good[: len(good) // 2]}"
        case "hedged":
            return f"<problem>{good}</problem>\nOr else:\n<problem>{seed.question}</problem>"
        case "unanswered":
            return rng.choice(("", "I would rather write about something else.", f'{{"problem": "{good}'))
        case _:
            said = good
    return f"Here it is.\n<problem>\n{said}\n</problem>"


def _text(seed: Problem, way: GrownWay, rng: Random) -> str:
    words = seed.question.split()
    parts = [" ".join(words[start : start + WORDS_APART]) for start in range(0, len(words), WORDS_APART)]
    text = "".join(f"{part} {rng.choice(ASIDES)} " for part in parts[:-1]) + parts[-1]
    if way == "rephrase" or not WHOLE.fullmatch(seed.answer):
        return text
    times, more = rng.randint(2, 99), rng.randint(1, 999)
    return f"{text} Somebody then takes what comes out {times} times and adds {more} to it. What does this give?"


class WrittenProblems:
    """The problems that simulated teachers wrote, known again by what they did to their seeds."""

    def __init__(self, seeds: Iterable[Problem]) -> None:
        self._seeds = {" ".join(seed.question.split()): seed for seed in seeds}
        self._index = QuestionIndex(self._seeds)

    def asked_in(self, prompt: str) -> Problem | None:
        """Return the written problem that a prompt asks, with its answer; None where it asks none."""
        said = " ".join(prompt.split())
        twist = _TWIST.search(said)
        if twist is None and not _ASIDE.search(said):
            return None
        question = self._index.find(_ASIDE.sub("", said))
        if question is None:
            return None
        seed = self._seeds[question]
        answer = seed.answer
        if twist is not None:
            answer = str(int(answer) * int(twist["times"]) + int(twist["more"]))
        told = {"question": said, "answer": answer, "solution": None, "source": "written"}
        return seed.model_copy(update={**told, "problem_id": content_id(["written", said])})
