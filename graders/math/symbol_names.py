r"""What is a name on one side of an equation: `x`, `f(x)`, `|AB|`, `\angle ABC`, `(x, y)`."""

import re

_NAME = re.compile(
    r"(?:\\?[A-Za-z]|\\(?:alpha|beta|gamma|theta|lambda|mu|phi|omega|ell)\s*)(?:_\s*(?:\{\s*\w+\s*\}|\w))?'*\s*\Z"
    r"|[A-Za-z]'*(?:_\s*(?:\{\s*\w+\s*\}|\w))?(?:\^\{?-1\}?)?\s*\([^()]*\)\s*\Z|\|?\s*[A-Z]{2,4}\s*\|?\Z|[A-Z]{2}\s*\^\s*2\Z"
    r"|\\frac\s*\{[A-Z]{2}\}\s*\{[A-Z]{2}\}\Z|[A-Z]\s*:\s*[A-Z]\Z"
    r"|\((?:\s*[a-zA-Z](?:_\s*\{?\w+\}?)?\s*,)+\s*[a-zA-Z](?:_\s*\{?\w+\}?)?\s*\)\Z"
)


def is_name(text: str) -> bool:
    r"""Whether a side of an equation only names what the other side is: `x`, `f(x)`, `|AB|`, `\angle ABC`.

    `e` and `i` are numbers, and `2x` or `xy` is an expression.
    """
    if text in ("e", "i"):
        return False
    if "\\angle" in text or "\\overline" in text or "\\text" in text or "\\overrightarrow" in text:
        return not any(character.isdigit() for character in text)
    return _NAME.match(text) is not None
