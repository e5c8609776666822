"""Answers as models write them, brought to one spelling before anything compares them.

Only notation changes here (wrappers, spacing, Unicode signs), never a value: `clean(clean(t)) == clean(t)`.
"""

import re
import unicodedata

MAX_ANSWER_CHARS = 4_000
"""A final answer longer than this is not read: no reference answer is near it."""

_SIGNS = str.maketrans(
    {
        "−": "-", "–": "-", "—": "-", "‒": "-", "﹣": "-", "－": "-", "‐": "-", "‑": "-",
        "×": "\\times ", "·": "\\cdot ", "⋅": "\\cdot ", "∙": "\\cdot ", "÷": "/", "⁄": "/", "∕": "/",
        "π": "\\pi ", "∞": "\\infty ", "√": "\\sqrt ", "≤": "\\le ", "≥": "\\ge ", "≠": "\\ne ",
        "⩽": "\\le ", "⩾": "\\ge ", "≈": "\\approx ", "∪": "\\cup ", "∩": "\\cap ", "∈": "\\in ",
        "∅": "\\emptyset ", "∖": "\\setminus ", "±": "\\pm ", "∓": "\\mp ", "°": "^\\circ ",
        "θ": "\\theta ", "α": "\\alpha ", "β": "\\beta ", "γ": "\\gamma ", "λ": "\\lambda ", "φ": "\\phi ",
        "ℝ": "\\mathbb{R}", "ℤ": "\\mathbb{Z}", "ℚ": "\\mathbb{Q}", "ℕ": "\\mathbb{N}",
        "’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " ", "′": "'",
    }
)  # fmt: skip
_VULGAR = {character: unicodedata.normalize("NFKC", character).split("⁄") for character in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"}
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿ", "0123456789-n", strict=True))
_STACKED = re.compile("([⁰¹²³⁴⁵⁶⁷⁸⁹]+)[⁄∕/]([₀₁₂₃₄₅₆₇₈₉]+)")
_CUBE_ROOT = re.compile(r"∛\s*\(?([0-9]+|[a-z])\)?")
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))

_WRAPPERS = re.compile(
    r"\\(?:left|right|[bB]igg?[lr]?|displaystyle|textstyle|tiny|small|normalsize|[lL]arge|LARGE|[hH]uge|bfseries|bf|limits|nolimits|quad|qquad|thinspace)(?![A-Za-z])"
    r"|(?<!\\)\\[,!;:>]|(?<!\\)\\(?=\s)|~"
)
_PHANTOM = re.compile(r"\\[hv]?phantom\s*\{[^{}]*\}|\\label\s*\{[^{}]*\}|\\tag\s*\{[^{}]*\}|\\hspace\s*\{[^{}]*\}")
_FONTS = re.compile(
    r"\\(?:mathrm|mathbf|mathit|mathsf|mathtt|mathnormal|boldsymbol|bm|operatorname\*?|variable)\s*\{([^{}]*)\}"
)
_TEXT = re.compile(r"\\(?:text|textbf|textit|textrm|textnormal|textsf|texttt|mbox|hbox|emph)\s*\{([^{}]*)\}")
_NESTED = re.compile(r"\\text\{\s*\\text\{([^{}]*)\}\s*\}")
_DIGIT_GROUP = re.compile(r"(?<=[0-9])(?:\s*\{,\}\s*|\s*,?\s*\\[!,]\s*)(?=[0-9]{3}(?![0-9]))")
_DECIMAL_COMMA = re.compile(r"(?<=[0-9])\{,\}(?=[0-9])")
"""What is not a group of three after `{,}` is a fraction: `3{,}5`."""
_CHOOSE = re.compile(r"\{\s*([^{}]{1,200}?)\s*\\choose\s*([^{}]{1,200}?)\s*\}")
_CONNECTOR = re.compile(r"\\text\{[\s,;]*(and|or)[\s,;:]*\}", re.IGNORECASE)
_COLOR = re.compile(
    r"\\fcolorbox\s*\{[^{}]*\}\s*\{[^{}]*\}|\\colorbox\s*\{[^{}]*\}|\\(?:text)?color\s*(?:\[[a-zA-Z]*\])?\{[^{}]*\}|\\(?:underline|uline|ensuremath)(?=\s*\{)"
)
_CYCLE = re.compile(
    r"(?<=[0-9.])\\(?:bar|overline|dot)\s*(?:\{\s*([0-9]+)\s*\}|([0-9]))(?:([0-9]*)\\dot\s*(?:\{([0-9])\}|([0-9])))?"
)
_LINED = re.compile("((?:[0-9][\u0304\u0305\u0307])+)")
_UNDERSCORED = re.compile(r"(?<![0-9A-Za-z_.])[0-9]{1,3}(?:\\?_[0-9]{3})+(?![0-9_])")
_CHOICES = re.compile(
    r"(?<![0-9A-Za-z}])(?:\{\s*\})?\s*[_^]\s*(?:\{\s*([0-9]{1,3})\s*\}|([0-9]))\s*([CP])\s*_\s*(?:\{\s*([0-9]{1,3})\s*\}|([0-9]))"
)
_SPACES = re.compile(r"\s+")
_SPELLINGS = (
    ("\\dfrac", "\\frac"), ("\\tfrac", "\\frac"), ("\\cfrac", "\\frac"), ("\\lbrace", "\\{"),
    ("\\rbrace", "\\}"), ("\\lvert", "|"), ("\\rvert", "|"), ("\\vert", "|"), ("\\leqslant", "\\le "),
    ("\\geqslant", "\\ge "), ("\\leq", "\\le "), ("\\geq", "\\ge "), ("\\neq", "\\ne "), ("\\lt ", "<"),
    ("\\gt ", ">"), ("\\gt", ">"), ("\\lt", "<"), ("\\varnothing", "\\emptyset "), ("\\degree", "^\\circ "),
    ("^{\\circ}", "^\\circ "), ("\\%", "%"), ("**", "^"), (">=", "\\ge "), ("<=", "\\le "), ("!=", "\\ne "),
    ("\\infin ", "\\infty "), ("\\cdotp", "\\cdot "), ("\\colon", ":"), ("{:}", ":"), ("\\mathrm", ""), ("\\+", "+"),
    ("\\operatorname", "\\"), ("\\bmod", "\\mod"), ("\\exponentialE", "e"), ("\\backslash", "\\setminus "),
    ("\\mathbb R", "\\mathbb{R}"), ("\\mathbb Z", "\\mathbb{Z}"), ("\\mathbb Q", "\\mathbb{Q}"),
    ("\\mathbb N", "\\mathbb{N}"), ("\\mathbb C", "\\mathbb{C}"), ("\\lnot", "\\neg"), ("^{\\prime}", "'"),
    ("^\\prime", "'"), ("\\dots", "\\ldots"), ("\\cdots", "\\ldots"), ("\\imath", "i "),
)  # fmt: skip
_MATH_MARKS = re.compile(r"(?<!\\)\\[()\[\]]")


_DOUBLED = re.compile(r"\\\\[A-Za-z]")
_SINGLE = re.compile(r"(?<!\\)\\(?:\\\\)*[A-Za-z]")


def unescaped(text: str) -> str:
    r"""Return `text` with its backslashes halved where every command has two: JSON that was never decoded.

    A row break before a letter beside a command of one backslash is left alone.

    >>> unescaped(r"\\frac{1}{2}"), unescaped(r"\begin{matrix}1\\x\end{matrix}")
    ('\\frac{1}{2}', '\\begin{matrix}1\\\\x\\end{matrix}')
    """
    if "\\\\" in text and _DOUBLED.search(text) and not _SINGLE.search(text):
        return text.replace("\\\\", "\\")
    return text


def clean(text: str) -> str:
    r"""Return `text` in the one spelling the other modules read.

    Math delimiters, sizing commands, fonts, phantoms and thin spaces go; `\text{...}` stays, because words
    decide how an answer is compared; `\$` becomes `\dollar `, so that a lone `$` is never a delimiter.

    >>> clean(r"$\left(\dfrac{1}{2},\,15{,}000\right)$")
    '(\\frac{1}{2}, 15000)'
    """
    if not text.isascii():
        text = _ascii(text)
    if text[:1] == text[-1:] == '"' and text.count('"') == 2:
        text = text[1:-1]
    text = _delimiters(text)
    if "\\" in text or "**" in text or "=" in text or "{,}" in text or "{:}" in text:
        text = _commands(text)
    if "_" in text:
        text = _UNDERSCORED.sub(lambda match: match[0].replace("\\_", "").replace("_", ""), text)
        text = _CHOICES.sub(_chosen, text)
    return _SPACES.sub(" ", text).strip()


def _commands(text: str) -> str:
    text = _COLOR.sub("", _PHANTOM.sub(" ", text))
    text = _DECIMAL_COMMA.sub(".", _DIGIT_GROUP.sub("", text))
    for _ in range(3):  # fonts and text nest at most a few deep in real answers
        replaced = _NESTED.sub(r"\\text{\1}", _TEXT.sub(r"\\text{\1}", _FONTS.sub(r"\1 ", text)))
        if replaced == text:
            break
        text = replaced
    if "\\choose" in text:
        text = _CHOOSE.sub(r"\\binom{\1}{\2}", text)
    for old, new in _SPELLINGS:
        if old in text:
            text = text.replace(old, new)
    text = _CONNECTOR.sub(r" \1 ", text)
    if "\\bar" in text or "\\dot" in text or "\\overline" in text:
        text = _CYCLE.sub(lambda match: f"\\overline{{{''.join(digits or '' for digits in match.groups())}}}", text)
    return _WRAPPERS.sub(" ", text)


def _chosen(match: re.Match[str]) -> str:
    """Spell `{}_{10}C_3` and `{}_{10}P_3` as a binomial coefficient and a quotient of factorials."""
    all_of, some = match[1] or match[2], match[4] or match[5]
    return f"\\binom{{{all_of}}}{{{some}}}" if match[3] == "C" else f"\\frac{{{all_of}!}}{{({all_of}-{some})!}}"


def _delimiters(text: str) -> str:
    if "$" in text:
        text = text.replace("\\$", "\\dollar ")
        if text.count("$") % 2:
            # One `$` alone is money ("$18"), a pair of them is math.
            head, _, tail = text.rpartition("$")
            text = head.replace("$", "") + "\\dollar " + tail
        else:
            text = text.replace("$", "")
    return _MATH_MARKS.sub(" ", text) if "\\" in text else text


def _ascii(text: str) -> str:
    """Spell Unicode signs, digits and scripts in ASCII; characters without a meaning here stay as they are."""
    text = _CUBE_ROOT.sub(r"\\sqrt[3]{\1}", _STACKED.sub(_stacked, text))
    text = _LINED.sub(lambda match: f"\\overline{{{re.sub('[^0-9]', '', match[0])}}}", text)
    out: list[str] = []
    run = ""
    for character in text:
        if run and _SCRIPTS.get(character, ("", ""))[0] != run:
            out.append("}")
            run = ""
        if character in _SCRIPTS:
            kind, plain = _SCRIPTS[character]
            if not run:
                # A superscript two is never the number two: it becomes an exponent of what precedes it.
                out.append(kind + "{")
                run = kind
            out.append(plain)
        elif character in _VULGAR:
            numerator, denominator = _VULGAR[character]
            out.append(f"\\frac{{{numerator}}}{{{denominator}}}")
        elif unicodedata.category(character) != "Cf":
            digit = unicodedata.decimal(character, None)
            out.append(character if digit is None else str(digit))
    if run:
        out.append("}")
    return unicodedata.normalize("NFKC", "".join(out).translate(_SIGNS)).translate(_SIGNS)


def _stacked(match: re.Match[str]) -> str:
    top, bottom = (unicodedata.normalize("NFKC", digits) for digits in match.groups())
    return f"\\frac{{{top}}}{{{bottom}}}"


_SCRIPTS = {character: ("^", plain) for character, plain in _SUPERSCRIPTS.items()} | {
    character: ("_", plain) for character, plain in _SUBSCRIPTS.items()
}


def plain_words(text: str) -> str:
    r"""Return cleaned `text` with its `\text{...}` wrappers opened: `\text{odd}` is `odd`."""
    while "\\text{" in text:
        opened = text.replace("\\text{", " ", 1)
        start = text.index("\\text{") + 1
        close = opened.find("}", start)
        text = opened[:close] + " " + opened[close + 1 :] if close >= 0 else opened
    return _SPACES.sub(" ", text).strip()
