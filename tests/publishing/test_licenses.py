"""Which mixes of licences are refused: plain mistakes only, and nothing that is unknown."""

import pytest

from cotfactory.publishing.licenses import NOT_STATED, Terms, license_lines, refuse_forbidden_mix, terms_of
from cotfactory.schemas.errors import RecipeError


@pytest.mark.parametrize(
    ("declared", "problem", "teacher"),
    [
        ("mit", "apache-2.0", None),
        ("mit", "Apache 2.0", None),  # as people write it
        ("cc-by-nc-4.0", "cc-by-nc-4.0", None),
        ("cc-by-nc-sa-4.0", "cc-by-nc-sa-3.0", None),  # a later version of the same
        ("cc-by-nc-4.0", "mit", None),  # stricter than it must be
        ("mit", "house rules", "a model licence of 2031"),  # unknown: named on the card, not refused
        ("other", "cc-by-sa-4.0", "openai-terms"),  # the declared one is unknown
        ("mit", None, None),
        # SPDX expressions: of several to choose from one will do.
        ("apache-2.0", "MIT OR GPL-3.0-only", None),
        ("cc-by-sa-4.0", "MIT AND CC-BY-SA-3.0", None),
        ("GPL-3.0-or-later", "GPL-2.0-or-later", None),
        ("gpl-3.0", "GPL-3.0-only", None),
        ("mit", "MIT AND House-Rules", None),  # a name that SPDX does not know
    ],
)
def test_what_may_be_released(declared: str, problem: str | None, teacher: str | None) -> None:
    refuse_forbidden_mix(declared, ["mit", problem], {"owl": teacher})


@pytest.mark.parametrize(
    ("declared", "problem", "teacher", "said"),
    [
        ("mit", "cc-by-nc-4.0", None, "problems under cc-by-nc-4.0 may be released as mit: commercial"),
        ("mit", "cc-by-sa-4.0", None, "same licence only"),
        ("cc-by-sa-3.0", "cc-by-sa-4.0", None, "same licence only"),  # an earlier version
        ("odbl", "cc-by-sa-4.0", None, "same licence only"),  # share-alike, but of another family
        ("cc-by-sa-4.0", "cc-by-nc-sa-4.0", None, "commercial"),
        ("cc-by-nc-4.0", "cc-by-nc-sa-4.0", None, "same licence only"),
        ("cc-by-nd-4.0", "cc-by-nd-4.0", None, "no adapted material"),  # not even under itself
        ("other", "cc-by-nc-nd-4.0", None, "no adapted material"),
        ("apache-2.0", "mit", "openai-terms", "teacher 'owl' under openai-terms"),
        # A row for each family whose terms go on.
        ("mit", "gpl-2.0", None, "expected gpl-2.0 or a later version"),
        ("gpl-2.0", "gpl-3.0", None, "expected gpl-3.0 or a later version"),
        ("mit", "LGPL-3.0-only", None, "expected lgpl-3.0 or a later version"),
        ("gpl-3.0", "agpl-3.0", None, "expected agpl-3.0 or a later version"),
        ("mit", "cdla-sharing-1.0", None, "same licence only"),
        ("apache-2.0", "MIT AND CC-BY-NC-4.0", None, "commercial"),
        ("mit", "GPL-3.0-only OR CC-BY-SA-4.0", None, "expected gpl-3.0"),
        ("apache-2.0", "mit", "cc-by-nc-4.0", "teacher 'owl' under cc-by-nc-4.0"),
    ],
)
def test_what_is_refused(declared: str, problem: str, teacher: str | None, said: str) -> None:
    with pytest.raises(RecipeError) as refused:
        refuse_forbidden_mix(declared, ["mit", problem], {"owl": teacher})
    assert said in refused.value.message
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("licence", "terms"),
    [
        ("mit", Terms()),
        ("house rules", None),
        # Of licences that hold together every term does, whichever of them asks it.
        ("MIT AND CC-BY-NC-4.0", Terms(non_commercial=True)),
        ("MIT AND CC-BY-ND-4.0", Terms(no_derivatives=True)),
        ("CC-BY-NC-4.0 AND GPL-3.0-only", Terms(non_commercial=True, share_alike="gpl")),
        ("openai terms", Terms(no_competitors=True)),
        ("MIT AND House-Rules", None),
        # Of several to choose from the least strict.
        ("CC-BY-NC-4.0 OR GPL-3.0-only", Terms(share_alike="gpl")),
        ("CC-BY-NC-4.0 OR CC-BY-ND-4.0 OR MIT", Terms()),
    ],
)
def test_what_an_expression_asks(licence: str, terms: Terms | None) -> None:
    assert terms_of(licence) == terms


def test_the_strictest_comes_first_and_the_unknown_last() -> None:
    lines = license_lines({"mit": 5, "house rules": 1, "cc-by-sa-4.0": 2}, {"owl": "openai-terms", "elk": None})
    assert [(line.license, line.of, line.terms) for line in lines] == [
        ("openai-terms", "teacher owl", "forbids training competing models"),
        ("cc-by-sa-4.0", "2 problems", "share-alike"),
        ("mit", "5 problems", "permissive"),
        ("house rules", "1 problems", "unknown to us: read them"),
        (NOT_STATED, "teacher elk", "unknown"),
    ]


def test_two_spellings_of_a_licence_are_one() -> None:
    lines = license_lines({"MIT": 2, "mit": 5, "CC-BY-4.0": 1}, {"owl": "MIT"})
    told = [("mit", "7 problems"), ("CC-BY-4.0", "1 problems"), ("mit", "teacher owl")]
    assert [(line.license, line.of) for line in lines] == told
