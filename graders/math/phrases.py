r"""Phrases that say a set or a value in words, and reversed brackets, spelled as the notation the other rules read.

"all real numbers except 0" is `\mathbb{R} \setminus \{0\}`, "no solution" the empty set, "infinity" `\infty`,
`]2, 5[` the interval (2, 5). Anything else stays as it is.
"""

import re

from cotfactory.graders.math.latex import plain_words

MAX_CHARS = 120

_NUMBER = r"(-?[0-9][0-9.]*(?:/[0-9]+)?)"
_ALL = r"(?:(?:the )?set of )?(?:all |any |every |each )?(?:the )?"
_REALS = r"(?:reals?(?: numbers?| values?)?)(?: of)?(?: [a-z])?"
_OF_A_SYMBOL = r"(?:[a-z] (?:is|can be|may be|=) )?"
_BOUNDS = {
    "greater than": ">", "more than": ">", "larger than": ">", "bigger than": ">", "above": ">", "less than": "<",
    "smaller than": "<", "below": "<", "greater than or equal to": r"\ge", "at least": r"\ge",
    "less than or equal to": r"\le", "at most": r"\le", "not less than": r"\ge", "not greater than": r"\le",
    "no more than": r"\le", "no less than": r"\ge",
}  # fmt: skip
_ALL_REALS = re.compile(rf"{_OF_A_SYMBOL}{_ALL}{_REALS}\Z")
_SIGNED = re.compile(rf"{_OF_A_SYMBOL}{_ALL}(positive|negative|non-?negative|non-?positive|non-?zero) {_REALS}\Z")
_SIGNS = {
    "positive": "(0, \\infty)", "negative": "(-\\infty, 0)", "nonnegative": "[0, \\infty)",
    "nonpositive": "(-\\infty, 0]", "nonzero": "\\mathbb{R} \\setminus \\{0\\}",
}  # fmt: skip
_EXCEPT = re.compile(
    rf"{_OF_A_SYMBOL}{_ALL}{_REALS},? (?:except|but|excluding|other than|besides|without)(?: for)?"
    rf" (?:[a-z] ?= ?)?{_NUMBER}(?:(?:,| and|, and) (?:[a-z] ?= ?)?{_NUMBER})?\Z"
)
_BOUNDED = re.compile(rf"{_OF_A_SYMBOL}{_ALL}{_REALS}(?: that are| which are)? ({'|'.join(_BOUNDS)}) {_NUMBER}\Z")
_WHOLE = re.compile(rf"{_ALL}(integers|integer numbers|rational numbers|rationals|complex numbers)\Z")
_NO_SOLUTION = re.compile(
    r"(?:there (?:is|are|exists?) |it has |has |have |the equation has )?(?:no|zero) "
    r"(?:real |possible |valid |such |integer )?(?:solutions?|roots?|values?|values? of [a-z]|[a-z] exists?"
    r"|numbers? exists?|answers? exists?)(?: exists?)?\Z|(?:the )?(?:empty|null) set\Z|none\Z"
)
_MISSING = re.compile(r"(?:(?:the |this )?limit )?(?:does not exist|doesn't exist|dne|d\.n\.e)\Z")
_UNDEFINED = re.compile(r"(?:is )?(?:not |un)defined\Z")
_HALF_LINES = {
    "\\mathbb{R}^+": "(0, \\infty)", "\\mathbb{R}_+": "(0, \\infty)", "\\mathbb{R}^-": "(-\\infty, 0)",
    "\\mathbb{R}_{>0}": "(0, \\infty)", "\\mathbb{R}_{\\ge0}": "[0, \\infty)", "\\mathbb{R}_{<0}": "(-\\infty, 0)",
}  # fmt: skip
_INFINITE = re.compile(
    r"(?:(?:it |the (?:limit|series|sum|integral) )?(?:diverges|goes|tends"
    r"|grows)(?: off)? to )?(?:(positive |\+|plus )|(negative |-|minus ))?(?:infinity|infinite)\Z"
    r"|infinitely many(?: [a-z]+)?\Z"
    r"|an infinite number\Z"
)
_HINT = re.compile(
    r"real|solution|root|exist|empty|null|infinit|integers|rational|complex|defined|none|dne|d\.n\.e", re.IGNORECASE
)
_REVERSED = re.compile(r"([\[\]])([^\[\]]{1,80}[,;][^\[\]]{1,80})([\[\]])")


def spelled_out(text: str) -> str:
    r"""Return cleaned `text` with such a phrase or reversed brackets put into notation.

    >>> spelled_out(r"\text{all real numbers}"), spelled_out("]2, 5[")
    ('\\mathbb{R}', '(2, 5)')
    """
    if text[:1] == "]" or text[-1:] == "[":
        return _REVERSED.sub(lambda m: f"{'(' if m[1] == ']' else '['}{m[2]}{')' if m[3] == '[' else ']'}", text)
    if text.startswith("\\mathbb{R}") and len(text) < 30:
        text = re.sub(r"\A\\mathbb\{R\}\s*-\s*(?=\\\{)", r"\\mathbb{R} \\setminus ", text)
        return _HALF_LINES.get(re.sub(r"\s|(?<=[\^_])\{(?=[+-]\})|(?<=[+-])\}", "", text), text)
    if len(text) > MAX_CHARS or not _HINT.search(text):
        return text
    return _phrase(" ".join(plain_words(text).lower().replace("$", "").strip(" .").split())) or text


def _phrase(words: str) -> str | None:
    if _ALL_REALS.match(words):
        return "\\mathbb{R}"
    if match := _SIGNED.match(words):
        return _SIGNS[match[1].replace("-", "")]
    if match := _EXCEPT.match(words):
        return f"\\mathbb{{R}} \\setminus \\{{{', '.join(number for number in match.groups() if number)}\\}}"
    if match := _BOUNDED.match(words):
        return f"x {_BOUNDS[match[1]]} {match[2]}"
    if match := _WHOLE.match(words):
        return f"\\mathbb{{{'Z' if match[1].startswith('i') else match[1][0].upper().replace('R', 'Q')}}}"
    if _NO_SOLUTION.match(words):
        return "\\emptyset"
    if _UNDEFINED.match(words):
        return "\\text{undefined}"
    if _MISSING.match(words):
        return "\\text{does not exist}"
    if match := _INFINITE.match(words):
        return "-\\infty" if match[2] else "\\infty"
    return None
