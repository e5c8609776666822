r"""Boxes as statements: the last one that stands, boxes that are one list, boxes that are rivals.

The last box corrects the ones before it ("\boxed{5}. Rechecking: \boxed{6}"). Boxes joined by commas, "and" or "or" are
one list, those with nothing between them alternatives. Boxes that are numbered as guesses ("Answer 1: ... Answer 2:
...") or depend on a condition each ("If ...:") are rivals; boxes of labelled parts ("(a) \boxed{3} (b) \boxed{5}") may
also be read as the list of all parts.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from cotfactory.graders.boxes import last_boxes, unboxed
from cotfactory.graders.statements.standing import UNDECIDED, standing

Box = tuple[int, int, str]

MAX_BETWEEN = 120
"""Boxes further apart than these characters are not read together."""

_BETWEEN = re.compile(
    r"(?:[\s,;:.$]|\\[\])(\[,;]|\\q?quad|\\text\s*\{[\s,]*(?:and|or)[\s,]*\}|\band\b|\bor\b|[a-zA-Z_0-9(){}^]+\s*=)*\Z"
)
_JOINS = re.compile(r"[,;]|\band\b|\bor\b")
_LISTED = re.compile(r"[,;]|\band\b")
_BARE = re.compile(r"[\s$.]*\Z")
"""Boxes with nothing between them are alternatives that nobody chose among."""
_DOUBT = re.compile(
    r"\b(?:or|alternatively|maybe|perhaps|possibly|either|might|could (?:also )?be"
    r"|another (?:possible )?(?:answer|reading|interpretation|possibility|option))\b",
    re.IGNORECASE,
)
_GUESS = (
    r"(?:answer|guess|attempt|candidate|possibility|option|choice|alternative|method|approach"
    r"|interpretation|reading|try)"
)
_UNSURE = re.compile(r"\b(?:maybe|perhaps|possibly|conceivably)\b[^,.;:]{0,20}\Z", re.IGNORECASE)
_RIVAL = re.compile(
    rf"(?:\A|[\n.;:*(])\W{{0,6}}(?:(?:possible )?{_GUESS}[ \t]*(?:\#[ \t]*)?(?:[0-9]+|[A-H]|one|two|three|first"
    rf"|second)\b"
    rf"|(?:my )?(?:first|second|third|another|1st|2nd|3rd)[ \t]+(?:possible )?{_GUESS}\b|(?:if|otherwise|else)\b)",
    re.IGNORECASE,
)
_IF_BEHIND = re.compile(r"[\s$.,]*\(?\s*(?:if|when|assuming|otherwise)\b", re.IGNORECASE)
_PART = re.compile(
    r"(?:\bpart[ \t]*)?\((?P<round>[a-h]|[1-9]|i{1,3}|iv|v)\)|\b(?:part|question"
    r"|problem)[ \t]+(?P<named>[a-h1-9]|i{1,3}|iv|v)\b"
    r"|(?:\A|\n)[ \t]*(?P<listed>[a-h]|[1-9]|i{1,3}|iv|v)[.)](?=[ \t])",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?:\A|[\s$,;(])(?P<name>[A-Za-z](?:_\{?[A-Za-z0-9]\}?)?)\s*=\s*\$?\Z")
_ORDERS = ("abcdefgh", "123456789", ("i", "ii", "iii", "iv", "v"))
_COUNTED = re.compile(r"[\s$]*(?:[a-z]+[ \t,]+){1,4}and[\s$]*\Z")
_ONE_SENTENCE = re.compile(r"(?:[\s$]*(?:[a-z]+[ \t,]+){0,3}(?:,|;|\band\b|\bwhile\b)){1,2}[^.!?\n]{1,60}\Z")
_CONCLUDES = re.compile(
    r"\b(?:answers?|not|n['’]t|wrong|actually|instead|rather|so|then|hence|thus|therefore|which|gives?|giving|finally|final"
    r"|total|corrected)\b",
    re.IGNORECASE,
)
"""What makes the box behind it follow from the one before, or correct it."""
_QUALIFIED = re.compile(
    r"\\text[a-z]*\s*\{[^{}]*\b(?:not|wrong|incorrect|false|untrue|impossible|invalid|mistaken?|excluded"
    r"|removed|maybe|perhaps"
    r"|possibly|probably|unsure|not sure|guess|except|but|repeating|(?:is|are|was) (?:what|the(?! (?:final "
    r"|correct |right )?answer)))\b"
    r"|\\text[a-z]*\s*\{[^{}]*\?\s*\}",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"\A\s*(?:\\text[a-z]*\s*\{\s*(?:at (?:least|most)|(?:less|more|fewer|greater|other) than|up to|about|over"
    r"|under)\s*\}\s*[0-9.,]+"
    r"|[0-9.,]+\s*\\text[a-z]*\s*\{\s*(?:at (?:least|most)|or (?:less|more|fewer|so)|and (?:up|above"
    r"|below))\s*\})\s*\Z",
    re.IGNORECASE,
)

_PLACEHOLDER = re.compile(
    r"(?:\\text\s*\{)?\s*(?:(?:your |the |my )?(?:final )?answer(?: here)?|\.\.\.|\\c?l?dots)\s*\}?\Z", re.IGNORECASE
)
"""What an instruction puts into the box it speaks of: "use \\boxed{answer}"."""
_DOUBTED = re.compile(r"\A\s*(?:\\neq?(?![A-Za-z])|≠)|[0-9]\s*\?[\s$}]*\Z")

_SET = re.compile(r"\b(?:reals?|numbers|integers|values)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Boxed:
    """The box that stands: its span and content; `readings` are other ways to read it with the boxes before it.

    `content` None says why there is none in `reason`; `is_taken_back` that what came before it counts no more either.
    """

    content: str | None
    start: int = 0
    end: int = 0
    reason: str = "found"
    readings: tuple[str, ...] = ()
    is_taken_back: bool = False


def stated_box(text: str) -> Boxed | None:
    """Return the last box of a text that stands, None where the text has no box."""
    boxes = last_boxes(text)
    if boxes is None:
        return Boxed(None, reason="unclosed_box")
    if not boxes:
        return None
    last = len(boxes) - 1
    while last >= 0:
        first, answer = _joined(text, boxes, last)
        if not answer or _PLACEHOLDER.match(answer):
            return Boxed(None, reason="empty_box", end=boxes[last][1])
        follows = boxes[last + 1][0] if last + 1 < len(boxes) else len(text)
        how = _qualification(answer) or standing(text, boxes[first][0], boxes[last][1], follows, is_value=True)
        if how == "taken_back":
            return Boxed(None, reason="taken_back", end=boxes[last][1], is_taken_back=True)
        if how in ("stated", "quoted") and _is_rivalled(text, boxes, first, last):
            return Boxed(None, reason="several_answers")
        if how == "stated":
            readings = _as_parts(text, boxes[: last + 1]) if last else ()
            return Boxed(answer, boxes[first][0], boxes[last][1], readings=readings)
        last = first - 1
    return Boxed(None, reason="taken_back", end=boxes[-1][1])


def _qualification(content: str) -> str | None:
    """Return `denied` for a value with words against it; words alone ("does not exist") and sets are answers."""
    if _DOUBTED.search(content):
        return "denied"
    if "\\text" not in content or not any(map(str.isdigit, content)) or _SET.search(content):
        return None
    return "denied" if _QUALIFIED.search(content) or _BOUND.match(content) else None


def _joined(text: str, boxes: list[Box], last: int) -> tuple[int, str]:
    """Return the index of the first box of the list that ends in box `last`, and the list."""
    answer, first = boxes[last][2], last
    guesses = _are_guesses(text, boxes[: last + 1])
    for index in range(last - 1, -1, -1):
        between = text[boxes[index][1] : boxes[index + 1][0]]
        if len(between) > 80 or not _BETWEEN.match(between) or not (guesses or _JOINS.search(between)):
            break
        separator = ", " if _LISTED.search(between) else " or "
        answer, first = boxes[index][2] + separator + answer, index
    return first, answer.strip()


def _are_guesses(text: str, boxes: list[Box]) -> bool:
    """Whether boxes stand side by side at the end, each with another value; repeated ones are no guesses."""
    side_by_side = [boxes[-1][2]]
    for box, following in pairwise(reversed(boxes)):
        if not _BARE.match(text[following[1] : box[0]]):
            break
        side_by_side.append(following[2])
    return 1 < len(side_by_side) == len(set(side_by_side))


def _is_rivalled(text: str, boxes: list[Box], first: int, last: int) -> bool:
    """Whether the boxes before the last one are other answers, rather than steps or corrected by it."""
    if first == 0 and last == 0:
        return False
    if first < last or boxes[last - 1][2].strip() == boxes[last][2].strip():
        return False
    between = text[boxes[last - 1][1] : boxes[last][0]]
    if len(between) <= MAX_BETWEEN and _DOUBT.search(between):
        return True
    if _UNSURE.search(between[-40:]) or UNDECIDED.search(text, boxes[last][1], boxes[last][1] + 200):
        return True
    if _IF_BEHIND.match(between) and _IF_BEHIND.match(text[boxes[last][1] : boxes[last][1] + MAX_BETWEEN]):
        return True
    before = _line_before(text, boxes[last - 1][0])
    return _RIVAL.search(before) is not None and _RIVAL.search(between[-120:]) is not None


def _line_before(text: str, start: int) -> str:
    return text[max(text.rfind("\n", 0, start), start - 120, 0) : start]


def _as_parts(text: str, boxes: list[Box]) -> tuple[str, ...]:
    """Return the boxes as one list where each belongs to a part, a name of its own, or is counted in one sentence."""
    labels = [_label(text, boxes, number) for number in range(len(boxes))]
    contents = [content.strip() for _, _, content in boxes]
    if all(labels) and len(set(labels)) == len(labels) and _is_in_order(labels):
        named = ", ".join(f"{label} = {content}" for label, content in zip(labels, contents, strict=True))
        plain = ", ".join(contents)
        return (plain, named) if _NAME.search(text[: boxes[0][0]][-20:]) else (plain,)
    between = [text[box[1] : following[0]] for box, following in pairwise(boxes)]
    if any(len(words) > MAX_BETWEEN or _CONCLUDES.search(words) for words in between):
        return ()
    if all(map(_COUNTED.match, between)):
        behind = re.match(r"[\s$]*[a-z]+", text[boxes[-1][1] :])
        span = text[boxes[0][0] : boxes[-1][1] + (behind.end() if behind else 0)]
        return (", ".join(contents), unboxed(span))
    if all(map(_ONE_SENTENCE.match, between)):
        return (", ".join(contents),)
    return ()


def _label(text: str, boxes: list[Box], number: int) -> str | None:
    start = boxes[number][0]
    window = text[max(boxes[number - 1][1] if number else 0, start - 200) : start]
    if name := _NAME.search(window[-20:]):
        return name["name"]
    parts = list(_PART.finditer(window))
    return next(label for label in parts[0].groups() if label).lower() if len(parts) == 1 else None


def _is_in_order(labels: list[str | None]) -> bool:
    parts = [tuple(order[: len(labels)]) for order in _ORDERS]
    return tuple(labels) in parts or not any(label and label.isdigit() for label in labels)
