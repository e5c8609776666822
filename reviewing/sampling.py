"""How many chains of each stratum are drawn: in proportion to their size, at least two of each."""

from collections.abc import Mapping
from typing import TypeVar

Name = TypeVar("Name")

LEAST = 2
"""Of one chain nobody could tell how much chains of its stratum differ."""


def allocation(sizes: Mapping[Name, int], total: int) -> dict[Name, int]:
    """Return how many of `total` draws each stratum gets: never more than it has.

    More than `total` are drawn in all where there are so many strata that two of each are more.

    >>> allocation({"large": 950, "small": 50, "single": 1}, 100)
    {'large': 93, 'small': 6, 'single': 1}
    """
    if not total:
        return dict.fromkeys(sizes, 0)
    taken = {name: min(size, LEAST) for name, size in sizes.items()}
    left = total - sum(taken.values())
    open_chains = {name: size - taken[name] for name, size in sizes.items() if size > taken[name]}
    if left <= 0 or not open_chains:
        return taken
    chains = sum(open_chains.values())
    shares = {name: min(size, left * size / chains) for name, size in open_chains.items()}
    taken |= {name: taken[name] + int(share) for name, share in shares.items()}
    rest = min(total, sum(sizes.values())) - sum(taken.values())
    by_fraction = sorted(shares, key=lambda name: (int(shares[name]) - shares[name], str(name)))
    for name in by_fraction[:rest]:
        taken[name] += taken[name] < sizes[name]
    return taken
