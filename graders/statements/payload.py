r"""What a statement says: from the words that announce an answer to the value, without the prose behind it."""

import re

MAX_STATEMENT_CHARS = 600
"""A statement ("the answer is ...") is read at most so far; a box may be longer."""

_SENTENCE_END = re.compile(r"(?:[.?]|!(?!\s*[=+*/]))(?=\s|\Z|[\"')*_<])|[。！？]|\n")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|Mt|[ap]\.m|i\.e|e\.g|approx|ca|[Rr]s|vs|No)\.\Z")
# Lower case only: "42 because ..." is prose, "THE FACE WHICH SHE ..." may be the answer.
_TRAILING_CLAUSE = re.compile(
    r",\s+(?:contrary to|assuming|ignoring|neglecting|as (?:stated|required|desired|claimed|expected|above"
    r"|before|shown))\b.*"
    r"|,?\s+(?:because|since|which|as it|as the|so that|where|when|given|in total|based on|according to)\b.*"
    r"|\s*[,(]\s*(?:so|but|and so|and (?:no|this|that|it)|as|i\.e\.)\b.*",
    re.DOTALL,
)
_VALUE_OR_WORDS = re.compile(r"(?=.*[0-9\\]).*|\S+(?: \S+)?", re.DOTALL)
_LEADING = re.compile(
    r"(?:,? ?\b(?:without (?:any |a )?doubt|of course|in fact|as expected|obviously|indeed),\s"
    r"|\s|:|\.\.\.|(?:therefore|hence|now|only|none other than|nothing but|precisely|namely|thus|then)\s*:"
    r"|(?:therefore|hence|none other than|nothing but|precisely|namely|thus|then|simply|just|clearly|about"
    r"|approximately|approx\.?|exactly|equal to|that"
    r"|given by|indeed)\s)+(?=[\s$\\(\[{*0-9A-Za-z-])",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"the [^=]{1,200} is ", re.IGNORECASE)
_NOT_THE_OTHER = re.compile(
    r"(?:\s*[,(]\s*|(?<=[0-9$}])\s+)(?:and )?(?:not|rather than|instead of|nicht"
    r"|et non|y no|而不是|не)\b[^,()]*\)?\s*\Z"
)
_MAY_DENY = re.compile(r"not|rather|instead|nicht|non|no |不")
_BUT_ANOTHER = re.compile(
    r"(?:not|nicht|pas|no) (?!only\b)[^,;.]{1,40}?,? (?:but(?: rather)?|sondern|mais|sino)\s+"
    r"(?!(?:I|we|it|he|she|they|there|this|that)\b)(?P<value>\S.*)\Z",
    re.DOTALL,
)
_APPROXIMATED = re.compile(
    r"([^,]*(?:/|\\)[^,]*?)\s*(?:,|\()\s*(?:which is |or |that is )?(?:approximately|about|roughly|≈|\\approx)\s*"
    r"\$?[-−]?[0-9][0-9.,]*\$?\)?\Z"
)
"""A decimal behind a fraction or a root says nothing more: "1/3, approximately 0.33"."""
_QUANTITY = r"(?:\\?\$\s*)?[-−]?[0-9][0-9.,/]*(?:\s*(?:%|[A-Za-z°µ/²³^0-9]+))*"
_RESTATED = re.compile(
    rf"\A(?P<value>.*?[0-9].*?)(?:\s*\((?:that is|i\.e\.|or|equivalently|which is|equal to"
    rf"|=)?,?\s*(?P<inside>{_QUANTITY})\)"
    rf"|,\s*(?:i\.e\.|that is|or equivalently|equivalently|which is|(?P<or>or)),?\s+(?P<behind>{_QUANTITY}(?:,? (?:or"
    rf"|and) {_QUANTITY})*))\s*\Z",
    re.DOTALL,
)
_UNIT_AFTER = re.compile(r"[0-9]\s*(?:%|[A-Za-z])")
_POINTER = re.compile(
    r"(?<=[0-9}$%A-Za-z])\s*\((?:see|cf\.|from|as (?:above|shown|found)|verified|checked)\b[^()]{0,80}\)\s*\Z"
)
_LEFT_OPEN = re.compile(r"[^()\[\]{}<>]*[0-9]\)\Z")
"""A number behind which a bracket closes that was opened before the statement: "(Answer: 42)"."""
_COPULA = re.compile(r"\s*(?:です|である|だ|となります|になります|입니다|이다|이에요|예요|です。)\s*\Z")
_EMPHASIS = re.compile(r"\A([*_])(?![\s*_])(.*[^\s*_])\1\Z", re.DOTALL)
_CODE_BLOCK = re.compile(r"```[A-Za-z]{0,12}[ \t]*\n(?P<inside>[^`]{1,400}?)\n?```")

_NEGATED = re.compile(
    r"(?:certainly |clearly |definitely |simply )?(?:(?:not|n['’]t|neither|unknown|unclear|incorrect|wrong"
    r"|anything but|unlikely|(?:said|rumou?red|thought|believed|claimed|reported|alleged) to be)\b"
    r"|nicht\b|kein|pas\b|non\b|no\b(?= [0-9a-z(])|не\s|不(?!等式)|ليس)",
    re.IGNORECASE,
)
_NEGATED_AT_END = re.compile(r"(?:では|じゃ)(?:ない|ありません)|(?:이|가)?\s*아(?:닙니다|니다|니에요)\s*\Z")


def payload(text: str, start: int) -> str:
    """Return what is stated from `start` on: a formula that spans lines whole, else to the end of the sentence."""
    window = text[start : start + MAX_STATEMENT_CHARS]
    stripped = window.lstrip(" \t\r\n:").removeprefix("**").lstrip(" \t\r\n:")
    if stripped.startswith(("- ", "* ")) and "\n" in window[: len(window) - len(stripped)]:
        stripped = stripped[2:].lstrip()  # an item of a list
    if stripped.startswith("```") and (block := _CODE_BLOCK.match(stripped)):
        return block["inside"].strip()
    for opening, closing in (("\\[", "\\]"), ("$$", "$$"), ("\\(", "\\)"), ("$", "$")):
        if stripped.startswith(opening):
            end = stripped.find(closing, len(opening))
            if end > 0:
                tail = _SENTENCE_END.split(stripped[end + len(closing) :], maxsplit=1)[0]
                return tidy(stripped[: end + len(closing)] + tail)
    return tidy(first_sentence(stripped))


def first_sentence(text: str) -> str:
    """Return `text` up to the end of its first sentence or line."""
    for match in _SENTENCE_END.finditer(text):
        if match[0] == "." and _ABBREVIATION.search(text, max(0, match.end() - 8), match.end()):
            continue
        return text[: match.start()]
    return text


_BOLD = re.compile(r"(?<![0-9A-Za-z)\]}])\*\*|\*\*(?![0-9A-Za-z({\[\\-])")


def without_bold(text: str) -> str:
    """Return a text without the marks of bold words; between two values they are a power: `2**3`."""
    return _BOLD.sub("", text) if "**" in text else text


def tidy(text: str) -> str:
    """Return a stated value without the words before it and the clause behind it."""
    text = without_bold(text).replace("__", "").replace("<EOS_TOKEN>", "").rstrip("✓✔✅☑ ").strip(" \t\r\n`")
    leading = _LEADING.match(text)
    if leading:
        text = text[leading.end() :]
    clause = _TRAILING_CLAUSE.search(text)
    if clause is not None and _VALUE_OR_WORDS.fullmatch(text[: clause.start()]):
        text = text[: clause.start()]
    if len(text) <= 200 and (approximated := _APPROXIMATED.match(text)):
        text = approximated[1]
    if _MAY_DENY.search(text) and (denied := _NOT_THE_OTHER.search(text)) and denied.start() > 0:
        text = text[: denied.start()]
    if _SUBJECT.match(text) and "not" not in text:
        text = text.rpartition(" is ")[2]  # "Final answer: the volume of the box is 120"
    text = _POINTER.sub("", text).strip(" \t\r\n`")
    if _LEFT_OPEN.match(text):
        text = text[:-1]
    if emphasis := _EMPHASIS.match(text):
        text = emphasis[2]
    if not text.isascii():
        text = _COPULA.sub("", text.rstrip("。！")).strip()
    return text.rstrip(".!").strip(" \t\r\n`|")


def restatements(value: str) -> tuple[str, tuple[str, ...]]:
    """Return a stated value without what says it once more, and that: "2 km, or 2000 m" is "2 km" and "2000 m"."""
    if not ("(" in value or "," in value):
        return value, ()
    match = _RESTATED.match(value)
    if match is None:
        return value, ()
    said = match["inside"] or match["behind"]
    only_or = match["inside"] or match["or"]
    if only_or and not (_UNIT_AFTER.search(match["value"]) and _UNIT_AFTER.search(said)):
        return value, ()  # "5, or 6" names two answers, "f (3)" one
    return match["value"].strip(), tuple(part.strip() for part in re.split(r",? or ", said))


def corrected(value: str) -> str:
    """Return the second of a contrast, other values as they are: "not 43 but 42" is "42"."""
    contrast = _BUT_ANOTHER.match(value)
    return contrast["value"] if contrast else value


def is_negated(value: str) -> bool:
    """Whether a statement says what the answer is not, or that there is none."""
    return _NEGATED.match(value) is not None or (not value.isascii() and _NEGATED_AT_END.search(value) is not None)


_REFUSAL = re.compile(r"\W*(?:[a-z]+ly )?(?:wrong|incorrect|mistaken|false)\W*(?:\n|\Z)", re.IGNORECASE)


def is_refusal(text: str, start: int) -> bool:
    """Whether what is said from `start` on calls the answer before it wrong: "the obvious answer is wrong"."""
    return _REFUSAL.match(text[start : start + 40]) is not None


_COMMENT = re.compile(
    r"(?:indeed |also |clearly |quite |very |both |perfectly |therefore )*(?:correct|right|reasonable"
    r"|consistent|valid|verified|confirmed|unique|exact"
    r"|plausible|sensible|acceptable|helpful|useful|clear|obvious|easy|simple|positive|negative|even|odd|given|found|shown"
    r"|boxed|checked|based"
    r"|obtained|derived|justified|supported|in (?:the|simplest|lowest)|an? (?:[a-z-]+ ){0,3}"
    r"(?:number|integer|fraction|value|multiple|decimal|prime|percentage|quantity|whole|square|solution"
    r"|approximation))\b",
)


_RELATED = re.compile(
    r"(?:also |indeed |clearly )*(?:divisible by|a (?:multiple|factor|divisor) of"
    r"|the (?:sum|product|difference|quotient|ratio) of) (?:\$|\\\(|[0-9])"
)


def is_comment(value: str) -> bool:
    """Whether "the answer is ..." describes an answer that was given elsewhere: "correct", "an even number"."""
    return _RELATED.match(value) is not None or (
        _COMMENT.match(value) is not None and not any(character.isdigit() for character in value[:20])
    )
