"""Which chains of a problem are kept, by each preference: counted out by hand."""

import pytest

from cotfactory.curation.chain_checks.findings import ChainFinding
from cotfactory.curation.choose import choose, in_order
from cotfactory.schemas.curation import Preference


def finding(name: str, index: int, length: int = 0, equations: tuple[int, ...] = ()) -> ChainFinding:
    return ChainFinding(
        candidate_id=name, sample_index=index, reason=None, detail=None, flags=(), length=length, equations=equations
    )


LENGTHS = [finding("abcde"[index], index, length) for index, length in enumerate((50, 10, 40, 20, 30))]


@pytest.mark.parametrize(
    ("prefer", "count", "chosen"),
    [
        ("first", 2, "ab"),
        ("first", 0, ""),
        ("first", 9, "abcde"),
        ("shortest", 2, "bd"),
        ("shortest", 5, "abcde"),
        ("median", 1, "e"),  # 30, the middle of 10 to 50
        ("median", 3, "ecd"),  # and the two nearest to it
    ],
)
def test_by_order_and_length(prefer: Preference, count: int, chosen: str) -> None:
    assert choose(LENGTHS, count, prefer) == set(chosen)
    assert choose(LENGTHS[::-1], count, prefer) == set(chosen)  # the order of arrival does not matter


@pytest.mark.parametrize(
    ("lengths", "middle"),
    [
        ((10, 20), "a"),  # of an even number the lower of the two middle ones
        ((40, 10, 20, 30), "c"),
        ((7,), "a"),
    ],
)
def test_the_median_is_a_chain_that_is_there(lengths: tuple[int, ...], middle: str) -> None:
    findings = [finding("abcd"[index], index, length) for index, length in enumerate(lengths)]
    assert choose(findings, 1, "median") == {middle}
    assert choose([], 1, "median") == set()


def test_ties_go_to_the_lower_sample_then_to_the_lower_id() -> None:
    same = [finding("b", 1, 5), finding("a", 1, 5), finding("z", 0, 5)]
    assert [found.candidate_id for found in in_order(same)] == ["z", "a", "b"]
    assert choose(same, 2, "shortest") == {"z", "a"}


def test_the_most_different_shares_the_fewest_equations() -> None:
    chains = [
        finding("a", 0, equations=(1, 2, 3)),
        finding("b", 1, equations=(1, 2, 3, 4)),  # three of four in common with a
        finding("c", 2, equations=(3, 7, 8)),  # one of five
        finding("d", 3, equations=(1, 9)),  # one of four
    ]
    assert choose(chains, 1, "most_different") == {"a"}
    assert choose(chains, 2, "most_different") == {"a", "c"}
    assert choose(chains, 3, "most_different") == {"a", "c", "d"}


def test_fewer_chains_than_wanted_are_all_of_them() -> None:
    assert choose(LENGTHS[:2], 5, "most_different") == {"a", "b"}
    assert choose([], 5, "most_different") == set()


def test_chains_without_an_equation_go_one_and_the_same_way() -> None:
    chains = [finding("a", 0), finding("b", 1), finding("c", 2, equations=(1,))]
    assert choose(chains, 2, "most_different") == {"a", "c"}


def test_what_counts_is_the_chosen_chain_that_is_most_alike() -> None:
    """A chain that is nearly a copy of one chosen is no news, however much it differs from another chosen one."""
    chains = [
        finding("a", 0, equations=(1, 2, 3, 4)),
        finding("b", 1, equations=(8, 9)),
        finding("c", 2, equations=(1, 2, 3, 4, 5)),  # nothing in common with b
        finding("d", 3, equations=(1, 8)),  # a little with both
    ]
    assert choose(chains, 3, "most_different") == {"a", "b", "d"}


def test_a_second_chain_without_an_equation_is_as_little_news_as_a_copy() -> None:
    chains = [
        finding("a", 0),
        finding("b", 1, equations=(1,)),
        finding("c", 2),  # like a
        finding("d", 3, equations=(1,)),  # like b: of the two the lower sample
    ]
    assert choose(chains, 3, "most_different") == {"a", "b", "c"}
