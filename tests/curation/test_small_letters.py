"""Small letters are those that patterns take them for when they ignore case."""

import re
import string
import sys

from cotfactory.curation.small_letters import in_small_letters


def test_whatever_a_pattern_takes_for_a_letter_becomes_that_letter() -> None:
    signs = "".join(map(chr, range(sys.maxunicode + 1)))
    for letter in string.ascii_lowercase:
        assert all(in_small_letters(sign) == letter for sign in re.findall(letter, signs, re.IGNORECASE))
