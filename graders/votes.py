"""Votes: the answer that several chains agree on, where nobody knows it (self-consistency, arXiv 2203.11171).

Answers are one answer where our graders hold each for the other, not where they are spelt alike: `1/2`, `0.5` and
`\\frac{1}{2}` are three votes for one. Being equal is not transitive for graders (0.33 is 1/3 rounded, and so may be
0.3), so groups are not made of chains of equal answers: each answer joins the first group whose leader it equals, and
leaders are the answers with most votes. The same votes make the same groups, in whatever order they came.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

Same = Callable[[str, str], bool]
"""Whether two answers are one."""


class Vote(NamedTuple):
    """What one chain of a teacher answers; None where it states no single answer."""

    teacher: str
    answer: str | None


class Voted(NamedTuple):
    """One answer in all forms that it was given in, the most frequent first, and how many chains gave it."""

    forms: tuple[str, ...]
    votes: int


def counted(votes: Sequence[Vote], same: Same) -> list[Voted]:
    """Return the different answers that were given, the one with most votes first."""
    given = Counter(vote.answer for vote in votes if vote.answer is not None)
    groups: list[list[str]] = []
    for answer in sorted(given, key=lambda text: _rank(text, given)):
        home = next((group for group in groups if same(group[0], answer)), None)
        if home is None:
            groups.append([answer])
        else:
            home.append(answer)
    found = [Voted(tuple(group), sum(given[answer] for answer in group)) for group in groups]
    return sorted(found, key=lambda voted: (-voted.votes, _rank(voted.forms[0], given)))


def agreed(votes: Sequence[Vote], wanted: int, min_share: float, teachers: int, same: Same) -> Voted | None:
    """Return the answer that at least `min_share` of the `wanted` votes are for; None where there is none.

    A vote that states nothing counts against every answer. So many different `teachers` must have given it, and no
    other answer as often: what one teacher alone says is its opinion, however often it says so.

    >>> votes = [Vote("a", "4"), Vote("b", "4.0"), Vote("b", "5")]
    >>> agreed(votes, 3, 0.6, 2, lambda one, other: float(one) == float(other))
    Voted(forms=('4', '4.0'), votes=2)
    """
    found = counted(votes, same)
    if len(votes) < wanted or not found or found[0].votes < min_share * wanted:
        return None
    if len(found) > 1 and found[1].votes == found[0].votes:
        return None
    givers = {vote.teacher for vote in votes if vote.answer in found[0].forms}
    return found[0] if len(givers) >= teachers else None


def _rank(answer: str, given: Mapping[str, int]) -> tuple[int, int, str]:
    return -given[answer], len(answer), answer
