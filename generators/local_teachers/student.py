"""What a fallible student says: right, slipped, confident, lucky, truncated, hedged or unanswered.

Everything that is said depends on the model, the problem and the sample alone, by sha256: the same question
asked again gets the same answer, in any process and any order.
"""

import re
from fractions import Fraction
from random import Random
from typing import Literal, NamedTuple

from cotfactory.generators.local_teachers.final_answers import hedge, state_answer, wrong_answer
from cotfactory.generators.local_teachers.prose_answers import Mode, prose_answer
from cotfactory.generators.local_teachers.solution_chain import solution_prose, worked_from_solution
from cotfactory.generators.problems.chains import Worked, evaluate, write_lines
from cotfactory.generators.problems.procedural_source import worked_procedural
from cotfactory.schemas.ids import seed_from
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.teacher_spec import StudentShares

Thinking = Literal["tagged", "separate", "none"]

OPENINGS = ("Let me work through this step by step.", "Let us see what is asked.", "Step by step:", "Okay.")
MUSINGS = (
    "Let me read the question once more and sort out what is given and what is wanted.",
    "I try to recall how such a question is usually treated.",
    "There may be several ways to see this, so I compare them before I decide.",
)
GUESSES = (
    "I have seen this kind of question before, so I do not need to work it out.",
    "This can be seen at once.",
    "The usual rule of thumb settles it.",
)
GIVING_UP = (
    "From here I do not know how to go on.",
    "I am not sure which step comes next, so I have to stop.",
    "I could not finish this.",
)
SLIPS_TRIED = 40
MOST_CALLS = 3


class StudentReply(NamedTuple):
    """What the student says; `reasoning` is None where the thinking is part of the content, or not shown.

    `mode` is how it answered in the end: a student who knows no steps cannot slip in one.
    """

    mode: Mode
    content: str
    reasoning: str | None


class _Draft(NamedTuple):
    """The lines of the working, the sentence that closes it, and the final statement."""

    steps: list[str]
    closing: list[str]
    final: str


def worked(problem: Problem) -> Worked | None:
    """Return the problem worked out, from its family or its solution; None where there is neither."""
    return worked_procedural(problem) or worked_from_solution(problem)


def draw_mode(model: str, problem_id: str, sample: int, shares: StudentShares) -> Mode:
    """Return in which way a sample is answered; over many samples the modes come in these shares."""
    drawn = _random("mode", model, problem_id, sample).random()
    faults: tuple[tuple[Mode, float], ...] = (
        ("slipped", shares.slipped),
        ("confident", shares.confident),
        ("lucky", shares.lucky),
        ("truncated", shares.truncated),
        ("hedged", shares.hedged),
        ("unanswered", shares.unanswered),
    )
    for mode, share in faults:
        if drawn < share:
            return mode
        drawn -= share
    return "right"


def answer_problem(
    problem: Problem, known: Worked | None, model: str, sample: int, shares: StudentShares
) -> StudentReply:
    """Return what the student `model` says to a problem as its sample number `sample`.

    `known` is `worked(problem)`. Without it a student who would slip in a step is wrong without any
    (`confident`), and one who would be lucky is right. A program with no known solution stays unanswered.
    """
    mode = draw_mode(model, problem.problem_id, sample, shares)
    rng = _random("words", model, problem.problem_id, sample)
    thinking = _thinking(model, problem.problem_id, sample, shares)
    if problem.rubric is not None:
        return _think_and_say(*prose_answer(mode, problem, rng), thinking)
    if problem.answer_kind == "code":
        mode, draft = _draft_program(mode, problem, rng)
    else:
        mode, draft = _draft_chain(mode, problem, known, rng)
    return _compose(mode, draft, thinking, rng)


def _thinking(model: str, problem_id: str, sample: int, shares: StudentShares) -> Thinking:
    drawn = _random("thinking", model, problem_id, sample).random()
    if drawn < shares.tagged:
        return "tagged"
    return "separate" if drawn < shares.tagged + shares.separate else "none"


def _think_and_say(mode: Mode, said: str, thinking: Thinking) -> StudentReply:
    thought = "\n".join(MUSINGS)
    if thinking == "separate":
        return StudentReply(mode, said, thought)
    return StudentReply(mode, f"<think>\n{thought}\n</think>\n\n{said}" if thinking == "tagged" else said, None)


def next_call(model: str, problem_id: str, sample: int, made: int) -> str | None:
    """Return the code of the call that a sample makes after `made` ones, None when it has called enough: 0 to 3 times.

    Each goes on from what the ones before it left.
    """
    rng = _random("calls", model, problem_id, sample)
    first, times = rng.randint(2, 99), rng.randint(0, MOST_CALLS)
    if made >= times:
        return None
    return f"total = {first}\ntotal" if made == 0 else f"total = total * {made + 1} + {first}\nprint(total)"


def _random(*parts: str | int) -> Random:
    return Random(seed_from("student", *parts))  # noqa: S311 - nothing secret


def _draft_chain(mode: Mode, problem: Problem, known: Worked | None, rng: Random) -> tuple[Mode, _Draft]:
    right = problem.answer
    given = _slip(known, rng) if known else None
    if mode == "lucky":
        lucky = _draft_lucky(known, rng) if known else None
        mode = "lucky" if lucky else "right"
        if lucky:
            return mode, lucky._replace(final=state_answer(problem, right, rng))
    if known is None or given is None:
        mode = "confident" if mode == "slipped" else mode
        other = wrong_answer(problem, rng)
    else:
        other = known.conclude(evaluate(known.chain, given))
    draft = _spoken(known, given if mode == "slipped" else {}) if known else _Draft(_prose(problem), [], "")
    match mode:
        case "slipped":
            return mode, draft._replace(final=state_answer(problem, other, rng))
        case "confident":
            return mode, _Draft([], [rng.choice(GUESSES)], state_answer(problem, other, rng))
        case "hedged":
            return mode, _Draft(draft.steps, [], hedge(problem, right, other, rng))
        case "unanswered":
            return mode, _Draft(draft.steps[:-1], [], rng.choice(GIVING_UP))
        case _:
            return mode, draft._replace(final=state_answer(problem, right, rng))


def _prose(problem: Problem) -> list[str]:
    """Return what is said where no steps are known: a solution's own words, as far as they give no letter away."""
    return (solution_prose(problem) if problem.answer_kind == "math" else []) or list(MUSINGS)


def _spoken(known: Worked, given: dict[int, Fraction] | None) -> _Draft:
    values = evaluate(known.chain, given)
    return _Draft(write_lines(known.chain, values), [known.closing(values)] if known.closing else [], "")


def _draft_lucky(known: Worked, rng: Random) -> _Draft | None:
    """Return a chain with a wrong step whose last step comes out right all the same, or None.

    `3 * 4 = 13`, `13 + 5 = 17`. Where that does not save the answer, one step is only misstated:
    `3 * 4 = 13`, `12 + 5 = 17`.
    """
    values = evaluate(known.chain)
    right, last = known.conclude(values), len(values) - 1
    for _ in range(SLIPS_TRIED if last else 0):
        step = rng.randrange(last)
        given = {step: _misreckoned(values[step], rng), last: values[last]}
        carried = _evaluated(known, given)
        if carried and known.conclude(carried) == right:
            return _spoken(known, given)
    step = rng.randrange(len(values))
    shown = {step: _misreckoned(values[step], rng)}
    return _spoken(known, None)._replace(steps=write_lines(known.chain, values, shown))


def _slip(known: Worked, rng: Random) -> dict[int, Fraction] | None:
    """Return one step and a wrong result for it that changes the answer; None where none was found.

    Slips that keep later results as plain as they were (`12 / 4`, not `13 / 4`) are preferred.
    """
    values = evaluate(known.chain)
    right = known.conclude(values)
    for tried in range(SLIPS_TRIED):
        step = rng.randrange(len(values))
        given = {step: _misreckoned(values[step], rng)}
        carried = _evaluated(known, given)
        if carried and known.conclude(carried) != right:
            plain = all(
                new.denominator <= old.denominator and (new > 0 or old <= 0)
                for new, old in zip(carried, values, strict=True)
            )
            if plain or tried > SLIPS_TRIED // 2:
                return given
    return None


def _evaluated(known: Worked, given: dict[int, Fraction]) -> list[Fraction] | None:
    try:
        return evaluate(known.chain, given)
    except ZeroDivisionError:
        return None


def _misreckoned(value: Fraction, rng: Random) -> Fraction:
    """Return a result close to the right one: off by a few in the last place, or by ten.

    26.2 never becomes 26, which a reader would take for rounded, but 25.
    """
    sign = rng.choice((-1, 1))
    wrong = value + sign * Fraction(rng.choice((1, 1, 2, 3, 10)), value.denominator)
    return wrong if wrong.denominator == value.denominator else wrong + sign


def _draft_program(mode: Mode, problem: Problem, rng: Random) -> tuple[Mode, _Draft]:
    """Return the known solution, or one that returns nothing at all, in a fenced block."""
    if not problem.solution or mode == "unanswered":
        return "unanswered", _Draft(list(MUSINGS), [], rng.choice(GIVING_UP))
    right = f"```python\n{problem.solution.strip()}\n```"
    wrong = RETURNED.sub("return None", right)
    if mode == "truncated":
        return mode, _Draft(right.splitlines()[:-1], [], "")
    if mode == "hedged":
        return mode, _Draft(list(MUSINGS), [], f"{right}\n\nOr rather:\n\n{wrong}")
    if mode in ("slipped", "confident"):
        return "confident", _Draft(list(MUSINGS), [], wrong)
    return "right", _Draft(list(MUSINGS), [], right)


RETURNED = re.compile(r"\breturn\b.*")


def _compose(mode: Mode, draft: _Draft, thinking: Thinking, rng: Random) -> StudentReply:
    """Put the working into the thinking or the answer; a truncated one stops in the middle of it."""
    working = "\n".join([rng.choice(OPENINGS), *draft.steps, *([] if mode == "truncated" else draft.closing)])
    if mode == "truncated":
        cut = working[: max(1, int(len(working) * rng.uniform(0.35, 0.8)))]
        if thinking == "separate":
            return StudentReply(mode, "", cut)
        return StudentReply(mode, f"<think>\n{cut}" if thinking == "tagged" else cut, None)
    if thinking == "none":
        return StudentReply(mode, f"{working}\n\n{draft.final}", None)
    recap = rng.choice((draft.steps, draft.steps[-1:], []))
    response = "\n".join([*recap, *draft.closing, draft.final])
    if thinking == "separate":
        return StudentReply(mode, response, working)
    return StudentReply(mode, f"<think>\n{working}\n</think>\n\n{response}", None)
