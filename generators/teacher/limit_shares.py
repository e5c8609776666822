"""Limit shares: an endpoint's concurrency and rates, split among the processes that ask it, and moved to who waits."""

import time
from collections.abc import Mapping, Sequence

from cotfactory.generators.teacher.limiter import LimitShare
from cotfactory.schemas.teacher_spec import EndpointLimits

MOVE_EVERY_S = 1.0
RATE_PART = 60 / 61
"""Of a limit a minute: each process may send one second's worth at once, and 60 s more within the minute after that.
And where a second's worth is less than one request, each may have waited for almost all of it already: one apiece."""


class LimitShares:
    """Which part of one endpoint's limits each node has. What one gives up is given on when it keeps to less."""

    def __init__(self, limits: EndpointLimits, nodes: Sequence[str]) -> None:
        self._limits = limits
        self._wanted = dict.fromkeys(nodes, limits.concurrency)
        self._sent = dict.fromkeys(nodes, 0)
        self._kept = dict.fromkeys(nodes, 0)  # the most that each may be using
        self._aims = fair_shares(limits.concurrency, self._wanted)
        self._moved_at = time.monotonic()
        requests = limits.requests_per_minute
        self._requests = None if requests is None else max(requests - len(nodes), requests / 2) * RATE_PART

    def first(self, node: str) -> LimitShare:
        """Return what a node begins with."""
        self._sent[node] = self._kept[node] = self._aims[node]
        return self._share(self._aims[node])

    def reported(self, node: str, wanted: int, places: int) -> None:
        """Note that a node keeps to what it was sent last, how many places it has taken and how many it wants."""
        if node in self._wanted:
            self._wanted[node] = wanted
            self._kept[node] = max(self._sent[node], places)

    def share_of(self, node: str) -> LimitShare | None:
        """Return a node's share where it is another than before."""
        if time.monotonic() - self._moved_at >= MOVE_EVERY_S:
            self._moved_at = time.monotonic()
            self._aims = fair_shares(self._limits.concurrency, self._wanted)
        others = sum(kept for name, kept in self._kept.items() if name != node)
        share = max(0, min(self._aims[node], self._limits.concurrency - others))
        if share == self._sent[node]:
            return None
        self._sent[node] = share
        self._kept[node] = max(self._kept[node], share)
        return self._share(share)

    def lost(self, node: str) -> None:
        """Have the others share what a lost node had."""
        for shares in (self._wanted, self._sent, self._kept, self._aims):
            shares.pop(node, None)
        self._moved_at = 0.0

    def _share(self, concurrency: int) -> LimitShare:
        part = concurrency / self._limits.concurrency
        tokens = self._limits.tokens_per_minute
        return LimitShare(
            concurrency,
            None if self._requests is None else self._requests * part,
            None if tokens is None else tokens * part * RATE_PART,
            part,
        )


def fair_shares(total: int, wanted: Mapping[str, int]) -> dict[str, int]:
    """Return shares that add up to `total`: nobody has less than it wants while another has more, as far as it goes.

    Whoever wants anything has half of an equal share at least, for it may want more at once. What nobody wants is
    split evenly.

    >>> fair_shares(12, {"a": 1, "b": 20, "c": 20})
    {'a': 2, 'b': 5, 'c': 5}
    """
    shares = dict.fromkeys(wanted, 0)
    least, left = total // (2 * max(1, len(wanted))), total
    needs = {name: max(number, least) if number else 0 for name, number in wanted.items()}
    for place, name in enumerate(sorted(needs, key=lambda name: (needs[name], name))):
        shares[name] = min(needs[name], left // (len(needs) - place))
        left -= shares[name]
    for place, name in enumerate(sorted(needs, key=lambda name: (shares[name] >= needs[name], name))):
        more = -(-left // (len(needs) - place))
        shares[name] += more
        left -= more
    return shares
