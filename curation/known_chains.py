"""What chains were found to be before: looked up, so that a chain is examined once and not at every release."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from cotfactory.curation.chain_checks.findings import ChainFinding, ProblemFindings
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


class ExaminedProblem(NamedTuple):
    """The same of all chains of one problem, a tuple for each of its groups; see `ProblemFindings`."""

    problem_id: str
    groups: tuple[tuple[KnownChain, ...], ...]
    outside: str | None
    operations: tuple[str, ...]

    def findings(self) -> ProblemFindings:
        """Return the findings without the signatures."""
        return ProblemFindings.model_construct(
            problem_id=self.problem_id,
            groups=tuple(tuple(known.finding for known in group) for group in self.groups),
            outside=self.outside,
            operations=self.operations,
        )


class KnownChains(Protocol):
    """Where that is kept; see `flows.release.examined`."""

    def look_up(self, chains: Sequence[Chain]) -> list[KnownChain | None]:
        """Return what is known of each, None of one that nobody has examined by these rules."""
        ...


class NothingKnown:
    """Remembers nothing: every chain is examined."""

    def look_up(self, chains: Sequence[Chain]) -> list[KnownChain | None]:
        """Return None for each."""
        return [None] * len(chains)
