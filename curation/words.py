"""Texts as runs of words, hashed: what near-duplicates and decontamination compare, a batch of texts at a time."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

Hashes = npt.NDArray[np.uint64]
Indexes = npt.NDArray[np.int64]
WORD = r"[\pL]+|[\pN]+"
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_ANY_NUMBER = np.uint64(0xD1B54A32D192ED03)
_HASH_SEED = 20_261_120


class Words(NamedTuple):
    """The words of many texts in a row: their hashes, the same with every number alike, and whose each word is.

    `is_word` says which are words of two letters and more. The hashes are those of the installed Polars, so they
    are compared within one process and never stored.
    """

    hashes: Hashes
    masked: Hashes
    is_word: npt.NDArray[np.bool_]
    text: Indexes


class Runs(NamedTuple):
    """The runs of n words of many texts: the hash of each and whose it is, in the order of the texts."""

    hashes: Hashes
    text: Indexes


def words_of(texts: Sequence[str]) -> Words:
    """Split texts into lower-case words and numbers; what stands between them does not count."""
    lists = pl.Series(texts, dtype=pl.String).str.to_lowercase().str.extract_all(WORD)
    counts = lists.list.len().to_numpy()
    words = lists.explode(empty_as_null=False)
    is_number = words.str.contains(r"^\pN").to_numpy()
    hashes = words.hash(_HASH_SEED).to_numpy()
    return Words(
        hashes=hashes,
        masked=np.where(is_number, _ANY_NUMBER, hashes),
        is_word=~is_number & (words.str.len_bytes() > 1).to_numpy(),
        text=np.repeat(np.arange(len(texts), dtype=np.int64), counts),
    )


def runs_of(words: Words, length: int, *, masked: bool = False) -> Runs:
    """Return every run of `length` words that lies within one text.

    With `masked`, numbers are all alike, and a run that is not mostly words (`0 0 0 x 0`) is left out.
    """
    hashes = words.masked if masked else words.hashes
    count = max(0, len(hashes) - length + 1)
    total = _rolled(hashes, length)
    total ^= total >> np.uint64(31)
    within = words.text[:count] == words.text[length - 1 :][:count]
    if masked:
        before = np.concatenate([[0], np.cumsum(words.is_word)])
        within &= 2 * (before[length : length + count] - before[:count]) >= length
    return Runs(total[within], words.text[:count][within])


def _rolled(hashes: Hashes, length: int) -> Hashes:
    """Return a hash of every `length` hashes in a row, a polynomial in one multiplier.

    Runs of 8 are made of runs of 4, those of 2, so that runs of 13 (8 and 4 and 1) take 5 passes instead of 13.
    """
    done, size, block = 0, 1, hashes
    rolled: Hashes | None = None
    while done < length:
        shift = np.uint64(pow(int(_MULTIPLIER), size, 2**64))
        if length & size:
            count = max(0, len(hashes) - done - size + 1)
            part = block[done : done + count]
            rolled = part.copy() if rolled is None else rolled[:count] * shift + part
            done += size
        block = block[: max(0, len(block) - size)] * shift + block[size:]
        size *= 2
    assert rolled is not None
    return rolled
