"""What looks like a credential: nothing that does may be published. The shapes are in `schemas/key_shapes.py`.

Python asks one chain after the other, DuckDB whole files; both look first for what every credential has, sixteen
signs in a row without a space, and only then at the shapes.
"""

import re
from itertools import chain

from cotfactory.schemas.key_shapes import FIXED_SHAPES, NAMED_SHAPES, PLACEHOLDER, TOKEN_SHAPES, URL_SHAPE

LONG_RUN = r"[0-9A-Za-z_/+.~:=@-]{16}"
PRIVATE_KEY = "PRIVATE KEY"
"""What the first look searches: any shape has a run of such signs, but the opening line of a private key."""

TOKEN = "|".join(TOKEN_SHAPES)
FIXED = "|".join(FIXED_SHAPES)
RANDOM = ("[0-9].*[0-9]", "[a-z]", "[A-Z]")
"""What a random value has (`AutoTokenizerForSequence2` has not), unless it is hexadecimal: 32 digits and more."""
HEXADECIMAL = r"^[0-9a-f]{32,}$"

_RUN = re.compile(r"[0-9A-Za-z_/+.~:=@-]{16,}")
_TOKEN = re.compile(TOKEN, re.ASCII)
_FIXED = re.compile(FIXED, re.ASCII)
_NAMED = tuple(re.compile(shape, re.ASCII) for shape in NAMED_SHAPES)
_RANDOM = tuple(re.compile(has) for has in RANDOM)
_HEXADECIMAL = re.compile(HEXADECIMAL)
_URL = re.compile(URL_SHAPE, re.ASCII)
_PLACEHOLDER = re.compile(PLACEHOLDER)


def count_key_like(text: str) -> int:
    """Return how many key-like strings `text` holds; a value that has a vendor's shape and a name counts once."""
    runs = _RUN.findall(text)
    if not runs and PRIVATE_KEY not in text:
        return 0
    # No token reaches beyond a run, so that only runs are held against the many shapes.
    tokens = chain.from_iterable((match.group() for match in _TOKEN.finditer(run)) for run in runs)
    shaped = sum(any(sign.isdigit() for sign in token) for token in tokens) + len(_FIXED.findall(text))
    named = sum(_looks_random(value) for shape in _NAMED for value in shape.findall(text)) if _any_random(runs) else 0
    addresses = sum(not _PLACEHOLDER.search(word) for word in _URL.findall(text)) if "://" in text else 0
    return max(shaped, named) + addresses


def _any_random(runs: list[str]) -> bool:
    return any(any(sign.isdigit() for sign in run) for run in runs)


def _looks_random(value: str) -> bool:
    return all(has.search(value) for has in _RANDOM) or bool(_HEXADECIMAL.search(value))


def key_like_sql(text: str) -> str:
    """Return the DuckDB expression of `count_key_like` for the SQL expression `text` (never null).

    DuckDB matches with RE2, in time linear in the text, whatever the text is.
    """
    tokens = f"len(list_filter(regexp_extract_all({text}, {_quoted(TOKEN)}), lambda key: regexp_matches(key, '[0-9]')))"
    fixed = f"len(regexp_extract_all({text}, {_quoted(FIXED)}))"
    looks_random = " AND ".join(f"regexp_matches(value, '{has}')" for has in RANDOM)
    looks_random = f"lambda value: ({looks_random}) OR regexp_matches(value, '{HEXADECIMAL}')"
    named = " + ".join(
        f"len(list_filter(regexp_extract_all({text}, {_quoted(shape)}, 1), {looks_random}))" for shape in NAMED_SHAPES
    )
    addresses = (
        f"len(list_filter(regexp_extract_all({text}, {_quoted(URL_SHAPE)}, 1), "
        f"lambda word: NOT regexp_matches(word, {_quoted(PLACEHOLDER)})))"
    )
    looked_at = f"contains({text}, '{PRIVATE_KEY}') OR regexp_matches({text}, '{LONG_RUN}')"
    return f"if({looked_at}, greatest({tokens} + {fixed}, {named}) + {addresses}, 0)"


def _quoted(pattern: str) -> str:
    return "'" + pattern.replace("'", "''") + "'"
