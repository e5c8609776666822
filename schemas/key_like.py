"""What looks like a credential: nothing that does may be published.

Only shapes that a vendor gives its own prefix, and long enough not to be a word: `sk-` in `task-oriented` or
inside LaTeX and base64 text is no alarm. A token without any digit (`sk-xxxxxxxxxxxxxxxxxxxxxxxx`) is a
placeholder.
"""

import re

TOKEN_SHAPES = (
    r"\bsk-[A-Za-z0-9]{20,}",  # OpenAI's old keys, and those of most compatible endpoints
    r"\bsk-(?:proj|svcacct|admin|ant|or)-[A-Za-z0-9_-]{20,}",
    r"\bhf_[A-Za-z0-9]{30,}",
    r"\bgh[pousr]_[A-Za-z0-9]{36,}",
    r"\bgithub_pat_[A-Za-z0-9_]{22,}",
    r"\bglpat-[A-Za-z0-9_-]{20,}",
    r"\bxox[abeoprs]-[A-Za-z0-9-]{20,}",
    r"\bAIza[A-Za-z0-9_-]{35}",
)
FIXED_SHAPES = (
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY",
)
MARKS = (
    *("sk-", "hf_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AIza", "AKIA", "ASIA"),
    "PRIVATE KEY",
)
"""A text that holds none of these holds no key: the cheap test before the patterns."""

TOKEN = "|".join(TOKEN_SHAPES)
FIXED = "|".join(FIXED_SHAPES)


def count_key_like(text: str) -> int:
    """Return how many key-like strings `text` holds."""
    if not any(mark in text for mark in MARKS):
        return 0
    tokens = (match.group() for match in re.finditer(TOKEN, text, re.ASCII))
    with_digit = sum(any(character.isdigit() for character in token) for token in tokens)
    return with_digit + len(re.findall(FIXED, text, re.ASCII))


def key_like_sql(text: str) -> str:
    """Return the DuckDB expression of `count_key_like` for the SQL expression `text` (never null).

    DuckDB matches with RE2, in time linear in the text, whatever the text is.
    """
    marked = " OR ".join(f"contains({text}, '{mark}')" for mark in MARKS)
    tokens = f"len(list_filter(regexp_extract_all({text}, '{TOKEN}'), lambda key: regexp_matches(key, '[0-9]')))"
    fixed = f"len(regexp_extract_all({text}, '{FIXED}'))"
    return f"if({marked}, {tokens} + {fixed}, 0)"
