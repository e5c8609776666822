"""ShownSample: the chains that people are shown in card and page, some of all, in bounded memory.

They are those with the smallest sha of their ids, so that the same chains are shown for the same data in any order of
arrival. Of a problem that is not read, ids alone are known: what is chosen of it is read in the end.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cotfactory.publishing.shown_chain import ShownChain, sha_key, shown_chain
from cotfactory.schemas.group import Group

KEPT_SHOWN, DROPPED_SHOWN = 300, 200


class ChainId(NamedTuple):
    """A chain of a problem, and why it was dropped; None for a kept one."""

    candidate_id: str
    reason: str | None


class _Chosen(NamedTuple):
    """A chain that is to be shown. Those with the smallest key are, hence its sign: the next to go comes first."""

    negative_key: int
    candidate_id: str
    problem_id: str
    shown: ShownChain | None


@dataclass
class ShownSample:
    """Chains to show, by why they were dropped: KEPT_SHOWN kept ones, DROPPED_SHOWN of each reason."""

    _chosen: dict[str | None, list[_Chosen]] = field(default_factory=dict)
    _read_again: dict[tuple[str, str], ShownChain] = field(default_factory=dict)

    def add(self, problem_id: str, chains: Sequence[ChainId], shown: Callable[[int], ShownChain] | None) -> None:
        """Choose among the chains of one more problem; `shown` makes one of them, by its place, what is shown of it."""
        for place, chain in enumerate(chains):
            key, chosen = sha_key(chain.candidate_id, problem_id), self._chosen.setdefault(chain.reason, [])
            is_full = len(chosen) == (KEPT_SHOWN if chain.reason is None else DROPPED_SHOWN)
            if is_full and -key <= chosen[0].negative_key:
                continue
            entry = _Chosen(-key, chain.candidate_id, problem_id, None if shown is None else shown(place))
            (heapq.heapreplace if is_full else heapq.heappush)(chosen, entry)

    def not_shown(self) -> set[str]:
        """Return the ids of the problems to `read_again`: of a chosen chain it is not known what is shown."""
        return {entry.problem_id for chosen in self._chosen.values() for entry in chosen if entry.shown is None}

    def read_again(self, groups: Sequence[Group]) -> None:
        """Take what is shown of chosen chains from all groups of their problem."""
        wanted = {
            entry.candidate_id
            for chosen in self._chosen.values()
            for entry in chosen
            if entry.problem_id == groups[0].problem.problem_id
        }
        for group in groups:
            for graded, decision in zip(group.candidates, group.decisions, strict=True):
                if graded.candidate.candidate_id in wanted:
                    place = group.problem.problem_id, graded.candidate.candidate_id
                    self._read_again[place] = shown_chain(group, graded, decision)

    def kept(self) -> list[ShownChain]:
        """Return the kept chains, the smallest sha first."""
        return self._of_reason(None)

    def dropped(self) -> list[ShownChain]:
        """Return DROPPED_SHOWN dropped chains: of each reason one in turn, so that no reason hides another."""
        waiting = [self._of_reason(reason) for reason in sorted(reason for reason in self._chosen if reason)]
        turns = (chains[turn] for turn in range(DROPPED_SHOWN) for chains in waiting if turn < len(chains))
        return [chain for chain, _ in zip(turns, range(DROPPED_SHOWN), strict=False)]

    def _of_reason(self, reason: str | None) -> list[ShownChain]:
        ordered = sorted(self._chosen.get(reason, []), key=lambda entry: -entry.negative_key)
        return [entry.shown or self._read_again[entry.problem_id, entry.candidate_id] for entry in ordered]
