r"""Find the final answer in a response: one pass, linear, ordered rules, each with its reason code.

The response is read without its thinking. The rules, first match wins:

1. `boxed`        the last `\boxed{...}`: "... \boxed{5}. Rechecking: \boxed{6}" answers 6 (a self-correction).
                  Boxes joined by commas, "and" or "or" are one list: "\boxed{1} and \boxed{2}" answers "1 and 2".
2. `hash_line`    the line after `####`.
3. `answer_line`  a line that starts with `A:`.
4. `final_answer` "the final answer is ...", "Final Answer: ...".
5. `answer_is`    "the answer is ...", "Answer: ...".
6. `only_line`    the response is one short line and nothing else: "42".
7. `only_formula` the response has exactly one formula, between `$` or `\[ \]` marks.
8. `conclusion`   the last sentence begins with "so", "thus", "therefore", "hence" and has exactly one formula, or
                  ends in "is $...$" ("So, the pair $(x, y)$ is $(7, 6)$."), or counts: "Hence there are 12 ways".
9. `whole_line`   one short line of words and several formulas, handed out as it is: only the same line equals it.

Several different final answers are never a lucky pick: every other explicit statement is handed out in `others`,
and the grader says `no_answer / several_answers` when one of them has another verdict ("The answer is 5. ... The
answer is 6."). Boxes are corrected by later boxes, unless a word of doubt stands between: "\boxed{5} or maybe
\boxed{6}" is `several_answers`. "The answer is not 42" states nothing; "Expected answer: 391" is not the model's own.
An unclosed box is `unclosed_box`, an empty one `empty_box`.
"""

import re
from dataclasses import dataclass

from cotfactory.graders.boxes import MAX_STATEMENTS, last_boxes
from cotfactory.graders.math.latex import MAX_ANSWER_CHARS

MAX_STATEMENT_CHARS = 600
"""A statement ("the answer is ...") is read at most so far; a box may be longer."""

MAX_BARE_WORDS = 4
"""A response of one line with more words than these is a sentence, and has to say what its answer is."""

MAX_FORMULA_TEXT = 50_000


@dataclass(frozen=True)
class ExtractedAnswer:
    """What a response states: the answer and the rule that found it, or None and the reason there is none."""

    answer: str | None
    rule: str | None = None
    reason: str = "found"
    others: tuple[str, ...] = ()


def final_answer(response: str) -> ExtractedAnswer:
    """Return the final answer of a response, without its thinking, as written."""
    text = without_template_marks(response)
    if not text:
        return ExtractedAnswer(None, reason="empty_response")
    if "\\boxed" in text or "\\fbox" in text:
        return _boxed(text)
    return (
        _hash_line(text)
        or _answer_lines(text)
        or _stated(text)
        or _only_line(text)
        or _formula(text)
        or _whole_line(text)
        or ExtractedAnswer(None, reason="no_final_answer")
    )


_MARKS = (
    "<|im_end|>",
    "<|im_start|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|end|>",
    "</s>",
    "<EOS_TOKEN>",
)
_ROLES = ("user", "assistant", "system")


def without_template_marks(response: str) -> str:
    """Return a response without the marks of a chat template at its end, which a server that did not stop leaves."""
    text = response.strip()
    for _ in range(8):
        bare = text
        for role in _ROLES:
            if text.endswith(role) and text.removesuffix(role).rstrip().endswith("<|im_start|>"):
                bare = text.removesuffix(role).rstrip()
        bare = next((bare.removesuffix(mark).rstrip() for mark in _MARKS if bare.endswith(mark)), bare)
        if bare == text:
            return text
        text = bare
    return text


_BETWEEN = re.compile(
    r"(?:[\s,;:.$]|\\[\])(\[,;]|\\q?quad|\\text\s*\{[\s,]*(?:and|or)[\s,]*\}|\band\b|\bor\b|[a-zA-Z_0-9(){}^]+\s*=)*\Z"
)
_JOINS = re.compile(r"[,;]|\band\b|\bor\b")
_DOUBT = re.compile(
    r"\b(?:or|alternatively|maybe|perhaps|possibly|either|might|could (?:also )?be|another (?:possible )?answer)\b",
    re.IGNORECASE,
)


def _boxed(text: str) -> ExtractedAnswer:
    boxes = last_boxes(text)
    if boxes is None:
        return ExtractedAnswer(None, "boxed", "unclosed_box")
    if not boxes:
        return ExtractedAnswer(None, "boxed", "empty_box")
    start, end, content = boxes[-1]
    joined = [content]
    for index in range(len(boxes) - 2, -1, -1):
        between = text[boxes[index][1] : boxes[index + 1][0]]
        if len(between) > 80 or not _JOINS.search(between) or not _BETWEEN.match(between):
            break
        joined.insert(0, boxes[index][2])
        separator = " or " if re.search(r"\bor\b", between) else ", "
        joined[0:2] = [joined[0] + separator + joined[1]]
    answer = joined[0].strip()
    if not answer:
        return ExtractedAnswer(None, "boxed", "empty_box")
    if len(boxes) > 1 and answer == content.strip() and boxes[-2][2].strip() != content.strip():
        between = text[boxes[-2][1] : start]
        if len(between) <= 120 and _DOUBT.search(between):
            return ExtractedAnswer(None, "boxed", "several_answers")
    later = [statement for _, statement in _statements(text[end:])]
    return ExtractedAnswer(answer, "boxed", others=tuple(later[:MAX_STATEMENTS]))


def _hash_line(text: str) -> ExtractedAnswer | None:
    if "####" not in text:
        return None
    answers = [line.strip() for line in re.findall(r"####[ \t]*([^\n]*)", text)]
    return _agreeing([answer for answer in answers if answer], "hash_line")


_ANSWER_LINE = re.compile(r"^[ \t]*\**A[:：]\**[ \t]*([^\n]+)$", re.MULTILINE)


def _answer_lines(text: str) -> ExtractedAnswer | None:
    if "A:" not in text and "A：" not in text:
        return None
    return _agreeing([match[1] for match in _ANSWER_LINE.finditer(text)], "answer_line")


def _agreeing(answers: list[str], rule: str) -> ExtractedAnswer | None:
    """The last of several statements, the different ones before it in `others`."""
    tidy = [tidied for answer in answers[-MAX_STATEMENTS:] if (tidied := _tidy(answer[: MAX_ANSWER_CHARS + 1]))]
    if not tidy:
        return None
    return ExtractedAnswer(tidy[-1], rule, others=tuple(dict.fromkeys(other for other in tidy if other != tidy[-1])))


_PHRASE = re.compile(
    r"\b(?P<lead>[A-Za-z'-]{1,20}[ \t]{1,8})?(?P<final>final[ \t]{1,8})?"
    r"answer(?:s|[ \t]+(?:to|for|of)[ \t][^.:\n]{1,80}?)?"
    r"[ \t]*(?:\*\*|\}|\\\))?[ \t]*(?P<verb>\bis\b|\bare\b|[:：=])[ \t]*(?:\*\*)?[ \t]*(?P<colon>[:：])?",
    re.IGNORECASE,
)
_NOT_OWN = {
    "expected", "reference", "gold", "given", "target", "wrong", "incorrect", "previous", "student", "student's",
    "model", "sample", "example", "their", "his", "her", "your", "ground-truth", "truth", "no", "possible",
}  # fmt: skip
_NEGATED = re.compile(
    r"(?:certainly |clearly |definitely )?(?:not|n't|neither|unknown|unclear|incorrect|wrong)\b", re.IGNORECASE
)


def _statements(text: str) -> list[tuple[bool, str]]:
    """Return every "the answer is ..." of `text` in order: whether it says "final", and what it states."""
    found: list[tuple[bool, str]] = []
    if "nswer" not in text and "NSWER" not in text:
        return found
    for match in list(_PHRASE.finditer(text))[-MAX_STATEMENTS:]:
        lead = (match["lead"] or "").strip().lower()
        if lead in _NOT_OWN:
            continue
        payload = _payload(text, match.end())
        if not payload or _NEGATED.match(payload) or _PHRASE.match(payload):
            continue
        found.append((bool(match["final"]) or lead == "final", payload))
    return found


def _stated(text: str) -> ExtractedAnswer | None:
    statements = _statements(text)
    if not statements:
        return None
    final = [payload for is_final, payload in statements if is_final]
    rule = "final_answer" if final else "answer_is"
    payloads = final or [payload for _, payload in statements]
    return _agreeing(payloads, rule)


_SENTENCE_END = re.compile(r"[.!?](?=\s|\Z|[\"')*])|\n")
# Lower case only: "42 because ..." is prose, "THE FACE WHICH SHE ..." may be the answer.
_TRAILING_CLAUSE = re.compile(
    r",?\s+(?:because|since|which|as it|as the|so that|where|when|given|in total|based on|according to)\b.*"
    r"|\s*[,(]\s*(?:so|but|and so|as|i\.e\.)\b.*",
    re.DOTALL,
)
_VALUE_OR_WORDS = re.compile(r"(?=.*[0-9\\]).*|\S+(?: \S+)?", re.DOTALL)
_LEADING = re.compile(
    r"(?:\s|\*|:|\.\.\.|(?:therefore|thus|simply|just|clearly|about|approximately|approx\.?|exactly|equal to|that"
    r"|given by)\s)+(?=[\s$\\(\[{*0-9A-Za-z-])",
    re.IGNORECASE,
)


_SUBJECT = re.compile(r"the [^=]{1,200} is ", re.IGNORECASE)


def _payload(text: str, start: int) -> str:
    """Return what is stated from `start` on: a formula that spans lines whole, else to the end of the sentence."""
    window = text[start : start + MAX_STATEMENT_CHARS]
    stripped = window.lstrip(" \t\r\n*:")
    for opening, closing in (("\\[", "\\]"), ("$$", "$$"), ("\\(", "\\)"), ("$", "$")):
        if stripped.startswith(opening):
            end = stripped.find(closing, len(opening))
            if end > 0:
                tail = _SENTENCE_END.split(stripped[end + len(closing) :], maxsplit=1)[0]
                return _tidy(stripped[: end + len(closing)] + tail)
    return _tidy(_first_sentence(stripped))


def _first_sentence(text: str) -> str:
    for match in _SENTENCE_END.finditer(text):
        if match[0] == "." and re.search(r"\b[ap]\.m\.\Z", text[max(0, match.end() - 4) : match.end()], re.I):
            continue
        return text[: match.start()]
    return text


def _tidy(text: str) -> str:
    text = text.replace("**", "").replace("__", "").replace("<EOS_TOKEN>", "").strip(" \t\r\n`")
    leading = _LEADING.match(text)
    if leading:
        text = text[leading.end() :]
    clause = _TRAILING_CLAUSE.search(text)
    if clause is not None and _VALUE_OR_WORDS.fullmatch(text[: clause.start()]):
        text = text[: clause.start()]
    if _SUBJECT.match(text) and "not" not in text:
        text = text.rpartition(" is ")[2]  # "Final answer: the volume of the box is 120"
    return text.strip(" \t\r\n*").rstrip(".!")


def _only_line(text: str) -> ExtractedAnswer | None:
    if "\n" in text.strip() or len(text) > 200 or re.search(r"\bnot\b|n't\b|\banswer\b", text, re.IGNORECASE):
        return None
    if _FORMULA.search(text) and re.search(r"[A-Za-z]{2,}", _FORMULA.sub(" ", text)):
        return None  # words around a formula: the formula rules decide
    answer = _tidy(text)
    words = re.findall(r"(?<![\\A-Za-z])[A-Za-z]{2,}", re.sub(r"\\[A-Za-z]+\s*(?:\{[a-z ]*\})?", " ", answer))
    return ExtractedAnswer(answer, "only_line") if answer and len(words) <= MAX_BARE_WORDS else None


_FORMULA = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|\$([^$]+?)\$", re.DOTALL)
_CONCLUDES = re.compile(
    r"(?:so|thus|therefore|hence|finally|in conclusion|we (?:find|get|have|conclude)|this gives)\b", re.IGNORECASE
)


_PLAIN_IS = re.compile(r"\b(?:is|are|be|equals)\s*\Z")
_COUNTS = re.compile(r"\bthere (?:are|is|were|will be) (?:exactly |only |a total of )?([0-9][0-9,]{0,20}) [a-z]", re.I)
_UNSURE = re.compile(r"\bnot\b|n't\b|\bor\b|\b(?:at least|at most|more|less|fewer|about|if|maybe|perhaps|per)\b", re.I)
_CLOSING_WORDS = "I hope it is correct."


def _last_sentence(text: str) -> str:
    text = text.rstrip().removesuffix(_CLOSING_WORDS).rstrip()
    return re.split(r"(?<=[.!?])\s+|(?<=\$)\s+(?=(?:So|Thus|Therefore|Hence)\b)", text[text.rfind("\n") + 1 :].strip())[
        -1
    ]


def _whole_line(text: str) -> ExtractedAnswer | None:
    if (
        "\n" in text
        or len(text) > 200
        or "$" not in text
        or re.search(r"\bnot\b|n't\b|\banswer\b", text, re.IGNORECASE)
    ):
        return None
    return ExtractedAnswer(text, "whole_line")


def _formula(text: str) -> ExtractedAnswer | None:
    """The only formula of the response, or the only one of a concluding last line, with a percent sign after it."""
    if len(text) > MAX_FORMULA_TEXT or text.count("$") + text.count("\\(") + text.count("\\[") > 400:
        return None
    rule = "only_formula"
    found = list(_FORMULA.finditer(text))
    if len(found) != 1:
        sentence = _last_sentence(text)
        if not _CONCLUDES.match(sentence):
            return None
        rule, text, found = "conclusion", sentence, list(_FORMULA.finditer(sentence))
        if len(found) > 1 and _PLAIN_IS.search(text[: found[-1].start()]) and not text[found[-1].end() :].strip(" .!"):
            # "So, the pair $(x, y)$ that solves both is $(7, 6)$.": the subject is set in mathematics too.
            text, found = text[found[-2].end() :], [*_FORMULA.finditer(text[found[-2].end() :])]
    if not found and rule == "conclusion":
        counted = _COUNTS.search(text)
        return ExtractedAnswer(counted[1], rule) if counted and not _UNSURE.search(text) else None
    if len(found) != 1:
        return None
    inside = next(group for group in found[0].groups() if group is not None)
    before, after = text[: found[0].start()], text[found[0].end() :]
    if any(character.isdigit() for character in before + after) or re.search(r"\bnot\b|n't\b", before + after):
        return None
    percent = "%" if re.match(r"\s*(?:\\?%|percent|pct)", after) else ""
    return ExtractedAnswer(inside.strip() + percent, rule)
