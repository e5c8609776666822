"""Read a written solution as a worked chain, so that a student can slip in one of its steps.

"Janet sells 16 - 3 - 4 = <<16-3-4=9>>9 eggs.\nShe makes 9 * 2 = $<<9*2=18>>18.\n#### 18"
-> 16 - 3 - 4 = 9 and 9 * 2 = 18, where the second uses the result of the first
"""

import re
from collections.abc import Callable
from fractions import Fraction

from cotfactory.generators.problems.chains import (
    OPERATORS,
    Equation,
    Line,
    Part,
    Ref,
    Values,
    Worked,
    WorkedChain,
    write_latex,
    write_number,
)
from cotfactory.schemas.arithmetic import compute
from cotfactory.schemas.problem import Problem

CALCULATOR_NOTE = re.compile(r"<<([^<>=]{1,100})=[^<>]{0,60}>>")
LONGEST_EXPRESSION = 200
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?|\.\d+")
TOKEN = re.compile(rf"(?P<number>{NUMBER.pattern})|(?P<sign>[-+*/()x×÷−])|(?P<skip>[ $]+)")
SIGNS = {"x": "*", "×": "*", "÷": "/", "−": "-"}
EXPRESSION_CHARACTERS = "0123456789., $()+-*/x×÷−"
RESULT = re.compile(rf"\s*\$?({NUMBER.pattern})")
STATES_THE_ANSWER = ("####", "\\boxed", "answer")
PLAIN_ANSWER = re.compile(rf"\$?(-?)({NUMBER.pattern})")
FRACTION_ANSWER = re.compile(r"(-?)\\[dt]?frac\{(\d+)\}\{(\d+)\}")


def worked_from_solution(problem: Problem) -> Worked | None:
    """Return the chain in a problem's solution, or None where none can be followed.

    A chain can be followed when the answer is a number and one of the solution's equations has it as its
    result. What is no equation stays prose; numbers in it that are earlier results follow those results.
    """
    answer = _answer_value(problem.answer) if problem.answer_kind == "math" else None
    if answer is None or not problem.solution:
        return None
    values: list[Fraction] = []
    lines = [_read_line(text, values) for text in solution_prose(problem)]
    if answer not in values:
        return None
    return Worked(WorkedChain(tuple(lines)), _conclusion(problem.answer, _last_with(answer, values)))


def solution_prose(problem: Problem) -> list[str]:
    """Return the lines of a problem's solution but for those that state the answer; none without a solution.

    A calculator note is dropped where it repeats what stands before it, and else spelled out:
    `2 cups * 3 = <<2*3=6>>6` becomes `2 cups * 3 = 2*3 = 6`.
    """
    text = CALCULATOR_NOTE.sub(_note_in_words, problem.solution or "")
    return [
        line
        for line in text.splitlines()
        if line.strip() and not any(mark in line.lower() for mark in STATES_THE_ANSWER)
    ]


def _note_in_words(note: re.Match[str]) -> str:
    before = note.string[max(0, note.start() - LONGEST_EXPRESSION) : note.start()].rstrip(" $=")
    noted = _value(_trailing_expression(note[1])[1])
    is_said = noted is None or _value(_trailing_expression(before)[1]) == noted
    return "" if is_said else f"{note[1]} = "


def _answer_value(answer: str) -> Fraction | None:
    if plain := PLAIN_ANSWER.fullmatch(answer.strip()):
        return Fraction(plain[1] + _digits(plain[2]))
    fraction = FRACTION_ANSWER.fullmatch(answer.strip())
    return Fraction(f"{fraction[1]}{fraction[2]}/{fraction[3]}") if fraction and int(fraction[3]) else None


def _conclusion(answer: str, ref: Ref) -> Callable[[Values], str]:
    write = write_latex if "frac" in answer else write_number
    return lambda values: write(values[ref.step])


def _digits(text: str) -> str:
    return f"0{text}".replace(",", "")


def _last_with(value: Fraction, values: Values) -> Ref:
    return Ref(len(values) - 1 - list(values)[::-1].index(value))


def _read_line(text: str, values: list[Fraction]) -> Line:
    """Split a line into prose and equations; append the results of the equations to `values`."""
    parts: list[Part] = []
    before, *pieces = text.split("=")
    for piece in pieces:
        result = RESULT.match(piece)
        start, terms = _trailing_expression(before)
        exact = _value(terms)
        if result is None or exact is None or exact != Fraction(_digits(result[1])):
            parts.append(f"{before}=")
            before = piece
            continue
        used = [_last_with(t, values) if isinstance(t, Fraction) and t in values else t for t in terms]
        parts += _prose(before[:start], values)
        parts.append(Equation(tuple(used)))
        values.append(exact)
        before = piece[result.end() :]
    parts += _prose(before, values)
    return tuple(parts)


def _trailing_expression(text: str) -> tuple[int, list[Fraction | str]]:
    """Return where the expression at the end of `text` starts, and its terms (none where there is none)."""
    terms: list[Fraction | str] = []
    start = len(text)
    for token in TOKEN.finditer(text, len(text.rstrip(EXPRESSION_CHARACTERS))):
        if token["number"]:
            if terms and isinstance(terms[-1], Fraction):  # `There are 10. 10 + 2 = 12`: it starts anew
                start, terms = token.start(), []
            start = min(start, token.start())
            terms.append(Fraction(_digits(token["number"])))
        elif token["sign"] and (terms or token["sign"] == "("):
            start = min(start, token.start())
            terms.append(SIGNS.get(token["sign"], token["sign"]))
    return start, terms


def _value(terms: list[Fraction | str]) -> Fraction | None:
    if not any(term in OPERATORS for term in terms if isinstance(term, str)):
        return None
    try:
        return compute(terms)
    except (ValueError, ZeroDivisionError, RecursionError):
        return None


def _prose(text: str, values: list[Fraction]) -> list[Part]:
    parts: list[Part] = []
    end = 0
    for mention in NUMBER.finditer(text):
        value = Fraction(_digits(mention[0]))
        if value in values:
            parts += [text[end : mention.start()], _last_with(value, values)]
            end = mention.end()
    return [*parts, text[end:]] if text[end:] else parts
