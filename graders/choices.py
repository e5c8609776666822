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
from dataclasses import dataclass
from functools import lru_cache

from cotfactory.graders.boxes import MAX_STATEMENTS
from cotfactory.graders.extract import ExtractedAnswer, final_answer, without_template_marks
from cotfactory.graders.grader import Tools
from cotfactory.graders.math.expression_answers import ValueFinding
from cotfactory.graders.math.latex import clean, plain_words
from cotfactory.graders.stated_answers import grade_stated
from cotfactory.graders.statements.forms import find_forms
from cotfactory.graders.statements.payload import payload
from cotfactory.graders.statements.standing import standing
from cotfactory.graders.statements.words import matches_at
from cotfactory.graders.statements.wrappers import set_apart
from cotfactory.graders.texts import normalise
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import CHOICE_LETTERS, Problem


@dataclass(frozen=True)
class Choice:
    """The letter a response states, or None and why there is none; `text` is the statement it was read from."""

    letter: str | None
    reason: str
    rule: str | None = None
    text: str | None = None


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
_MARKUP = (
    r"(?:[\s*$`\"'“”:}]|\.\.\.|\\[(\[]|\\(?:text|textbf|mathbf|mathrm|boxed)\s*\{"
    r"|\b(?:option|choice|answer|letter|is|definitely|clearly|probably|therefore|thus|actually|indeed|instead)\b"
    r"|\b(?:la|el|die|der|le|选项)\b(?=[\s(]*[A-Z]\b))*"
)
_LETTER = re.compile(
    _MARKUP + r"(?:[(\[]\s*([A-Za-z])\s*(?:[)\]]|\Z)"
    # A bare letter ends where a word ends in any script: "H⁺", "Dürer", "C–H" and "E×B" begin with none.
    r"|\{?([A-Z])\}?(?=\Z|[\s.,;:!?)}\]*\"”`$\\&，。；：！？）、]|[\"'’](?![A-Za-z])|/[A-Z](?![A-Za-z0-9])|입니다|이다|です|である|だ)"
    r"(?!\s*[-=+^_<>·×√]\s*\S|\$[0-9]|[–—]|\s+[–—](?!\s*(?-i:[a-z]{2,} ))|\s+/|[,.](?=\d)"
    r"|[ ]+(?!and\b|or\b|because\b|since\b|as (?!an?\b)|for (?!an?\b)|by (?!an?\b)|due to\b)[a-z]))",
    re.IGNORECASE,
)
_DASHED = re.compile(_MARKUP + r"\(?([A-Z])\)?\s+[-–—]\s+(\S[^\n]{0,200})")
_BARE_LOWER = re.compile(r"[a-z]\b")
_MORE = re.compile(
    r"[\s*)}\\$.]*(?:,|/|&|\band\b|\bor\b)+\s*(?:either\s*|option\s*|possibly\s*)*(?:\(([A-Z])(?:\)|\Z)"
    r"|([A-Z])(?![A-Za-z]))"
)
_OR_NONE = re.compile(r"[\s*)}\\$.,]*\bor\s+\(?(?:none|neither|nothing)\b", re.IGNORECASE)
_NEGATION = re.compile(_MARKUP + r"(?:\(?\s*(?:not|none|neither|cannot|can't|unknown|unclear)\b)", re.IGNORECASE)
_ONLY = re.compile(
    r"[\s*`\"]*(?:(?:option|选项)\s*)?[(\[]?\s*([A-Za-z])\s*(?:(?:[)\]]+[.:,]?|[.:,])\s*(.{0,300}?))?[\s*`\"]*\Z",
    re.I | re.DOTALL,
)
_EXPLAINED = re.compile(
    r"[\s*]*\(?([A-Z])[).]?[\s*]*\n()\s*\W*(?i:explanation|reason|reasoning|rationale|justification|analysis)\b"
)
_BEHIND = re.compile(r"\s*([^\n]{1,200}?)\s+\(([A-Z])\)\W*\Z")
_CONCLUSION = re.compile(
    r"(?:(?:\bis|\bare|\bbe|'s|\bclosest to|\banswer)\s+(?:\*\*)?(?:(?:option|choice|letter|answer)\s+)?"
    r"(?:\(\s*(?P<round>[A-Z])\s*\)|(?P<bare>[B-HJ-Z]))|\b(?:is|to"
    r"|supports) (?:the )?option (?:\(?(?P<named>[A-Z])\)?)"
    r"|\bmakes \((?P<makes>[A-Z])\) the correct (?:answer|option|choice)"
    r"|,\s+or\s+\((?P<alias>[A-Z])\)|\A\W*(?:So,? |Thus,? |Therefore,? |Hence,? )?"
    r"(?:\((?P<first>[A-Z])\) is correct|(?P<plain>[A-Z]) is (?:correct|right"
    r"|(?:the|my) (?:correct |right |best |final )?(?:answer|option|choice)))|\A\W*(?:So|Thus|Therefore"
    r"|Hence),? \((?P<thus>[A-Z])\)"
    r"|(?:\A\W*|\b(?i:so|thus|therefore|hence|that),? )(?:(?i:option|choice|answer|letter) (?P<option>[A-Z])"
    r"|\((?P<subject>[A-Z])\)"
    r"|(?i:option|choice|answer) \((?P<both>[A-Z])\)) is (?:(?:the )?(?:correct|right|best)(?: (?:answer|option"
    r"|choice|one))?|(?:the|our|my) (?:final )?(?:answer|option|choice))"
    r"|(?:\A\W*|\b)I(?: would| will|['’]ll|['’]d)? (?:choose|pick|select|go with|answer)(?: option| answer| choice)? "
    r"(?:\((?P<picked>[A-Z])\)|(?P<chosen>[B-HJ-Z])))(?:\*\*)?[\s.!*]*\Z"
)
_LETTERED = re.compile(r"(?<![A-Za-z0-9])\(?([A-Z])(?:\)|[.):])\s+(\S.{0,200}?)[\s.*]*\Z", re.DOTALL)
_ANY_LETTER = re.compile(r"(?<![A-Za-z0-9'])[A-Z](?![A-Za-z0-9'])|\b(?i:either|maybe|perhaps)\b")
_MAKES = re.compile(
    r"\b(?:making|makes|make) the (?:correct |best |right )?(?:answer|option|choice) (?=\(?[A-Z]\b)", re.IGNORECASE
)
_LISTED = re.compile(_MARKUP + r"\(\s*([A-Z])\s*(?:,|and\b|or\b)\s*(?:and\b|or\b)?\s*[A-Z]\s*[,)\s]")
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
        found = [*_whole(text, choices), *_conclusion(text, choices)][:1]
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
    return _read(content, choices, "boxed") or _by_text(content, choices, "boxed")


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
        how = standing(text, start, end, until)
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
    if _NEGATION.match(rest):
        by_text = _by_text(line, choices, "answer_is")
        if by_text is None and _NONE.match(rest):
            return Choice(None, "none_of_the_choices", "answer_is", line)
        return by_text
    if _PARTS.match(rest):
        return None  # "(a) 3 m\n(b) 7 m" answers parts of the question
    return (
        _read(rest, choices, "answer_is")
        or _by_text(_ABOUT.sub("", line, count=1), choices, "answer_is")
        or _by_text(payload(text, start), choices, "answer_is")
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
        dashed = _DASHED.match(text)
        choice = _by_text(dashed[2], choices, rule) if dashed else None
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
    return _checked(letter, _line(rest.lstrip(").:,-* ")), choices, rule)


def _checked(letter: str, text: str, choices: tuple[str, ...], rule: str) -> Choice:
    index = CHOICE_LETTERS.index(letter)
    if index >= len(choices):
        return Choice(None, "letter_beyond_choices", rule, letter)
    other = _by_text(text, choices, rule) if text else None
    if other is not None and other.letter != letter:
        return Choice(None, "letter_and_text_differ", rule, f"{letter}: {text}"[:200])
    return Choice(letter, "found", rule, letter)


def _by_text(text: str, choices: tuple[str, ...], rule: str) -> Choice | None:
    """Return the choice whose full text is stated, when exactly one is."""
    stated = normalise(text)
    texts = _texts(choices)
    if not stated or texts.count(stated) != 1:
        return None
    return Choice(CHOICE_LETTERS[texts.index(stated)], "found", rule, text.strip()[:200])


@lru_cache(maxsize=512)
def _texts(choices: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(normalise(choice) for choice in choices)


def _whole(text: str, choices: tuple[str, ...]) -> list[Choice]:
    """The response is a letter, a letter with its option's text, or an option's text, and nothing else."""
    if len(text) > 400:
        return []
    by_text = _by_text(text, choices, "only_line")
    match = _ONLY.match(text) or _EXPLAINED.match(text)
    if (dashed := _DASHED.match(text) or _BEHIND.match(text)) and by_text is None:
        letter, option = sorted(dashed.groups(), key=len)
        by_text = _by_text(option, choices, "only_line")
        return [by_text] if by_text is not None and by_text.letter == letter else []
    if match is None or (by_text is not None and len(text) > 1):
        return [by_text] if by_text else []
    after = match[2] or ""
    if _NEXT_OPTION.search(after) or re.search(r"\s\([A-Z]\)", after):
        return []  # a list of options states none
    choice = _checked(match[1].upper(), after, choices, "only_line")
    if after and choice.letter:
        option = normalise(choices[CHOICE_LETTERS.index(choice.letter)])
        if not normalise(after).startswith(option[:20]):
            return []  # "A: 5 + 3 = 8" is prose
    return [choice]


_NEXT_OPTION = re.compile(r"^\s*[*(]*[A-Z][).:]", re.MULTILINE)
_LEADS = re.compile(r"\b(?:is|are|be|as|of)(?: an?)?\s*(?:[:：]\s*)?(?:\*\*)?\Z|\b(?:is|be|of) [^.:\n]{1,40} \Z")
_LISTS = re.compile(r"\b(?:options|choices|following)\b[^.\n]{0,40}\s*\Z", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z(])|\n+")


def _own_line(text: str, choices: tuple[str, ...]) -> Choice | None:
    """Return the option that the last line names by letter and text; None where options are being listed."""
    before, _, last = text.rpartition("\n")
    lettered = _ONLY.match(last) if before else None
    if lettered is None or not lettered[2] or before.rstrip("\n *").endswith(":") or _NEXT_OPTION.search(before):
        return None
    by_text = _by_text(lettered[2], choices, "conclusion")
    return by_text if by_text is not None and by_text.letter == lettered[1].upper() else None


def _conclusion(text: str, choices: tuple[str, ...]) -> list[Choice]:
    """The last sentence ends in "is (C)." or "is option C.", or in a letter with the text of its option."""
    tail = text[-400:]
    if (alone := _own_line(text, choices)) is not None:
        return [alone]
    lettered = _LETTERED.search(tail)
    if lettered is not None:
        by_text = _by_text(lettered[2], choices, "conclusion")
        if by_text is not None and by_text.letter == lettered[1] and _LEADS.search(before := tail[: lettered.start()]):
            return [] if _denied(before) or _LISTS.search(before) else [by_text]
    sentence = _SENTENCE.split(tail)[-1]
    match = _CONCLUSION.search(sentence)
    if match is None or _denied(sentence[: match.start()]):
        return []
    assert match.lastgroup is not None
    letter, start = match[match.lastgroup], len(text) - len(sentence) + match.start(match.lastgroup)
    if standing(text, start, len(text), len(text), is_value=True) != "stated":
        return []
    if match["alias"] and _ANY_LETTER.search(sentence[: match.start()]):
        return []  # "the answer is 240, or (B)" names one letter, "either (A), or (B)" two
    return [_checked(letter, "", choices, "conclusion")]


def _denied(before: str) -> bool:
    """Whether the clause before a letter says what the answer is not."""
    clause = re.split(r"[,;.]|\bbut\b", before)[-1]
    return re.search(r"\bnot\b|n['’]t\b|\bcannot\b|\bincorrect\b", clause) is not None


CHOICE_GRADER_VERSION = "6"


def grade_choice(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of one candidate for a `choice` problem."""

    def extract(response: str) -> ExtractedAnswer:
        stated = stated_choice(response, problem.choices or ())
        return ExtractedAnswer(stated.letter, stated.rule, stated.reason)

    return grade_stated(problem, candidate, "choice", CHOICE_GRADER_VERSION, _same_letter, extract)


def _same_letter(reference: str, answer: str) -> ValueFinding:
    return ValueFinding("equal" if reference.strip().upper() == answer else "different", "letter")
