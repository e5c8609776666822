"""Texts as runs of words, hashed: what near-duplicates and decontamination compare, a batch of texts at a time."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from cotfactory.curation.look_alikes import as_it_looks

Hashes = npt.NDArray[np.uint64]
Indexes = npt.NDArray[np.int64]
WORD = r"[\pL]+|[\pN]+"
WRITTEN_WORD = r"[\pL\p{Nl}\p{No}]+|\p{Nd}+"
r"""What `[^\W\d_]+|\d+` is in Python."""

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
    """The runs of n words of many texts, in order: the hash of each, whose it is, and at which word it starts."""

    hashes: Hashes
    text: Indexes
    start: Indexes


def words_of(texts: Sequence[str]) -> Words:
    """Split texts, as they look, into lower-case words and numbers; what stands between them does not count."""
    return words_of_looks([as_it_looks(text) for text in texts])


def words_of_looks(looks: Sequence[str]) -> Words:
    """Return the same of texts that were made to be as they look before."""
    return _split(pl.Series(looks, dtype=pl.String).str.to_lowercase(), WORD)


def written_words(texts: Sequence[str]) -> Words:
    """Split texts, as they are written, into words and numbers, whatever their case."""
    folded = (text.casefold() for text in texts)
    readable = [text if text.isascii() else text.encode("utf-8", "replace").decode() for text in folded]
    return _split(pl.Series(readable, dtype=pl.String), WRITTEN_WORD)


def _split(texts: pl.Series, word: str) -> Words:
    lists = texts.str.extract_all(word)
    counts = lists.list.len().to_numpy()
    words = lists.explode(empty_as_null=False)
    is_number = (words < ":").to_numpy()  # ASCII digits stand before it, letters of any script and their numbers after
    foreign = np.flatnonzero((words >= "\x80").to_numpy())
    is_number[foreign] = words.gather(foreign).str.contains(r"^\pN").to_numpy()
    hashes = words.hash(_HASH_SEED).to_numpy()
    return Words(
        hashes=hashes,
        masked=np.where(is_number, _ANY_NUMBER, hashes),
        is_word=~is_number & (words.str.len_bytes() > 1).to_numpy(),
        text=np.repeat(np.arange(len(texts), dtype=np.int64), counts),
    )


def runs_of(words: Words, length: int, *, masked: bool = False) -> Runs:
    """Return every run of `length` words that lies within one text; with `masked`, numbers are all alike."""
    count = max(0, len(words.hashes) - length + 1)
    within = words.text[:count] == words.text[length - 1 :][:count]
    total = _rolled(words.masked if masked else words.hashes, length)
    return Runs(_mixed(total)[within], words.text[:count][within], np.flatnonzero(within))


def runs_at(words: Words, start: Indexes, length: int, *, masked: bool = False) -> Runs:
    """Return those of `runs_of` that start at these words: for few of them, much less work."""
    start = start[start + length <= len(words.hashes)]
    start = start[words.text[start] == words.text[start + length - 1]]
    powers = np.array([pow(int(_MULTIPLIER), length - 1 - place, 2**64) for place in range(length)], dtype=np.uint64)
    total = (words.masked if masked else words.hashes)[_members(start, length)] @ powers
    return Runs(_mixed(total), words.text[start], start)


def mostly_words(words: Words, runs: Runs, length: int) -> npt.NDArray[np.bool_]:
    """Return which runs are words by half and more: `0 0 0 x 0` is not."""
    members = words.is_word[_members(runs.start, length)]
    return np.asarray(2 * members.sum(axis=1) >= length)


def different_runs(runs: Runs, texts: int) -> Indexes:
    """Return how many different runs each of so many texts has."""
    keys, shift = _by_text(runs, texts)
    is_first = np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)]
    return np.bincount((keys[is_first] >> shift).astype(np.int64), minlength=texts).astype(np.int64)


def have_a_run(runs: Runs, times: int, texts: int) -> npt.NDArray[np.bool_]:
    """Return which of so many texts have a run that comes so many times and more; of 1 and less all of them do."""
    found = np.full(texts, times <= 1)
    if times > 1:
        keys, shift = _by_text(runs, texts)
        last, first = keys[times - 1 :], keys[: max(0, len(keys) - times + 1)]
        found[(first[first == last] >> shift).astype(np.int64)] = True
    return found


def _by_text(runs: Runs, texts: int) -> tuple[Hashes, np.uint64]:
    """Return the runs in order of text and hash, each as one number, and the place in it where its text begins.

    So many bits of a hash make room for the text; what is left tells a text's runs apart.
    """
    bits = texts.bit_length()
    shift = np.uint64(64 - bits)
    keys = (runs.text.astype(np.uint64) << shift) | (runs.hashes >> np.uint64(bits))
    keys.sort()
    return keys, shift


def _members(start: Indexes, length: int) -> Indexes:
    return start[:, None] + np.arange(length)


def _mixed(total: Hashes) -> Hashes:
    return total ^ (total >> np.uint64(31))


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
