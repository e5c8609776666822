"""The options of a choice problem: a stated letter or text held against them."""

from dataclasses import dataclass
from functools import lru_cache

from cotfactory.graders.texts import normalise
from cotfactory.schemas.problem import CHOICE_LETTERS


@dataclass(frozen=True)
class Choice:
    """The letter a response states, or None and why there is none; `text` is the statement it was read from."""

    letter: str | None
    reason: str
    rule: str | None = None
    text: str | None = None


MARKUP = (
    r"(?:[\s*$`\"'“”:}]|\.\.\.|\\[(\[]|\\(?:text|textbf|mathbf|mathrm|boxed)\s*\{"
    r"|\b(?:option|choice|answer|letter|is|definitely|clearly|probably|most|likely|certainly|surely|simply"
    r"|therefore|thus|actually|indeed|instead)\b"
    r"|\b(?:la|el|die|der|le|选项)\b(?=[\s(]*[A-Z]\b))*"
)
"""What may stand around a letter."""


def checked(letter: str, text: str, choices: tuple[str, ...], rule: str) -> Choice:
    """Return the choice of a stated letter: none where the problem has no such letter, or its text is another one's."""
    index = CHOICE_LETTERS.index(letter)
    if index >= len(choices):
        return Choice(None, "letter_beyond_choices", rule, letter)
    other = by_text_of(text, choices, rule) if text else None
    if other is not None and other.letter != letter:
        return Choice(None, "letter_and_text_differ", rule, f"{letter}: {text}"[:200])
    return Choice(letter, "found", rule, letter)


def by_text_of(text: str, choices: tuple[str, ...], rule: str) -> Choice | None:
    """Return the choice whose full text is stated, when exactly one is."""
    stated = normalise(text)
    texts = texts_of(choices)
    if not stated or texts.count(stated) != 1:
        return None
    return Choice(CHOICE_LETTERS[texts.index(stated)], "found", rule, text.strip()[:200])


@lru_cache(maxsize=512)
def texts_of(choices: tuple[str, ...]) -> tuple[str, ...]:
    """Return the options' texts, folded for comparison."""
    return tuple(normalise(choice) for choice in choices)
