r"""Choice answers: the one letter a response states in so many words, never a guess.

A statement is "the answer is (C)", "Answer: C", "the correct option is C", "\boxed{C}", a response that is only
"C) Paris", or a last sentence that ends in "is (C)". A statement that gives an option's full text instead of its
letter counts as that letter. A capital letter that merely stands somewhere is none.

All statements of a response must name one letter: "The answer is (A) and (E)", or two sentences that disagree, are
`several_answers`; only a later box corrects an earlier box. A letter the problem does not have is
`letter_beyond_choices`; "C. Paris" where Paris is option D is `letter_and_text_differ`; "None of the above", where
that is no option, is `none_of_the_choices`.
"""

import re

from cotfactory.graders.boxes import MAX_STATEMENTS
from cotfactory.graders.choice_lines import BEHIND, DASHED, conclusion, whole_response
from cotfactory.graders.choice_options import MARKUP, Choice, by_text_of, checked
from cotfactory.graders.extract import ExtractedAnswer, final_answer, without_template_marks
from cotfactory.graders.grader import Tools
from cotfactory.graders.math.expression_answers import ValueFinding
from cotfactory.graders.math.latex import clean, plain_words
from cotfactory.graders.stated_answers import grade_stated
from cotfactory.graders.statements.forms import find_forms
from cotfactory.graders.statements.payload import corrected, payload
from cotfactory.graders.statements.standing import standing
from cotfactory.graders.statements.words import matches_at
from cotfactory.graders.statements.wrappers import set_apart
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import Problem

_STATEMENT = re.compile(
    r"\b(?:(?P<answer>answers?)|(?P<best>(?:correct|best|right|closest|appropriate|accurate) [a-z-]{3,20})"
    r"|option|choice)"
    r"(?:[ \t]+(?:to|for|from|of|among|here|would|should|must|given"
    r"|(?:that|which) (?:best|most|correctly|accurately))\b[^.:\n]{0,80}?)?"
    r"(?:[ \t]*(?:\*\*|\}|\\\)))?[ \t]*"
    r"(?:\b(?:is|are|be)\b[ \t]*(?:\*\*)?[ \t]*[:：]?|(?(answer)[:：=]|(?(best)[:：=]|(?!))))[ \t]*(?:\*\*)?",
    re.IGNORECASE,
)
_STATEMENT_WORDS = ("answer", "correct", "best", "right", "closest", "appropriate", "accurate", "option", "choice")
_LETTER = re.compile(
    MARKUP + r"(?:[(\[]\s*([A-Za-z])\s*(?:[)\]]|\Z)"
    # A bare letter ends where a word ends in any script: "H⁺", "Dürer", "C–H" and "E×B" begin with none.
    r"|\{?([A-Z])\}?(?=\Z|[\s.,;:!?)}\]*\"”`$\\&，。；：！？）、]|[\"'’](?![A-Za-z])|/[A-Z](?![A-Za-z0-9])|입니다|이다|です|である|だ)"
    r"(?!\s*[-=+^_<>·×√]\s*\S|\$[0-9]|[–—]|\s+[–—](?!\s*(?-i:[a-z]{2,} ))|\s+/|[,.](?=\d)"
    r"|[ ]+(?!and\b|or\b|because\b|since\b|as (?!an?\b)|for (?!an?\b)|by (?!an?\b)|due to\b)[a-z]))",
    re.IGNORECASE,
)
_BARE_LOWER = re.compile(r"[a-z]\b")
_MORE = re.compile(
    r"[\s*)}\\$.]*(?:,|/|&|\band\b|\bor\b)+\s*(?:either\s*|option\s*|possibly\s*|maybe\s*|perhaps\s*)*(?:\(([A-Z])(?:\)|\Z)"
    r"|([A-Z])(?![A-Za-z]))"
)
_OR_NONE = re.compile(r"[\s*)}\\$.,]*\bor\s+\(?(?:none|neither|nothing)\b", re.IGNORECASE)
_NEGATION = re.compile(MARKUP + r"(?:\(?\s*(?:not|none|neither|cannot|can't|unknown|unclear)\b)", re.IGNORECASE)
_MAKES = re.compile(
    r"\b(?:making|makes|make) the (?:correct |best |right )?(?:answer|option|choice) (?=\(?[A-Z]\b)", re.IGNORECASE
)
_LISTED = re.compile(MARKUP + r"\(\s*([A-Z])\s*(?:,|and\b|or\b)\s*(?:and\b|or\b)?\s*[A-Z]\s*[,)\s]")
_LAST_SIDE = re.compile(r"=\s*(\([A-Z]\)|[A-Z])\s*\Z")
_ABOUT = re.compile(r"\A\s*(?:approximately|about|roughly|around|nearly)\s+", re.IGNORECASE)
_NONE = re.compile(r"[\s(*]*none of (?:the|these|them)\b", re.IGNORECASE)
_WRONG_AFTER = re.compile(r"[)\s*.]*\b(?:is|are|was)\s+(?:incorrect|wrong|not)\b", re.IGNORECASE)


_WIDE_BRACKETS = str.maketrans("（）［］", "()[]")


def stated_choice(response: str, choices: tuple[str, ...]) -> Choice:
    """Return the letter that `response` states for `choices` (A is the first), or why it states none."""
    text = without_template_marks(response)
    if not text:
        return Choice(None, "empty_response")
    text = text.replace("<EOS_TOKEN>", "").translate(_WIDE_BRACKETS).strip()
    if (inside := set_apart(text)) is not None:
        text = inside
    boxed = _boxed(text, choices)
    found, fell = _phrases(text, choices)
    if boxed is not None:
        found.append(boxed)
    if not found and not fell:
        found = [*whole_response(text, choices), *conclusion(text, choices)][:1]
    if not found:
        return Choice(None, "taken_back" if fell else "no_final_answer")
    if found[-1].reason == "none_of_the_choices":
        return found[-1]
    letters = {choice.letter for choice in found if choice.letter}
    faults = [choice for choice in found if choice.letter is None]
    if len(letters) > 1 or any(choice.reason == "several_answers" for choice in faults):
        return Choice(None, "several_answers", found[-1].rule, "; ".join(sorted(letters)) or None)
    if faults and (not letters or any(fault.reason != "none_of_the_choices" for fault in faults)):
        return faults[-1]
    return found[-1] if found[-1].letter else next(choice for choice in found if choice.letter)


def _boxed(text: str, choices: tuple[str, ...]) -> Choice | None:
    if "\\boxed" not in text:
        return None
    extraction: ExtractedAnswer = final_answer(text)
    if extraction.answer is None:
        return Choice(None, extraction.reason, "boxed")
    content = plain_words(clean(extraction.answer))
    if last_side := _LAST_SIDE.search(content):  # \boxed{24 \times 13! = \text{B}}
        content = last_side[1]
    return _read(content, choices, "boxed") or by_text_of(content, choices, "boxed")


_NOT_CHOSEN = re.compile(
    r"\b(?:(?:wrong|incorrect|false|worst|rejected|eliminated|excluded|old|previous|initial|trap|decoy|distractor|bait|tempting"
    r"|least [a-z]+|[a-z]+['’]s) "
    r"(?:answer|option|choice)|answer to (?:the|an?|that) (?:previous|preceding|other|different|similar"
    r"|earlier|last) [a-z]+|(?:answer|option|choice) (?:that|which) is (?:wrong|incorrect|false)) ?(?:is|was"
    r"|are|:)?[^a-z]*\Z",
    re.IGNORECASE,
)
_PARTS = re.compile(r"\s*\(?a\)[^\n]*\n+\s*\(?b\)", re.IGNORECASE)
_OPTION = re.compile(r"选项[ \t]*(?=[(（]?[A-Z])|\bmy (?:choice|pick) is\b", re.IGNORECASE)


def _phrases(text: str, choices: tuple[str, ...]) -> tuple[list[Choice], bool]:
    """Return what every "answer is ..." of the text states, in order, and whether there was one that does not stand."""
    found: list[Choice] = []
    fell = False
    spans = _spans(text)
    for number, (start, end) in enumerate(spans):
        choice = _stated_at(text, end, choices)
        if choice is None:
            continue
        until = spans[number + 1][0] if number + 1 < len(spans) else len(text)
        how = "denied" if _NOT_CHOSEN.search(text[max(0, start - 40) : end]) else standing(text, start, end, until)
        if how == "stated":
            found.append(choice)
            continue
        fell = True
        if how == "taken_back":
            found.clear()
    return found, fell


def _spans(text: str) -> list[tuple[int, int]]:
    """Return where the text says that an option follows, in order; of two that overlap the one that ends later."""
    lowered = text.lower()
    spans = [
        match.span()
        for pattern, words in ((_STATEMENT, _STATEMENT_WORDS), (_MAKES, ("mak",)), (_OPTION, ("选项", "my ")))
        for match in matches_at(pattern, text, lowered, words)
    ]
    spans += [(form.start, form.end) for form in find_forms(text) if not form.is_about]
    kept: list[tuple[int, int]] = []
    for span in sorted(spans):
        if kept and span[0] < kept[-1][1]:
            kept[-1] = (kept[-1][0], max(kept[-1][1], span[1]))
        else:
            kept.append(span)
    return kept[-MAX_STATEMENTS:]


def _stated_at(text: str, start: int, choices: tuple[str, ...]) -> Choice | None:
    """Return what stands behind "answer is": a letter, an option's text, "none of the above"; else None."""
    rest = text[start : start + 400]
    line = _line(rest)
    if (other := corrected(line)) != line:  # "not (C) but (B)"
        return _read(other, choices, "answer_is") or by_text_of(other, choices, "answer_is")
    if _NEGATION.match(rest):
        by_text = by_text_of(line, choices, "answer_is")
        if by_text is None and _NONE.match(rest):
            return Choice(None, "none_of_the_choices", "answer_is", line)
        return by_text
    if _PARTS.match(rest):
        return None  # "(a) 3 m\n(b) 7 m" answers parts of the question
    if named := BEHIND.match(line):  # "Venus (B)"
        by_text = by_text_of(named[1], choices, "answer_is")
        return by_text if by_text is not None and by_text.letter == named[2] else _read(rest, choices, "answer_is")
    return (
        _read(rest, choices, "answer_is")
        or by_text_of(_ABOUT.sub("", line, count=1), choices, "answer_is")
        or by_text_of(payload(text, start), choices, "answer_is")
    )


def _line(text: str) -> str:
    stripped = text.strip(" \t\r\n*:")
    return stripped.split("\n", 1)[0]


def _read(text: str, choices: tuple[str, ...], rule: str) -> Choice | None:
    """Read the letter that `text` starts with, and hold the option text after it against the choices."""
    if listed := _LISTED.match(text):
        return Choice(None, "several_answers", rule, text[: listed.end()].strip())
    match = _LETTER.match(text)
    if match is None:
        dashed = DASHED.match(text)
        choice = by_text_of(dashed[2], choices, rule) if dashed else None
        return choice if choice and dashed and choice.letter == dashed[1] else None
    bare = match[2]
    if bare is not None and _BARE_LOWER.match(bare) and text.strip(" .{}*") != bare:
        return None  # "the answer is a prime" names no option
    rest = text[match.end() :]
    if _WRONG_AFTER.match(rest):
        return None
    letter = (match[1] or bare).upper()
    if _OR_NONE.match(rest):
        return Choice(None, "several_answers", rule, text[: match.end()].strip())
    more = _MORE.match(rest)
    while more is not None:
        if (more[1] or more[2]) != letter:
            return Choice(None, "several_answers", rule, text[: match.end() + more.end()].strip())
        rest = rest[more.end() :]
        more = _MORE.match(rest)
    return checked(letter, _line(rest.lstrip(").:,-* ")), choices, rule)


CHOICE_GRADER_VERSION = "7"


def grade_choice(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of one candidate for a `choice` problem."""

    def extract(response: str) -> ExtractedAnswer:
        stated = stated_choice(response, problem.choices or ())
        return ExtractedAnswer(stated.letter, stated.rule, stated.reason)

    return grade_stated(problem, candidate, "choice", CHOICE_GRADER_VERSION, _same_letter, extract)


def _same_letter(reference: str, answer: str) -> ValueFinding:
    return ValueFinding("equal" if reference.strip().upper() == answer else "different", "letter")
