"""Nodes together never have more of an endpoint's limits than it has, and none waits while another has too much."""

from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.teacher.limit_shares import LimitShares, fair_shares
from cotfactory.generators.teacher.limiter import LimitShare
from cotfactory.schemas.teacher_spec import EndpointLimits

WANTED = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 500), min_size=1)


@given(st.integers(1, 300), WANTED)
def test_shares_add_up_to_all(total: int, wanted: dict[str, int]) -> None:
    shares = fair_shares(total, wanted)
    assert sum(shares.values()) == total
    least = total // (2 * len(wanted))
    assert all(shares[name] >= least for name, number in wanted.items() if number)


@given(st.integers(1, 300), WANTED)
def test_nobody_has_too_little_while_another_has_too_much(total: int, wanted: dict[str, int]) -> None:
    shares = fair_shares(total, wanted)
    equal = total // len(wanted)
    for name, number in wanted.items():
        if shares[name] < min(number, equal):
            raise AssertionError(f"{name} has {shares[name]} of {number}: {shares}")


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 100), st.booleans()), max_size=40),
)
def test_what_is_given_on_was_given_up_before(total: int, turns: list[tuple[str, int, bool]]) -> None:
    """A node keeps to its share when it reports, not when it is told; one may be lost."""
    shares = LimitShares(EndpointLimits(concurrency=total, requests_per_minute=600), list("abc"))
    told = {name: shares.first(name) for name in "abc"}
    keeps = dict(told)
    for name, wanted, is_lost in turns:
        if name not in told:
            continue
        if is_lost and len(told) > 1:
            shares.lost(name)
            del told[name], keeps[name]
            continue
        keeps[name] = told[name]
        shares.reported(name, wanted, min(wanted, keeps[name].concurrency))
        shares._moved_at = 0.0  # as if a second had passed
        if (share := shares.share_of(name)) is not None:
            told[name] = share
        both = [max((told[node], keeps[node]), key=size) for node in told]
        assert sum(share.concurrency for share in both) <= total
        assert sum(share.requests_per_minute or 0 for share in both) <= 600 * 60 / 61 + 1e-6


def size(share: LimitShare) -> int:
    return share.concurrency
