"""Personal data in a chain: e-mail addresses, telephone numbers, IBANs, card numbers that its question does not give.

What the question says is the problem's own (an invented number is asked about), and so are names kept for examples. An
IBAN and a card number hold a checksum; which digits are a telephone number, the numbering plans of `phonenumbers` say.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

import phonenumbers

from cotfactory.curation.small_letters import in_small_letters

PersonalKind = Literal["email", "phone", "iban", "card"]
PERSONAL_KINDS: tuple[PersonalKind, ...] = get_args(PersonalKind)

_FIRST_LOOKS = (re.compile(r"\d[\d ().-]{7}"), re.compile(r"[A-Z][A-Z]\d\d"))
"""One after the other: each is looked for by its first sign, at a tenth of what both in one pattern cost."""

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}(?![\w(-])", re.ASCII)
_IBAN = re.compile(r"\b[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", re.ASCII)
_CARD = re.compile(
    r"(?<![\w.,^-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{4}|3\d{3}([ -])\d{6}\2\d{5}|\d{15,16})(?![\w^-]|[.,]\d)"
)
_CARD_ISSUERS = re.compile(r"4|5[1-5]|2[2-7]|3[47]|35|6(?:011|4|5|2)")
_ABROAD = re.compile(r"(?<![\w+)\]}=*/^.,-])(?:\+|00(?=[1-9]))\d[\d ().-]{6,20}\d(?![\w^*/]|[.,]\d)")
_AT_HOME = re.compile(r"(?<![\w.,^+-])(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w^-]|[.,]\d)")
_NAMED = re.compile(
    r"(?<!\\)\b(?:phone|telephone|mobile|cell|whatsapp|fax|tel|telefon|handy|téléphone|teléfono)\.?"
    r"(?: (?:number|no|nr)\.?)?(?: (?:is|at|on|was))?[ :]{1,3}(0?\d[\d ().-]{6,16}\d)(?![\w^*/]|[.,]\d)",
    re.IGNORECASE,
)
_SAYS_NAMED = ("phone", "mobile", "cell", "whatsapp", "fax", "tel", "handy")
"""One of these is in whatever _NAMED finds."""

_COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IT", "IN", "CN", "JP", "BR", "AU")
"""Whose numbers are known without a country's code, after a word like `phone`."""

_FOR_EXAMPLES = re.compile(
    r"@(?:.*\.)?(?:example\.(?:com|org|net|edu)|(?:[\w-]+\.)?(?:example|test|invalid|localhost))$", re.I
)
"""Domains that belong to nobody (RFC 2606)."""

_OPERATOR = re.compile(r"(?:[=+*/×÷^<>]|\\\w+|\d)\s*$")
"""What before a long number says that it is one that was computed with."""


class PersonalString(NamedTuple):
    """Where a chain holds personal data, and of which kind."""

    start: int
    end: int
    kind: PersonalKind


def personal_data(text: str, question: str) -> list[PersonalString]:
    """Return the personal data of a text that its question does not hold, in order, without overlaps.

    >>> personal_data("Write to jane.doe@acme.org, or call +49 30 901820.", "Who?")
    [PersonalString(start=9, end=26, kind='email'), PersonalString(start=36, end=49, kind='phone')]
    """
    if "@" not in text and not any(look.search(text) for look in _FIRST_LOOKS):
        return []
    given, digits = question.casefold(), _digits(question)
    found: list[PersonalString] = []
    for start, end, kind in sorted((*_emails(text), *_ibans(text), *_cards(text), *_phones(text))):
        said = text[start:end]
        is_given = said.casefold() in given if kind == "email" else _digits(said) in digits
        if not is_given and (not found or start >= found[-1].end):
            found.append(PersonalString(start, end, kind))
    return found


def masked(text: str, question: str) -> str:
    """Return the text with `[email]`, `[phone]`, `[iban]` or `[card]` where it holds personal data."""
    for start, end, kind in reversed(personal_data(text, question)):
        text = f"{text[:start]}[{kind}]{text[end:]}"
    return text


def personal_words(text: str, question: str) -> str | None:
    """Return what personal data a chain holds, in words; never the strings. None when it holds none."""
    kinds = [found.kind for found in personal_data(text, question)]
    return ", ".join(f"{kind} {kinds.count(kind)}" for kind in PERSONAL_KINDS if kind in kinds) or None


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _emails(text: str) -> Iterator[PersonalString]:
    for match in _EMAIL.finditer(text) if "@" in text else ():
        name = match.group().partition("@")[0]
        # `user@example.com` is anybody; `jane.doe@example.com` may have been somebody.
        is_invented = _FOR_EXAMPLES.search(match.group()) and not re.search(r"[A-Za-z]\.[A-Za-z]", name)
        if name != "git" and not is_invented:
            yield PersonalString(*match.span(), "email")


def _ibans(text: str) -> Iterator[PersonalString]:
    for match in _IBAN.finditer(text):
        start, end = match.span()
        # Capitals after it may have been taken for its last group.
        while end - start >= 15:
            if _is_iban(text[start:end].replace(" ", "")):
                yield PersonalString(start, end, "iban")
                break
            end = max(text.rfind(" ", start, end), start)


def _is_iban(written: str) -> bool:
    """Return whether the digits check out (ISO 13616): letters as 10 to 35, the first four signs last, 1 modulo 97."""
    moved = written[4:] + written[:4]
    return 15 <= len(written) <= 34 and int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


def _cards(text: str) -> Iterator[PersonalString]:
    for match in _CARD.finditer(text):
        digits = _digits(match.group())
        is_one_number = match.group() == digits
        is_computed = is_one_number and _is_computed(text, *match.span())
        if _CARD_ISSUERS.match(digits) and not is_computed and len(set(digits)) > 1 and _luhn(digits):
            yield PersonalString(*match.span(), "card")


def _luhn(digits: str) -> bool:
    """Return whether the last digit is the check digit (ISO/IEC 7812)."""
    doubled = [int(sign) * (1 + place % 2) for place, sign in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def _is_computed(text: str, start: int, end: int) -> bool:
    return bool(
        _OPERATOR.search(text[max(0, start - 20) : start]) or re.match(r"\s*[=+*/×÷^<>\\]", text[end : end + 3])
    )


def _phones(text: str) -> Iterator[PersonalString]:
    for match in _ABROAD.finditer(text):
        number = "+" + match.group().removeprefix("00").lstrip("+")
        is_grouped = bool(re.search(r"\d[ ().-]{1,3}\d", match.group()))
        if not _is_computed(text, *match.span()) and _is_phone(number, None, or_possible=is_grouped):
            yield PersonalString(*match.span(), "phone")
    for match in _AT_HOME.finditer(text):
        in_brackets = match.group().startswith("(")
        if not _is_computed(text, *match.span()) and _is_phone(match.group(), "US", or_possible=in_brackets):
            yield PersonalString(*match.span(), "phone")
    small = in_small_letters(text)
    for match in _NAMED.finditer(text) if any(word in small for word in _SAYS_NAMED) else ():
        if not _is_computed(text, *match.span(1)) and any(_is_phone(match.group(1), land) for land in _COUNTRIES):
            yield PersonalString(*match.span(1), "phone")


def _is_phone(written: str, country: str | None, *, or_possible: bool = False) -> bool:
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return False
    valid = phonenumbers.is_valid_number(number)
    return bool(valid or (or_possible and phonenumbers.is_possible_number(number)))
