"""Texts that repeat a benchmark's: whole, half of it, runs of 8 and 13 words or with numbers masked, short ones alike.

An index of the benchmarks is built once; texts are looked up a batch at a time. Overlap is the share of the benchmark
text that is met again, so a benchmark question that is embedded in a longer text is found as well as a copy. Whatever
run is met, its first 7 words with numbers masked are known: these alone are looked up at every word.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import Indel

from cotfactory.curation.look_alikes import as_it_looks
from cotfactory.curation.words import Hashes, Indexes, Runs, Words, mostly_words, runs_at, runs_of, words_of
from cotfactory.schemas.curation import Overlap
from cotfactory.schemas.decontamination import METHODS, BenchmarkText, Hit, Method

RUNS: dict[Method, tuple[int, bool]] = {
    "words_8": (8, False),
    "words_13": (13, False),
    "masked_8": (8, True),
    "covered_7": (7, False),
}
"""Method -> (words in a run, numbers masked). None is shorter than MEETING."""

COVERED: Method = "covered_7"
"""This method counts the words that runs in a row cover, however few the runs: half a question is found by it."""

MEETING = 7
"""So many words in a row, with numbers masked, lead to all runs that start there."""

MIN_RUNS = 4
"""A benchmark text with fewer runs is known by all of them or not at all, and never with its numbers masked; but not
where words are counted."""

COMMON_IN, COMMON_WHERE_COVERED = 20, 3
"""A run that stands in more benchmark texts than this (`find the value of x such that`) says nothing, sooner where a
few words count, as of half a question."""

COVERING_RUNS = 2
"""So many runs must be met where words are counted: 7 words in a row are a phrase that anybody uses."""

SHORT = 300
MIN_CHARACTERS = 40
"""Two texts are compared by their characters when neither is longer than SHORT nor shorter than this."""

EXACT_CHARACTERS = 12
"""Shorter texts (`42`, `What is 2?`) are equal by chance."""

_FILTER_BITS = 24


@dataclass(frozen=True)
class _RunIndex:
    """Which benchmark texts hold a run: `texts[starts[i]:starts[i + 1]]` for the i-th of the sorted `keys`."""

    keys: Hashes
    starts: Indexes
    texts: Indexes
    totals: Indexes


@dataclass(frozen=True)
class _MeetingIndex:
    """The first MEETING words of every run of any method, sorted; `filter` says of most others that they are none."""

    keys: Hashes
    filter: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class BenchmarkIndex:
    """What texts are looked up in."""

    texts: tuple[BenchmarkText, ...]
    meetings: _MeetingIndex
    runs: dict[Method, _RunIndex]
    exact: dict[str, int]
    short: tuple[int, ...]
    overlap: Overlap


def benchmark_index(texts: Sequence[BenchmarkText], overlap: Overlap) -> BenchmarkIndex:
    """Return an index of benchmark texts; about 1 kB for each text of 40 words."""
    words = words_of([indexed.text for indexed in texts])
    exact = {_plain(indexed.text): place for place, indexed in reversed(list(enumerate(texts)))}
    return BenchmarkIndex(
        texts=tuple(texts),
        exact={text: place for text, place in exact.items() if len(text) >= EXACT_CHARACTERS},
        meetings=_meeting_index(words),
        runs={method: _run_index(_runs(words, method), len(texts), method) for method in RUNS},
        short=tuple(place for place, indexed in enumerate(texts) if MIN_CHARACTERS <= len(indexed.text) <= SHORT),
        overlap=overlap,
    )


def contaminations(texts: Sequence[str], index: BenchmarkIndex, *, by_characters: bool) -> list[list[Hit]]:
    """Return, for each text, its hits: at most one of each method, the largest overlap, ties by the benchmark's order.

    With `by_characters` texts are also compared whole, and short ones character by character with every short
    benchmark text: for questions and answers, not for chains.
    """
    found: list[list[Hit]] = [[] for _ in texts]
    if not index.texts or not texts:
        return found
    words = words_of(texts)
    starts = _met(words, index.meetings)
    for method in RUNS:
        _add_hits(found, index, method, *_shares(index.runs[method], _runs(words, method, starts), method))
    if by_characters:
        _add_equal(found, texts, index)
        _add_similar(found, texts, index)
    return found


def strongest(hits: Sequence[Hit]) -> Hit | None:
    """Return the hit to name as evidence: the largest overlap; of equal ones the strictest method's."""
    return max(hits, key=lambda hit: (hit.overlap, -METHODS.index(hit.method)), default=None)


def _runs(words: Words, method: Method, starts: Indexes | None = None) -> Runs:
    """Return the runs that a method compares, all of them or those at `starts`: masked ones are mostly words."""
    length, masked = RUNS[method]
    runs = runs_of(words, length, masked=masked) if starts is None else runs_at(words, starts, length, masked=masked)
    if not masked:
        return runs
    wordy = mostly_words(words, runs, length)
    return Runs(runs.hashes[wordy], runs.text[wordy], runs.start[wordy])


def _meeting_index(words: Words) -> _MeetingIndex:
    keys = np.unique(runs_of(words, MEETING, masked=True).hashes)
    bits = np.zeros(1 << _FILTER_BITS, dtype=bool)
    bits[keys >> np.uint64(64 - _FILTER_BITS)] = True
    return _MeetingIndex(keys, bits)


def _met(words: Words, index: _MeetingIndex) -> Indexes:
    """Return the words at which a run of a benchmark may start."""
    runs = runs_of(words, MEETING, masked=True)
    maybe = index.filter[runs.hashes >> np.uint64(64 - _FILTER_BITS)]
    hashes, starts = runs.hashes[maybe], runs.start[maybe]
    return np.asarray(starts[_places(index.keys, hashes) >= 0])


def _places(keys: Hashes, hashes: Hashes) -> Indexes:
    """Return where each hash is among the sorted keys, -1 for one that is not."""
    if not len(keys):
        return np.full(len(hashes), -1, dtype=np.int64)
    places = np.minimum(np.searchsorted(keys, hashes), len(keys) - 1)
    return np.where(keys[places] == hashes, places, -1)


def _run_index(runs: Runs, count: int, method: Method) -> _RunIndex:
    order = np.lexsort((runs.text, runs.hashes))
    hashes, texts = runs.hashes[order], runs.text[order]
    new = np.ones(len(hashes), dtype=bool)
    new[1:] = (hashes[1:] != hashes[:-1]) | (texts[1:] != texts[:-1])
    hashes, texts = hashes[new], texts[new]
    keys, starts, sizes = np.unique(hashes, return_index=True, return_counts=True)
    rare = np.repeat(sizes <= (COMMON_WHERE_COVERED if method == COVERED else COMMON_IN), sizes)
    hashes, texts = hashes[rare], texts[rare]
    keys, starts = np.unique(hashes, return_index=True)
    totals = np.bincount(texts, minlength=count).astype(np.int64)
    return _RunIndex(keys, np.append(starts, len(texts)).astype(np.int64), texts, totals)


def _shares(index: _RunIndex, runs: Runs, method: Method) -> tuple[Indexes, Indexes, npt.NDArray[np.float64]]:
    """Return (text, benchmark text, share of its runs or words) of every pair that has enough runs in common."""
    places = _places(index.keys, runs.hashes)
    known = places >= 0
    pairs = np.unique(np.stack([runs.text[known], places[known]]), axis=1)
    sizes = index.starts[pairs[1] + 1] - index.starts[pairs[1]]
    ends = np.cumsum(sizes)
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)
    benchmark = index.texts[np.repeat(index.starts[pairs[1]], sizes) + within]
    both, counts = np.unique(np.stack([np.repeat(pairs[0], sizes), benchmark]), axis=1, return_counts=True)
    totals = index.totals[both[1]]
    if method == COVERED:
        more = RUNS[method][0] - 1  # c runs in a row are c + 6 words
        enough = counts >= COVERING_RUNS
        return both[0][enough], both[1][enough], ((counts + more) / (totals + more))[enough]
    _, masked = RUNS[method]
    enough = (totals >= MIN_RUNS) | ((not masked) & (counts == totals))
    both, counts = both[:, enough], counts[enough]
    return both[0], both[1], counts / totals[enough]


def _add_hits(
    found: list[list[Hit]],
    index: BenchmarkIndex,
    method: Method,
    text: Indexes,
    benchmark: Indexes,
    share: npt.NDArray[np.float64],
) -> None:
    enough = share >= max(getattr(index.overlap, method), 1e-9)
    text, benchmark, share = text[enough], benchmark[enough], share[enough]
    order = np.lexsort((benchmark, -share, text))
    last = -1
    for place in order.tolist():
        if text[place] != last:
            last = int(text[place])
            found[last].append(_hit(index.texts[benchmark[place]], method, float(share[place])))


def _add_equal(found: list[list[Hit]], texts: Sequence[str], index: BenchmarkIndex) -> None:
    for text, hits in zip(texts, found, strict=True):
        place = index.exact.get(_plain(text))
        if place is not None:
            hits.append(_hit(index.texts[place], "exact", 1.0))


def _add_similar(found: list[list[Hit]], texts: Sequence[str], index: BenchmarkIndex) -> None:
    asked = [place for place, text in enumerate(texts) if MIN_CHARACTERS <= len(text) <= SHORT]
    if not asked or not index.short:
        return
    scores = process.cdist(
        [_plain(texts[place]) for place in asked],
        [_plain(index.texts[place].text) for place in index.short],
        scorer=Indel.normalized_similarity,
        score_cutoff=index.overlap.characters,
        dtype=np.float32,
    )
    best = scores.argmax(axis=1)
    for row, place in enumerate(asked):
        score = float(scores[row, best[row]])
        if score >= max(index.overlap.characters, 1e-9):
            found[place].append(_hit(index.texts[index.short[best[row]]], "characters", score))


def _plain(text: str) -> str:
    return " ".join(as_it_looks(text).casefold().split())


def _hit(text: BenchmarkText, method: Method, overlap: float) -> Hit:
    return Hit(benchmark=text.benchmark, row=text.row, column=text.column, method=method, overlap=round(overlap, 4))
