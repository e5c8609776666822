"""Personal data is found by its form and its checksum; what a question gives, or a computation makes, is none."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.curation.chain_checks.personal_data import masked, personal_data, personal_words

QUESTION = "Zoe's number is 415-555-0132 and her address zoe.park@mail.com. What is the sum of its digits?"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Ask jane.doe@gmail.com.", "Ask [email]."),
        ("Ask <j.d+x@mail.uni-ulm.de>", "Ask <[email]>"),
        ("max.mustermann@example.com", "[email]"),  # a name, though the domain is nobody's
        ("Call +1 (415) 736-5000!", "Call [phone]!"),
        ("Call +1 555 123 4567.", "Call [phone]."),  # no such exchange, but written as a number is
        ("+49 30 901820 or 0049 30 901820", "[phone] or [phone]"),
        ("(212) 736-5000", "[phone]"),
        ("Tel.: 030 901820", "Tel.: [phone]"),  # at home, after a word
        ("phone number is 07911 123456", "phone number is [phone]"),
        ("DE89 3704 0044 0532 0130 00 IS mine", "[iban] IS mine"),  # capitals after it are no part of it
        ("GB82WEST12345698765432", "[iban]"),
        ("4111 1111 1111 1111", "[card]"),
        ("5555-5555-5555-4444", "[card]"),
        ("card 4539578763621486", "card [card]"),
        ("3782 822463 10005", "[card]"),
    ],
)
def test_personal_data_is_masked(text: str, left: str) -> None:
    assert masked(text, "Who is it?") == left


@pytest.mark.parametrize(
    "text",
    [
        "The digits of 415-555-0132 add up to 26, those of (415) 555-0132 too.",  # the question's invented number
        "Her address Zoe.Park@mail.com has 3 vowels.",  # and its address, in any case
        "is_valid('user@example.com') is True",  # a name kept for examples (RFC 2606)
        "git clone git@github.com:org/repo.git",
        "A @ B.T, and W@x.mean(axis=0)",  # a product of matrices
        "DE89 3704 0044 0532 0130 01",  # checksums that do not hold
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "2^52 = 4503599627370496 = 4503599627370496",  # numbers that were computed
        "= 4539578763621486",
        "1000000000000000 + 6",
        "800 - 250 - 1200 = -650",
        "800-250-1200=-650",
        "123-456-7890",  # no numbering plan has it
        "3 +14157365000",
        "1.007276 + 1.008665 - 0.000549",
        "The phone costs 10800-2500=8300",
        r"\text{24}\times\text{39916800}",
        "from 2019-01-15 12:30:45 to 2020-02-16",
        "ISBN 978-3-16-148410-0",
    ],
)
def test_what_is_nobodys_is_left(text: str) -> None:
    assert masked(text, QUESTION) == text


def test_findings_are_told_by_kind_and_never_by_string() -> None:
    assert personal_words("a.b@mail.com, c.d@mail.com, +49 30 901820", "") == "email 2, phone 1"
    assert personal_words("It is 42.", "") is None


@given(st.text("0123456789 +-().@aAxXzDE,/=\n", max_size=120))
def test_findings_are_in_order_and_masking_leaves_none_of_them(text: str) -> None:
    found = personal_data(text, "")
    assert all(first.end <= second.start for first, second in pairwise(found))
    left = masked(text, "")
    assert sum(left.count(f"[{kind}]") for kind in ("email", "phone", "iban", "card")) == len(found)
