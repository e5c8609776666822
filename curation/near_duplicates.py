"""Chains, and problems, that say nearly the same: MinHash signatures first, then who survives.

Two passes, so that texts are streamed: `signatures` of a batch of texts (344 bytes for each, whatever its length),
then `repeats` over all of them. Two texts are alike by the runs of words they share (Jaccard), or because nearly all
runs of the shorter one are in the longer (containment: a sentence was put before or after it). A text with a number
that the other has not is another text, however alike they are; which are the same but for their numbers is told apart.

The survivor is the first in the given order. `curation.select` orders chains by sample index, then by id, which do
not depend on the order of arrival, the shards or the recipe's order; and a later sample never displaces an earlier one.
"""

import hashlib
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from cotfactory.curation.look_alikes import as_it_looks
from cotfactory.curation.words import Runs, runs_of, words_of
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.curation import NearDuplicates
from cotfactory.schemas.ids import content_id

PERMUTATIONS = 128
BANDS = 16
"""128 permutations in 16 bands of 8: a pair of similarity 0.8 is met with a probability of 0.95, of 0.6 with 0.24."""

MOST_IN_BAND = 256
"""So many survivors that share a band are looked at: more of them are many twins of one form, and time without end."""

NUMBER_WORDS = 8
"""The numbers of a text are marked in so many words of 64 bits, a Bloom filter with two bits for each number."""

RUN_WORDS = 5
_SEED = 7
Rows = npt.NDArray[np.int64]
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_ALL_BITS = 0xFFFFFFFFFFFFFFFF
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


class Signatures(NamedTuple):
    """One row for each text: the low bytes of its MinHash values, the hashes of its bands, its number of words.

    `runs` is how many different runs it has, `numbers` marks its numbers (see NUMBER_WORDS), and `form` is a hash of
    its words that is the same whatever the numbers are.
    """

    low: npt.NDArray[np.uint8]
    bands: npt.NDArray[np.uint64]
    words: npt.NDArray[np.int64]
    runs: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.uint64]
    form: npt.NDArray[np.uint64]


def text_key(candidate: Candidate) -> str:
    """Return a key that is equal for chains whose texts look the same but for case and white space."""
    return content_id(" ".join(as_it_looks(candidate.text).casefold().split()))


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
    return Signatures(
        full.astype(np.uint8),
        (bands + np.arange(BANDS, dtype=np.uint64)).astype(np.uint64),
        counts,
        _different(runs, len(texts)),
        np.array([_numbers(text) for text in texts], dtype=np.uint64).reshape(len(texts), NUMBER_WORDS),
        np.array([_form(text) for text in texts], dtype=np.uint64),
    )


def _different(runs: Runs, texts: int) -> Rows:
    """Return how many different runs each text has."""
    order = np.lexsort((runs.hashes, runs.text))
    hashes, text = runs.hashes[order], runs.text[order]
    again = (text[1:] == text[:-1]) & (hashes[1:] == hashes[:-1])
    return np.bincount(text[np.concatenate([[True], ~again])[: len(text)]], minlength=texts).astype(np.int64)


def _numbers(text: str) -> list[int]:
    """Return the marks of the numbers of a text, the second of equal ones by itself; `1,000` is 1000, 2.50 is 2.5."""
    marks = 0
    counts: Counter[str] = Counter()
    for number in _NUMBER.findall(as_it_looks(text)):
        plain = number.replace(",", "")
        plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
        counts[plain] += 1
        mark = zlib.crc32(f"{plain} {counts[plain]}".encode())
        marks |= 1 << (mark % (64 * NUMBER_WORDS)) | 1 << ((mark >> 16) % (64 * NUMBER_WORDS))
    return [(marks >> (64 * word)) & _ALL_BITS for word in range(NUMBER_WORDS)]


def _form(text: str) -> int:
    """Return a hash of a text that is the same for texts that differ in their numbers only."""
    form = " ".join(_NUMBER.sub("#", as_it_looks(text)).casefold().split())
    return int.from_bytes(hashlib.blake2b(form.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


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
    rule: NearDuplicates,
    problems: Sequence[int] | None = None,
    *,
    numbers_matter: bool = True,
) -> dict[int, int]:
    """Return {row: the earlier row it repeats}, greedily in `order`: what is repeated is itself no repeat.

    With `problems`, the number of each row's problem, only rows of the same problem are compared. Rows of fewer than
    `rule.min_words` words are left out; with `numbers_matter` a row with a number of its own repeats nothing. Only
    rows that share a band with another are looked at one by one, and each is compared with survivors only, so that a
    text written a million times costs a million comparisons.
    """
    bands = (found.bands[:, band] for band in range(BANDS))
    shared = frozenset(sharing_a_band(bands, found.words, rule.min_words).tolist())
    survivors: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    repeated: dict[int, int] = {}
    for row in order:
        if row not in shared:
            continue
        problem = 0 if problems is None else problems[row]
        keys = [(problem, band, int(found.bands[row, band])) for band in range(BANDS)]
        near = sorted({other for key in keys for other in survivors.get(key, ())})
        match = _first_alike(found, row, np.array(near, dtype=np.int64), rule, numbers_matter) if near else None
        if match is not None:
            repeated[row] = match
            continue
        for key in keys:
            if len(survivors[key]) < MOST_IN_BAND:
                survivors[key].append(row)
    return repeated


def _first_alike(found: Signatures, row: int, others: Rows, rule: NearDuplicates, numbers_matter: bool) -> int | None:
    """Return the first of `others` that `row` repeats."""
    same = np.count_nonzero(found.low[others] == found.low[row], axis=1) / PERMUTATIONS
    jaccard = np.maximum((same - 1 / 256) / (1 - 1 / 256), 0.0)
    runs, of_row = found.runs[others], found.runs[row]
    shorter = np.maximum(np.minimum(runs, of_row), 1)
    contained = jaccard / (1 + jaccard) * (runs + of_row) / shorter
    alike = (jaccard >= rule.similarity) | (contained >= rule.contained)
    if not numbers_matter:
        return int(others[np.argmax(alike)]) if np.any(alike) else None
    mine, theirs = found.numbers[row], found.numbers[others]
    mine_are_there, theirs_are_here = ~np.any(mine & ~theirs, axis=1), ~np.any(theirs & ~mine, axis=1)
    # Of a text and a longer one with something added only what was added may have numbers of its own.
    is_shorter, is_longer = of_row < runs, of_row > runs
    same_numbers = np.where(
        is_shorter, mine_are_there, np.where(is_longer, theirs_are_here, mine_are_there | theirs_are_here)
    )
    matches = np.flatnonzero(alike & same_numbers)
    return int(others[matches[0]]) if len(matches) else None


def same_but_for_numbers(form: npt.NDArray[np.uint64], words: npt.NDArray[np.int64], min_words: int) -> Rows:
    """Return the rows, of so many words and more, whose words another row has too, with whatever numbers."""
    long = words >= max(min_words, RUN_WORDS)
    forms, counts = np.unique(form[long], return_counts=True)
    return np.flatnonzero(long & np.isin(form, forms[counts > 1]))
