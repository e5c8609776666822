r"""Whether a statement stands, by the words around it: stated, supposed, quoted, denied or taken back.

The phrases (`phrases.py`) are read in three places: the clause before a statement ("Suppose the answer is
..."), its own sentence ("..., which is wrong"), and the text from its end to the next statement ("Wait, I made an
error."). What is supposed, quoted or denied was never the writer's answer, and the statement before it still counts;
what is taken back takes everything before it along.
"""

import re
from typing import Literal

from cotfactory.graders.statements.governing import is_own
from cotfactory.graders.statements.phrases import (
    CLAUSE_STARTS,
    CUES_BEHIND,
    CUES_DENIED,
    CUES_QUOTED,
    CUES_SUPPOSED,
    DENIED_BEFORE,
    NEXT_SENTENCE,
    OWN_SENTENCE,
    QUOTED_BEFORE,
    SUPPOSED_BEFORE,
    TAKEN_BACK,
    UNDECIDED_AMONG,
)

Standing = Literal["stated", "supposed", "quoted", "denied", "taken_back"]

BEFORE_CHARS = 160
AFTER_CHARS = 200
TAIL_CHARS = 2_000
WOULD_CHARS = 30
"""How far around a statement the words are read."""

SHORTEST_DOUBT = 3
"""Nothing that is shorter ("错了。", "if ") says anything against a statement."""


def _any(table: dict[str, str]) -> str:
    return "|".join(f"(?:{pattern})" for pattern in table.values())


_LEAD_IN = r"[\s$*_(\[\\\"'“‘:]*(?:\\(?:text|mathbf)\{)?\Z"
_SUPPOSED = re.compile(rf"(?:{_any(SUPPOSED_BEFORE)}){_LEAD_IN}", re.IGNORECASE)
_QUOTED = re.compile(rf"(?:{_any(QUOTED_BEFORE)}){_LEAD_IN}", re.IGNORECASE)
_DENIED = re.compile(rf"{DENIED_BEFORE}(?: (?:a|an|the|option|choice))?{_LEAD_IN}", re.IGNORECASE)
_TAKEN_BACK = re.compile(_any(TAKEN_BACK), re.IGNORECASE)
_NEXT_SENTENCE = re.compile(NEXT_SENTENCE, re.IGNORECASE)
_OWN_BEHIND_BOX = re.compile(OWN_SENTENCE["en"].replace("{value}", r"[\s$*_)\]\\.\"'”’]{0,8}"), re.IGNORECASE)
_OWN_BEHIND_PHRASE = re.compile(OWN_SENTENCE["en"].replace("{value}", r"[\s$*_(\"'“:]{0,6}[^\s,]{1,40}"), re.IGNORECASE)
_NOT_BE = re.compile(r"(?:\b(?:not|never|cannot)|n['’]t)\s+(?:[a-z]+\s+)?be\s*\Z", re.IGNORECASE)
_ABOUT_ANOTHER = re.compile(r"\((?:not|rather than|instead of)\b[^()]*\)", re.IGNORECASE)
_ONLY_IF = re.compile(r"\A[^.;\n]{0,60}?\b(?:if|unless|had)\b", re.IGNORECASE)
_UNREAL_BEFORE = re.compile(
    r"(?:\A|[,:]\s*)\W*(?:had|were) [^.;]{3,80},\s*(?:then )?(?:[a-z]+ ){0,3}\Z"
    r"|\bif\b[^.;]{0,80}?\b(?:asked|wanted|meant|were|was|had|instead"
    r"|did)\b[^.;]{0,80},\s*(?:then )?(?:[a-z]+ ){0,3}\Z",
    re.IGNORECASE,
)
"""What makes "the answer would be" a supposition, up to its first word: "Had it rained, ..."."""
_UNREAL_IF = re.compile(r"\b(?:if|unless)\b[^.;]{0,80}\b(?:were|had been)\b", re.IGNORECASE)

_NOUN = re.compile(r"(?:[a-z'’-]+\s+){0,2}?(?P<noun>answer|result|option|choice)", re.IGNORECASE)

_CLAUSE_STARTS = {mark: len(" but ") if mark.startswith(" but ") else len(mark) for mark in CLAUSE_STARTS}
"""Words that end the clause before -> how many of their characters belong to it."""
UNDECIDED = re.compile(UNDECIDED_AMONG, re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!;](?=\s|\Z)|[?\n。！？]")


_PADDING = " \t\r\n$\\[](){}*.,:"
_PLAIN = frozenset(
    ("the", "the final", "the correct", "the best", "the answer is", "the final answer is", "therefore, the answer is",
     "thus, the answer is", "so, the answer is", "so the answer is", "so the", "therefore, the", "thus, the", "answer")
)  # fmt: skip
"""What most often stands before a statement: nothing in it needs a look."""


def _has_cue(lowered: str, cues: tuple[str, ...]) -> bool:
    return not lowered.isascii() or any(map(lowered.__contains__, cues))


def clause_before(text: str, start: int) -> str:
    """Return what stands before `start` in its clause, at most BEFORE_CHARS."""
    window = text[max(0, start - BEFORE_CHARS) : start]
    cut = max(place + length if (place := window.rfind(mark)) >= 0 else 0 for mark, length in _CLAUSE_STARTS.items())
    return window[cut:]


def sentence_after(text: str, end: int) -> str:
    """Return the rest of the sentence from `end` on, its question mark included, at most AFTER_CHARS."""
    window = text[end : end + AFTER_CHARS]
    match = _SENTENCE_END.search(window)
    return window if match is None else window[: match.end()]


def standing(text: str, start: int, end: int, until: int, *, is_value: bool = False) -> Standing:
    """Return how the statement `text[start:end]` stands; the next one begins at `until`.

    `is_value` says that the span is the stated value itself (a box, a letter); otherwise it is the phrase before the
    value ("answer is"), and the value follows `end`.
    """
    if not is_value and _NOT_BE.search(text[start:end]):
        return "denied"
    said_before = _said_before(text, start, None if is_value else end)
    if said_before != "stated":
        return said_before
    if "would" in text[max(0, start - WOULD_CHARS) : end] and _UNREAL_BEFORE.search(clause_before(text, start)):
        return "supposed"
    behind = text[end : min(until, end + TAIL_CHARS)]
    if (len(behind.strip(_PADDING)) < SHORTEST_DOUBT - 1 and behind.isascii() and "?" not in behind) or not _has_cue(
        behind.lower(), CUES_BEHIND
    ):
        return "stated"
    if _TAKEN_BACK.search(behind):
        return "taken_back"
    own = _ABOUT_ANOTHER.sub("", sentence_after(text, end))
    if (_OWN_BEHIND_BOX if is_value else _OWN_BEHIND_PHRASE).search(own):
        return "denied"
    if not is_value and own.rstrip().endswith(("?", "？")):
        return "denied"
    if _UNREAL_IF.search(own) or ("would" in text[start:end] and _ONLY_IF.match(own)):
        return "supposed"
    until_next = len(sentence_after(text, end))
    is_next = _NEXT_SENTENCE.match(behind[until_next : until_next + AFTER_CHARS])
    return "taken_back" if is_next else "stated"


def _said_before(text: str, start: int, phrase_end: int | None) -> Standing:
    """Return what the clause before a statement makes of it; most have no word that could, and no need to be cut.

    `phrase_end` is the end of the words that announce a value, None where the value itself begins at `start`.
    """
    window = text[max(0, start - BEFORE_CHARS) : start].lower()
    window = window[max(window.rfind("\n"), window.rfind(". ")) + 1 :].strip(_PADDING)
    if len(window) < SHORTEST_DOUBT - 1 or window in _PLAIN:
        return "stated"
    supposed, quoted = _has_cue(window, CUES_SUPPOSED), _has_cue(window, CUES_QUOTED)
    denied = phrase_end is None and _has_cue(window, CUES_DENIED)
    if supposed or quoted or denied:
        before = clause_before(text, start)
        if supposed and _SUPPOSED.search(before):
            return "supposed"
        if quoted and _QUOTED.search(before):
            return "quoted"
        if denied and _DENIED.search(before):
            return "denied"
    noun = None if phrase_end is None else _NOUN.match(text, start, phrase_end)
    return "stated" if noun is None or is_own(clause_before(text, noun.start("noun"))) else "quoted"


def is_taken_back(text: str) -> bool:
    """Whether words at the end of a text take back what it says before them."""
    return _TAKEN_BACK.search(text[-TAIL_CHARS:]) is not None
