"""How the simulated student states a final answer, wavers between two, or makes up a wrong one."""

import re
from random import Random

from cotfactory.generators.problems.families.short_text import MONTHS, WEEKDAYS
from cotfactory.schemas.problem import CHOICE_LETTERS, Problem

SIMPLE_FRACTION = re.compile(r"(-?)\\frac\{(\d+)\}\{(\d+)\}")
WHOLE_NUMBER = re.compile(r"\d+")
WORD = re.compile(r"[A-Za-z]{3,}")
CLOSED_SETS = (WEEKDAYS, MONTHS, ("yes", "no"), ("Yes", "No"), ("true", "false"), ("True", "False"))

SENTENCES = (
    "The answer is {plain}.",
    "Therefore, the final answer is {plain}.",
    "**Answer: {plain}**",
    "Final answer: {plain}",
    "\\boxed{{{exact}}}",
    "So the answer is $\\boxed{{{exact}}}$.",
)
MATH_SENTENCES = (*SENTENCES, "#### {plain}")
CHOICE_SENTENCES = (
    "The answer is ({exact}).",
    "**Answer: {exact}**",
    "Answer: ({exact})",
    "The correct answer is {exact}.",
    "So the answer is $\\boxed{{{exact}}}$.",
)
HEDGES = (
    "The answer is {first}. But if the question is meant differently, the answer is {second}.",
    "It is hard to say. Either \\boxed{{{first_exact}}} or \\boxed{{{second_exact}}}.",
    "Answer: {first}\nOr perhaps:\nAnswer: {second}",
    "The final answer is {first} or {second}.",
)


def state_answer(problem: Problem, answer: str, rng: Random) -> str:
    """Return a sentence that states `answer` so that a careful reader finds this one, or a program that prints it."""
    if problem.program is not None:
        return _printing(answer)
    if problem.answer_kind == "choice":
        sentences: tuple[str, ...] = CHOICE_SENTENCES
    else:
        sentences = MATH_SENTENCES if problem.answer_kind == "math" else SENTENCES
    return rng.choice(sentences).format(plain=_plain(problem, answer, rng), exact=answer)


def hedge(problem: Problem, answer: str, other: str, rng: Random) -> str:
    """Return a text that states two different final answers and does not decide between them."""
    first, second = rng.sample((answer, other), 2)
    if problem.program is not None:
        return _printing(f"{first} or {second}")
    return rng.choice(HEDGES).format(
        first=_plain(problem, first, rng),
        second=_plain(problem, second, rng),
        first_exact=first,
        second_exact=second,
    )


def _printing(text: str) -> str:
    return f"```python\nprint({text!r})\n```"


def _plain(problem: Problem, answer: str, rng: Random) -> str:
    """Write an answer into a sentence: a letter in brackets, LaTeX in dollars, a fraction either way."""
    if problem.answer_kind == "choice":
        return f"({answer})"
    if "\\" not in answer:
        return answer
    fraction = SIMPLE_FRACTION.fullmatch(answer)
    return f"{fraction[1]}{fraction[2]}/{fraction[3]}" if fraction and rng.random() < 0.5 else f"${answer}$"


def wrong_answer(problem: Problem, rng: Random) -> str:
    """Return an answer of the same kind that is not the reference answer.

    A letter becomes another letter; a word of a closed set another of it; else the first number in the
    answer is changed, or a word taken from the question.
    """
    right = problem.answer
    if problem.answer_kind == "choice":
        return rng.choice([letter for letter in CHOICE_LETTERS[: len(problem.choices or "AB")] if letter != right])
    for words in CLOSED_SETS:
        if right in words:
            return rng.choice([word for word in words if word != right])
    if digits := WHOLE_NUMBER.search(right):
        changed = str(int(digits[0]) + rng.randint(1, 9)).zfill(len(digits[0]))
        return right[: digits.start()] + changed + right[digits.end() :]
    if problem.answer_kind == "math":
        return f"{right} + {rng.randint(1, 9)}"
    accepted = problem.answer.lower()
    others = sorted({word for word in WORD.findall(problem.question) if word.lower() not in accepted})
    return rng.choice(others) if others else f"not {right}"
