"""Chains, and problems, that say nearly the same: MinHash signatures first, then who survives.

Two passes, so that texts are streamed: `signatures` of a batch of texts (128 bytes, 8 bands of 8 bytes and the number
of words: 200 bytes for each, whatever its length), then `repeats` over all of them.

The survivor is the first in the given order. `curation.select` orders chains by sample index, then by id, which do
not depend on the order of arrival, the shards or the recipe's order; and a later sample never displaces an earlier one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from cotfactory.curation.words import Runs, runs_of, words_of
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.ids import content_id

PERMUTATIONS = 128
BANDS = 8
"""128 permutations in 8 bands of 16: a pair of similarity 0.95 is met with a probability of 0.99, of 0.8 with 0.2."""

RUN_WORDS = 5
_SEED = 7
Rows = npt.NDArray[np.int64]
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class Signatures(NamedTuple):
    """One row for each text: the low bytes of its MinHash values, the hashes of its bands, its number of words.

    Comparing low bytes (b-bit minwise hashing, Li and Koenig 2010) keeps a signature at 128 bytes: of two different
    values 1 in 256 looks the same, which `_similarity` takes off again.
    """

    low: npt.NDArray[np.uint8]
    bands: npt.NDArray[np.uint64]
    words: npt.NDArray[np.int64]


def text_key(candidate: Candidate) -> str:
    """Return a key that is equal for chains whose texts differ in case and white space only."""
    return content_id(" ".join(candidate.text.casefold().split()))


def signatures(texts: Sequence[str], prompts: Sequence[str] | None = None) -> Signatures:
    """Return the signatures of a batch of texts; a text of fewer than 5 words has no run, and is like no other.

    With `prompts`, one for each text, the runs a text has from its prompt do not count, nor do they as words: two
    programs that repeat one long docstring are no twins.
    """
    words = words_of(texts)
    runs = runs_of(words, RUN_WORDS)
    if prompts is not None:
        runs = _own(runs, runs_of(words_of(prompts), RUN_WORDS))
        counts = np.bincount(runs.text, minlength=len(texts)).astype(np.int64)
    else:
        counts = np.bincount(words.text, minlength=len(texts)).astype(np.int64)
    ends = np.cumsum(np.bincount(runs.text, minlength=len(texts)))
    offsets = np.concatenate([[0], ends]).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(runs.hashes, offsets, PERMUTATIONS, _SEED)
    full = np.array(matrix.to_rows(), dtype=np.uint32).reshape(len(texts), PERMUTATIONS)
    bands = np.zeros((len(texts), BANDS), dtype=np.uint64)
    for column in range(PERMUTATIONS):
        band = column * BANDS // PERMUTATIONS
        bands[:, band] = bands[:, band] * _SPREAD + full[:, column]
    return Signatures(full.astype(np.uint8), (bands + np.arange(BANDS, dtype=np.uint64)).astype(np.uint64), counts)


def _own(runs: Runs, prompts: Runs) -> Runs:
    """Return the runs of each text that its own prompt does not have."""
    mixed, given = (side.hashes ^ (side.text.astype(np.uint64) * _SPREAD) for side in (runs, prompts))
    own = ~np.isin(mixed, given)
    return Runs(runs.hashes[own], runs.text[own], runs.start[own])


def sharing_a_band(bands: Iterable[npt.NDArray[np.uint64]], words: npt.NDArray[np.int64], min_words: int) -> Rows:
    """Return the rows that `repeats` would look at, ascending, from one band of all rows after the other.

    Only a band is in memory at a time, not the signatures: those of the rows returned are enough for `repeats`.
    """
    long = words >= max(min_words, RUN_WORDS)
    shared = np.zeros(len(words), dtype=bool)
    for band in bands:
        ordered = np.sort(band[long])
        twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        if len(twice):
            at = np.searchsorted(twice, band)
            at[at == len(twice)] = 0
            shared |= twice[at] == band
    return np.flatnonzero(shared & long)


def joined(parts: Sequence[Signatures]) -> Signatures:
    """Return the signatures of several batches as one."""
    if not parts:
        return signatures([])
    return Signatures(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def repeats(
    found: Signatures,
    order: Sequence[int],
    min_words: int,
    similarity: float,
    problems: Sequence[int] | None = None,
) -> dict[int, int]:
    """Return {row: the earlier row it repeats}, greedily in `order`: what is repeated is itself no repeat.

    With `problems`, the number of each row's problem, only rows of the same problem are compared. Rows of fewer than
    `min_words` words are left out. Only rows that share a band with another are looked at one by one, and each is
    compared with survivors only, so that a text written a million times costs a million comparisons.
    """
    shared = frozenset(sharing_a_band((found.bands[:, band] for band in range(BANDS)), found.words, min_words).tolist())
    survivors: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    repeated: dict[int, int] = {}
    for row in order:
        if row not in shared:
            continue
        problem = 0 if problems is None else problems[row]
        keys = [(problem, band, int(found.bands[row, band])) for band in range(BANDS)]
        near = sorted({other for key in keys for other in survivors.get(key, ())})
        match = next((other for other in near if _similarity(found, row, other) >= similarity), None)
        if match is not None:
            repeated[row] = match
            continue
        for key in keys:
            survivors[key].append(row)
    return repeated


def _similarity(found: Signatures, row: int, other: int) -> float:
    same = float(np.count_nonzero(found.low[row] == found.low[other])) / PERMUTATIONS
    return (same - 1 / 256) / (1 - 1 / 256)
