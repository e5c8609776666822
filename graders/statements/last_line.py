r"""A response that announces no answer: what its last line concludes.

`weak` findings are guesses at where the answer stands, so that they count when they are right and say nothing when they
are not.
"""

import re
from typing import NamedTuple

from cotfactory.graders.math.number_words import number_words
from cotfactory.graders.statements.payload import tidy, without_bold

MAX_FORMULA_TEXT = 50_000

MAX_BARE_WORDS = 4
"""A response of one line with more words than these is a sentence, and has to say what its answer is."""


class Concluded(NamedTuple):
    """What a line concludes, the rule that read it, and whether it is a guess."""

    value: str
    rule: str
    is_weak: bool = False


_HEADING_MARK = re.compile(r"\A(?:#{1,6}[ \t]+|[-*•][ \t]+|>[ \t]+|∴[ \t]*|[=\-]>[ \t]*|[⇒→][ \t]*)+")
_LEAD_IN = re.compile(
    r"\A(?:so|thus|hence|therefore|∴|we (?:get|have|find|obtain|conclude)(?: that)?|this (?:gives|is)"
    r"|which (?:gives|is)"
    r"|that is)\b,?[ \t]*(?=[^\s])",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"\A(?:the )?(?P<label>[^\W\d_][^\W\d_ ]*(?: [^\W\d_]+){0,4}?)[ \t]*(?:\*\*)?(?P<colon>[:：=])(?:\*\*)?[ \t]*(?=\S)"
)
_KNOWN_LABELS = {
    "final", "result", "final result", "solution", "final solution", "conclusion", "total", "sum", "value", "output",
    "solución", "resultado", "ergebnis", "lösung", "résultat", "solution finale", "risultato", "resultado final",
    "результат", "结果", "最终结果", "結果", "결과",
}  # fmt: skip
_NO_STATEMENT = re.compile(
    r"\bnot\b|n['’]t\b|\banswer\b|\bantwort\b|réponse|respuesta|risposta|resposta|ответ|答案|答え|정답|الجواب|الإجابة",
    re.IGNORECASE,
)
"""A line with such a word would have been read as a statement, if it were one."""
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|\$([^$]+?)\$", re.DOTALL)


_RULE = re.compile(r"^[ \t]*(?:-{3,}|\*{3,}|_{3,})[ \t]*$", re.MULTILINE)
"""A line across a Markdown page."""
_YES_OR_NO = re.compile(
    r"\A\W*(?P<value>yes|no)\b\W*[,.;:!–—](?!.*\b(?:but|or|maybe|perhaps|however|unsure|sure|depends)\b)[^\n]*\Z",
    re.IGNORECASE,
)


def only_line(text: str) -> Concluded | None:
    """The response is one short line and nothing else: "42", "Result: 42", "10/2 = 5" over two lines."""
    if len(text) > 200:
        return None
    line = re.sub(r"\s*\n\s*(?==)", " ", _RULE.sub("", text).strip())
    if yes_or_no := _YES_OR_NO.match(line):
        return Concluded(yes_or_no["value"], "only_line", is_weak=True)
    if "\n" in line or _NO_STATEMENT.search(line):
        return None
    if _FORMULA.search(line) and re.search(r"[A-Za-z]{2,}", _FORMULA.sub(" ", line)):
        return None  # words around a formula: the formula rules decide
    unmarked = _HEADING_MARK.sub("", without_bold(line)).strip()
    bare = _LEAD_IN.sub("", unmarked, count=1)
    is_weak = bare != unmarked
    if is_weak and _IT_IS.match(unmarked.rstrip(".! ")):
        return None  # `sentence` takes what it says out of it
    if label := _LABEL.match(bare):
        named = label["label"].casefold()
        if named in _KNOWN_LABELS:
            bare = bare[label.end() :]
        elif label["colon"] != "=" and len(named) > 1:
            return None  # a label that no rule knows says nothing about what follows it
    answer = tidy(bare)
    words = re.findall(r"(?<![\\A-Za-z])[A-Za-z]{2,}", re.sub(r"\\[A-Za-z]+\s*(?:\{[a-z ]*\})?", " ", answer))
    return Concluded(answer, "only_line", is_weak) if answer and len(words) <= MAX_BARE_WORDS else None


_CONCLUDES = re.compile(
    r"(?:so|thus|therefore|hence|finally|in conclusion|we (?:find|get|have|conclude)|this gives)\b", re.IGNORECASE
)
_PLAIN_IS = re.compile(r"\b(?:is|are|be|equals)\s*\Z")
_COUNTS = re.compile(r"\bthere (?:are|is|were|will be) (?:exactly |only |a total of )?([0-9][0-9,]{0,20}) [a-z]", re.I)
_UNSURE = re.compile(r"\bnot\b|n't\b|\bor\b|\b(?:at least|at most|more|less|fewer|about|if|maybe|perhaps|per)\b", re.I)
_CLOSING_WORDS = "I hope it is correct."


def last_sentence(text: str) -> str:
    """Return the last sentence of a text."""
    text = text.rstrip().removesuffix(_CLOSING_WORDS).rstrip()
    line = text[text.rfind("\n") + 1 :].strip()
    return re.split(r"(?<=[.!?])\s+|(?<=\$)\s+(?=(?:So|Thus|Therefore|Hence)\b)", line)[-1]


def whole_line(text: str) -> Concluded | None:
    """One short line of words and several formulas, as it is: only the same line equals it."""
    if "\n" in text or len(text) > 200 or "$" not in text or _NO_STATEMENT.search(text):
        return None
    return Concluded(text, "whole_line")


def formula(text: str) -> Concluded | None:
    """The only formula of the response, or the only one of a concluding last line, with a percent sign after it."""
    if len(text) > MAX_FORMULA_TEXT or text.count("$") + text.count("\\(") + text.count("\\[") > 400:
        return None
    rule = "only_formula"
    found = list(_FORMULA.finditer(text))
    if len(found) != 1:
        sentence = last_sentence(text)
        if not _CONCLUDES.match(sentence):
            return None
        rule, text, found = "conclusion", sentence, list(_FORMULA.finditer(sentence))
        if len(found) > 1 and _PLAIN_IS.search(text[: found[-1].start()]) and not text[found[-1].end() :].strip(" .!"):
            # "So, the pair $(x, y)$ that solves both is $(7, 6)$.": the subject is set in mathematics too.
            text, found = text[found[-2].end() :], [*_FORMULA.finditer(text[found[-2].end() :])]
    if not found and rule == "conclusion":
        counted = _COUNTS.search(text)
        return Concluded(counted[1], rule) if counted and not _UNSURE.search(text) else None
    if len(found) != 1:
        return None
    inside = next(group for group in found[0].groups() if group is not None)
    before, after = text[: found[0].start()], text[found[0].end() :]
    if any(character.isdigit() for character in before + after) or re.search(r"\bnot\b|n't\b", before + after):
        return None
    percent = "%" if re.match(r"\s*(?:\\?%|percent|pct)", after) else ""
    return Concluded(inside.strip() + percent, rule)


_IS_THE_ANSWER = re.compile(
    r"\A(?:(?:so|thus|hence|therefore|and),? )?(?P<value>[^.!?\n]{1,80}?) (?:is|are) (?:the|our|my) (?:final "
    r"|correct |right )?answers?[.!]?\Z",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"\A\$?(?P<value>[0-9][0-9,]*(?:\.[0-9]+)?(?: ?%| percent\b)?"
    r"|[A-Z][a-z]+(?:-[a-z]+)?)(?= [a-z])(?! of (?:the |all )?[0-9])"
)
_HAS_NUMBER = re.compile(
    r"\b(?:has|have|had|is|are|was|were|needs?|gets?|costs?|takes?|earns?|makes?|equals|spent|spends?|paid"
    r"|pays?|saved|saves?"
    r"|bought|sold|read|ate|there (?:are|will be)) (?:only |exactly |a total of "
    r"|now )?(?P<value>\\?\$?[0-9][0-9,]*(?:\.[0-9]+)?%?)"
    r"(?: [a-z]+){0,6}[.!]?\Z"
)
_NOT_PLAIN = re.compile(
    r"\b(?:not|no|none|never|cannot|or|either|between|least|most|more|less|fewer|over|under|above|below|about|around"
    r"|approximately|nearly|almost|roughly|half|times|dozen|per|each|every|if|unless|maybe|perhaps|step|part"
    r"|case|first)\b"
    r"|n['’]t\b|[=+*^<>\\?]",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:wrong|incorrect|false|impossible|mistaken?|error|invalid|rejected|excluded)\b", re.I)
_IT_IS = re.compile(
    r"\A(?:so|thus|hence|therefore|in conclusion),? (?:it|this|that|(?:the|this) [a-z]+(?: [a-z]+){0,2}) (?:is"
    r"|was|must be)"
    r" (?:[a-z]+ly )?(?P<value>[^\d,;:$\\]{1,60})\Z",
    re.IGNORECASE,
)


def sentence(text: str) -> Concluded | None:
    """What the last line says as a sentence: "42 is the answer", "5 cars are left", "So Ann has 5 apples"."""
    line = text[text.rstrip().rfind("\n") + 1 :].strip()
    line = without_bold(line)
    if not line or len(line) > 300:
        return None
    last = last_sentence(line)
    if named := _IS_THE_ANSWER.match(last):
        return Concluded(tidy(named["value"]), "is_the_answer") if not _NOT_PLAIN.search(last) else None
    if _NOT_PLAIN.search(last):
        return None
    if last == line and not _DENIED.search(line) and (first := _FIRST.match(line)):
        value = first["value"]
        number = value if value[0].isdigit() else number_words(value.lower())
        if number is not None:
            return Concluded(str(number), "first_number", is_weak=True)
    if not _CONCLUDES.match(last):
        return None
    if (held := _HAS_NUMBER.search(last)) and not any(map(str.isdigit, last[: held.start("value")])):
        return Concluded(held["value"], "conclusion", is_weak=True)
    if said := _IT_IS.match(last.rstrip(".! ")):
        return Concluded(said["value"].strip(), "conclusion", is_weak=True)
    return None
