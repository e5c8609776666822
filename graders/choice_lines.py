"""A response that says no "answer is": the letter or option that is all of it, or that its last line concludes."""

import re

from cotfactory.graders.choice_options import MARKUP, Choice, by_text_of, checked
from cotfactory.graders.statements.standing import standing
from cotfactory.graders.texts import normalise
from cotfactory.schemas.problem import CHOICE_LETTERS

DASHED = re.compile(MARKUP + r"\(?([A-Z])\)?\s+[-–—]\s+(\S[^\n]{0,200})")
_ONLY = re.compile(
    r"[\s*`\"]*(?:(?:option|选项)\s*)?[(\[]?\s*([A-Za-z])\s*(?:(?:[)\]]+[.:,]?|[.:,])\s*(.{0,300}?))?[\s*`\"]*\Z",
    re.I | re.DOTALL,
)
_EXPLAINED = re.compile(
    r"[\s*]*\(?([A-Z])[).]?[\s*]*\n()\s*\W*(?i:explanation|reason|reasoning|rationale|justification|analysis)\b"
)
BEHIND = re.compile(r"\s*([^\n]{1,200}?)\s+\(([A-Z])\)\W*\Z")
_CONCLUSION = re.compile(
    r"(?:(?:\bis|\bare|\bbe|'s|\bclosest to|\banswer)\s+(?:\*\*)?(?:(?:option|choice|letter|answer)\s+)?"
    r"(?:\(\s*(?P<round>[A-Z])\s*\)|(?P<bare>[B-HJ-Z]))|\b(?:is|to"
    r"|supports) (?:the )?option (?:\(?(?P<named>[A-Z])\)?)"
    r"|\bmakes \((?P<makes>[A-Z])\) the correct (?:answer|option|choice)"
    r"|,\s+or\s+\((?P<alias>[A-Z])\)|\A\W*(?:So,? |Thus,? |Therefore,? |Hence,? )?"
    r"(?:\((?P<first>[A-Z])\) is correct|(?P<plain>[A-Z]) is (?:correct|right"
    r"|(?:the|my) (?:correct |right |best |final )?(?:answer|option|choice)))|(?:\A|[,;:] )\W*(?i:so|thus|therefore"
    r"|hence|clearly|→|=>|that leaves|leaving(?: only)?|only),? (?:\((?P<thus>[A-Z])\)|(?P<so>[B-HJ-Z]))"
    r"|\b(?i:only),? \((?P<only>[A-Z])\) (?:remains|is left|fits|works|survives|qualifies)"
    r"|\A\W*(?:(?i:so|thus|then),? )?\(?(?P<settled>[A-Z])\)? it is"
    r"|\A(?:→|=>|⇒) ?\(?(?P<arrow>[A-Z])\)?"
    r"|(?:\A\W*|\b(?i:so|thus|therefore|hence|that|only),? )(?:(?i:option|choice|answer|letter) (?P<option>[A-Z])"
    r"|\((?P<subject>[A-Z])\)"
    r"|(?i:option|choice|answer) \((?P<both>[A-Z])\)) is (?:(?:the )?(?:correct|right|best)(?: (?:answer|option"
    r"|choice|one))?|(?:the|our|my) (?:final )?(?:answer|option|choice))"
    r"|(?:\A\W*|\b)(?:(?:I|[Ww]e)(?: would| will|['’]ll|['’]d| am| are|['’]m|['’]re)? (?:choos(?:e|ing)"
    r"|pick(?:ing)?|select(?:ing)?|go(?:ing)? (?:with|for)|answer)|\A\W*(?:[Cc]hoos|[Pp]ick|[Ss]elect)(?:e"
    r"|ing)?)(?: option| answer| choice)? "
    r"(?:\((?P<picked>[A-Z])\)|(?P<chosen>[B-HJ-Z]))(?: (?:because|since|as)\b[^.\n]*)?)(?:\*\*)?[\s.!*]*\Z"
)
_LETTERED = re.compile(r"(?<![A-Za-z0-9])\(?([A-Z])(?:\)|[.):])\s+(\S.{0,200}?)[\s.*]*\Z", re.DOTALL)
_ANY_LETTER = re.compile(r"(?<![A-Za-z0-9'])[A-Z](?![A-Za-z0-9'])|\b(?i:either|maybe|perhaps)\b")


def whole_response(text: str, choices: tuple[str, ...]) -> list[Choice]:
    """The response is a letter, a letter with its option's text, or an option's text, and nothing else."""
    if len(text) > 400:
        return []
    by_text = by_text_of(text, choices, "only_line")
    match = _ONLY.match(text) or _EXPLAINED.match(text)
    if (dashed := DASHED.match(text) or BEHIND.match(text)) and by_text is None:
        letter, option = sorted(dashed.groups(), key=len)
        by_text = by_text_of(option, choices, "only_line")
        return [by_text] if by_text is not None and by_text.letter == letter else []
    if match is None or (by_text is not None and len(text) > 1):
        return [by_text] if by_text else []
    after = match[2] or ""
    if _NEXT_OPTION.search(after) or re.search(r"\s\([A-Z]\)", after):
        return []  # a list of options states none
    choice = checked(match[1].upper(), after, choices, "only_line")
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
    by_text = by_text_of(lettered[2], choices, "conclusion")
    return by_text if by_text is not None and by_text.letter == lettered[1].upper() else None


def conclusion(text: str, choices: tuple[str, ...]) -> list[Choice]:
    """The last sentence ends in "is (C)." or "is option C.", or in a letter with the text of its option."""
    tail = text[-400:]
    if (alone := _own_line(text, choices)) is not None:
        return [alone]
    lettered = _LETTERED.search(tail)
    if lettered is not None:
        by_text = by_text_of(lettered[2], choices, "conclusion")
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
    return [checked(letter, "", choices, "conclusion")]


def _denied(before: str) -> bool:
    """Whether the clause before a letter says what the answer is not."""
    clause = re.split(r"[,;.]|\bbut\b", before)[-1]
    return (
        re.search(r"\bnot\b|n['’]t\b|\bcannot\b|\b(?:incorrect|wrong|might|may|could|perhaps|maybe)\b", clause)
        is not None
    )
