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
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from cotfactory.curation.look_alikes import as_it_looks
from cotfactory.curation.words import Runs, different_runs, runs_of, words_of, words_of_looks
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.curation import NearDuplicates
from cotfactory.schemas.ids import content_id

PERMUTATIONS = 128
BANDS = 16
"""128 permutations in 16 bands of 8: a pair of similarity 0.8 is met with a probability of 0.95, of 0.6 with 0.24."""

MOST_IN_BAND = 256
"""So many survivors that share a band are looked at: more of them are many twins of one form, and time without end."""

MOST_ROWS = 20_000
"""So many rows are compared with one another at a time, where no more hang together."""

NUMBER_WORDS = 8
"""The numbers of a text are marked in so many words of 64 bits, a Bloom filter with two bits for each number."""

FILTER_BITS = 20
_FILTER_SHIFT = np.uint64(64 - FILTER_BITS)

RUN_WORDS = 5
_SEED = 7
Rows = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_ALL_BITS = 0xFFFFFFFFFFFFFFFF
_NUMBER = re.compile(r"(\d+(?:,\d{3})*(?:\.\d+)?)")


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
    looks = [as_it_looks(text) for text in texts]
    words = words_of_looks(looks)
    runs = runs_of(words, RUN_WORDS)
    if prompts is not None:
        runs = _own(runs, prompts)
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
    numbers, forms = zip(*map(_numbers_and_form, looks), strict=True) if looks else ((), ())
    return Signatures(
        full.astype(np.uint8),
        (bands + np.arange(BANDS, dtype=np.uint64)).astype(np.uint64),
        counts,
        different_runs(runs, len(texts)),
        np.array(numbers, dtype=np.uint64).reshape(len(texts), NUMBER_WORDS),
        np.array(forms, dtype=np.uint64),
    )


def _numbers_and_form(text: str) -> tuple[list[int], int]:
    """Return the marks of a text's numbers, and a hash that is the same for texts that differ in their numbers only.

    The second of equal numbers has marks by itself; `1,000` is 1000, 2.50 is 2.5.
    """
    parts = _NUMBER.split(text)
    marks = 0
    counts: Counter[str] = Counter()
    for number in parts[1::2]:
        plain = number.replace(",", "")
        plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
        counts[plain] += 1
        mark = zlib.crc32(f"{plain} {counts[plain]}".encode())
        marks |= 1 << (mark % (64 * NUMBER_WORDS)) | 1 << ((mark >> 16) % (64 * NUMBER_WORDS))
    form = " ".join("#".join(parts[::2]).casefold().split())
    digest = hashlib.blake2b(form.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return [(marks >> (64 * word)) & _ALL_BITS for word in range(NUMBER_WORDS)], int.from_bytes(digest, "big")


def _own(runs: Runs, prompts: Sequence[str]) -> Runs:
    """Return the runs of each text that its own prompt does not have."""
    places = {prompt: place for place, prompt in enumerate(dict.fromkeys(prompts))}
    given = runs_of(words_of(list(places)), RUN_WORDS)
    own_prompt = np.array([places[prompt] for prompt in prompts], dtype=np.uint64)
    keys = runs.hashes ^ (own_prompt[runs.text] * _SPREAD)
    known = np.unique(given.hashes ^ (given.text.astype(np.uint64) * _SPREAD))
    may_be_given = np.flatnonzero(_filter(known)[keys >> _FILTER_SHIFT])
    own = np.ones(len(keys), dtype=bool)
    own[may_be_given] = ~np.isin(keys[may_be_given], known)
    return Runs(runs.hashes[own], runs.text[own], runs.start[own])


def _filter(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Return which first bits any of the keys has: most others are told from them without a search."""
    bits = np.zeros(1 << FILTER_BITS, dtype=bool)
    bits[keys >> _FILTER_SHIFT] = True
    return bits


def comparable(
    keys: Iterable[npt.NDArray[np.uint64]], words: npt.NDArray[np.int64], min_words: int, most_rows: int = MOST_ROWS
) -> Iterator[Rows]:
    """Yield the rows that `repeats` would look at, ascending, in sets of which no two have rows to compare.

    `keys` are one band of all rows after the other, `mixed` with problems where only rows of one are compared: one band
    is in memory at a time. A set has up to `most_rows`, or is all that hangs together.
    """
    rows = np.flatnonzero(words >= max(min_words, RUN_WORDS))
    roots: Numbers = np.arange(len(words), dtype=np.int32)
    shared = np.zeros(len(words), dtype=bool)
    for band in keys:
        order = rows[np.argsort(band[rows])]
        same = band[order[1:]] == band[order[:-1]]
        one, other = order[:-1][same], order[1:][same]
        shared[one] = shared[other] = True
        roots = _linked(roots, one, other)
    rows = np.flatnonzero(shared)
    rows = rows[np.argsort(roots[rows], kind="stable")]
    ends = np.flatnonzero(np.diff(roots[rows], append=-1)) + 1  # of what hangs together
    first = 0
    while first < len(rows):
        at = np.searchsorted(ends, first + most_rows, side="right")
        end = int(ends[at - 1] if at and ends[at - 1] > first else ends[at])
        yield np.sort(rows[first:end])
        first = end


def mixed(band: npt.NDArray[np.uint64], problems: Numbers | None) -> npt.NDArray[np.uint64]:
    """Return a band in which only rows of the same problem, by its number, have the same value."""
    return band if problems is None else band ^ (problems.astype(np.uint64) * _SPREAD)


def _linked(roots: Numbers, one: Rows, other: Rows) -> Numbers:
    """Return the smallest row that each row hangs together with, now that rows of `one` do with those of `other`."""
    while True:
        differ = roots[one] != roots[other]
        if not np.any(differ):
            return roots
        one, other = one[differ], other[differ]
        mine, theirs = roots[one], roots[other]
        np.minimum.at(roots, np.maximum(mine, theirs), np.minimum(mine, theirs))
        while np.any((further := roots[roots]) != roots):
            roots = further


def joined(parts: Sequence[Signatures]) -> Signatures:
    """Return the signatures of several batches as one."""
    if not parts:
        return signatures([])
    return Signatures(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def repeats(
    found: Signatures,
    order: Sequence[int] | Rows,
    rule: NearDuplicates,
    problems: Sequence[int] | Numbers | None = None,
    *,
    numbers_matter: bool = True,
) -> dict[int, int]:
    """Return {row: the earlier row it repeats}, greedily in `order`: what is repeated is itself no repeat.

    With `problems`, the number of each row's problem, only rows of the same problem are compared. Rows of fewer than
    `rule.min_words` words are left out; with `numbers_matter` a row with a number of its own repeats nothing. Only
    rows that share a band with another are looked at one by one, and each is compared with survivors only, so that a
    text written a million times costs a million comparisons.
    """
    groups, sizes = _groups(found, problems, max(rule.min_words, RUN_WORDS))
    room = np.minimum(sizes, MOST_IN_BAND)
    starts = np.cumsum(room) - room
    survivors = np.empty(int(room.sum()), np.int32)
    counts = np.zeros(len(room), np.int32)
    repeated: dict[int, int] = {}
    for row in order:
        own = groups[row][groups[row] >= 0]
        if not len(own):
            continue
        near = np.unique(np.concatenate([survivors[starts[of] : starts[of] + counts[of]] for of in own]))
        match = _first_alike(found, row, near, rule, numbers_matter) if len(near) else None
        if match is not None:
            repeated[int(row)] = match
            continue
        own = own[counts[own] < room[own]]
        survivors[starts[own] + counts[own]] = row
        counts[own] += 1
    return repeated


def _groups(found: Signatures, problems: Sequence[int] | Numbers | None, min_words: int) -> tuple[Numbers, Rows]:
    """Return the number of the group that each row is in by each band, -1 where it is alone, and the groups' sizes."""
    rows = np.flatnonzero(found.words >= min_words)
    groups = np.full((len(found.words), BANDS), -1, np.int32)
    sizes: list[Rows] = []
    first = 0
    of = np.zeros(len(rows), np.int64) if problems is None else np.asarray(problems)[rows]
    for band in range(BANDS):
        keys = found.bands[rows, band]
        order = np.lexsort((of, keys))
        keys, numbers = keys[order], of[order]
        starts = np.flatnonzero((np.diff(keys, prepend=keys[:1]) != 0) | (np.diff(numbers, prepend=-1) != 0))
        count = np.diff(starts, append=len(rows))
        several = count > 1
        groups[rows[order], band] = np.repeat(np.where(several, np.cumsum(several) - 1 + first, -1), count)
        sizes.append(count[several])
        first += int(several.sum())
    return groups, np.concatenate(sizes)


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
