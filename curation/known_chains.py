"""What chains were found to be before: looked up, so that a chain is examined once and not at every release."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from cotfactory.curation.chain_checks.findings import ChainFinding
from cotfactory.curation.near_duplicates import BANDS, NUMBER_WORDS, PERMUTATIONS
from cotfactory.schemas.group import GradedCandidate
from cotfactory.schemas.problem import Problem

Chain = tuple[Problem, GradedCandidate]

SIGNATURE = np.dtype(
    [
        ("low", np.uint8, PERMUTATIONS),
        ("bands", np.uint64, BANDS),
        ("words", np.int32),
        ("runs", np.int32),
        ("numbers", np.uint64, NUMBER_WORDS),
        ("form", np.uint64),
    ]
)
"""The signature of one chain: the fields of `near_duplicates.Signatures`."""


class KnownChain(NamedTuple):
    """What a chain is on its own. The signature is None where nothing needed it yet."""

    finding: ChainFinding
    signature: npt.NDArray[np.void] | None


class KnownChains(Protocol):
    """Where that is kept; see `flows.release.examined`."""

    def look_up(self, chains: Sequence[Chain]) -> list[KnownChain | None]:
        """Return what is known of each, None of one that nobody has examined by these rules."""
        ...

    def note(self, chains: Sequence[Chain], found: Sequence[KnownChain]) -> None:
        """Keep what these chains were found to be."""
        ...


class NothingKnown:
    """Remembers nothing: every chain is examined."""

    def look_up(self, chains: Sequence[Chain]) -> list[KnownChain | None]:
        """Return None for each."""
        return [None] * len(chains)

    def note(self, chains: Sequence[Chain], found: Sequence[KnownChain]) -> None:
        """Forget it."""
