"""Loops: a chain that says the same sentence, phrase or passage over and over, or the same signs in a row."""

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cotfactory.curation.words import have_a_run, runs_of, written_words
from cotfactory.schemas.curation import Repetition

PASSAGE_WORDS = 20
PHRASE_WORDS = 5
COMPRESSED_BYTES = 2_000
"""Shorter texts are not judged by how well they compress: a table of a few rows compresses well too."""

HEAD_SHARE, HEAD_SLACK = 4, 64
"""The first quarter of a text takes no more bytes than all of it, or by so many at most: tables of another code."""

MIN_SENTENCE = 20
"""Bytes; shorter lines (`else:`, `= 4`, `|---|`) come again in good chains."""

REPEATED_TIMES = 4
REPEATED_BYTES = 500
"""What comes so often is repeated; a shorter text is not judged by how much of it is."""

UNIT_WORDS = 40
UNIT_SIGNS = 12
"""Longest unit that is looked for in a row, in words and in signs."""

ROW_LETTERS, COUNTED_LETTERS = 8, 5
"""Letters of words that a unit has: `\\quad \\quad` sets a line, `1/2 1/2` fills a matrix."""

ROW_SIGNS = 200
"""So many signs in a row that are one short unit again and again are no text."""

ROW_PROBE = 24
ROW_STRIDE = ROW_SIGNS - ROW_PROBE - UNIT_SIGNS
"""A row holds one of every so many places, with the signs that are looked at behind it."""

_WORD = re.compile(r"[^\W\d_]+|\d+")
# `[.!?]\s+|[\u3002\uff01\uff1f]\s*|\n+`, by its first sign, which is looked for at a third of the cost.
_SENTENCE = re.compile(r"[.!?\n\u3002\uff01\uff1f](?:(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])\s*|(?<=\n)\n*)")
_SPEAKS = re.compile(r"[^\W\d_]|[\u2190-\u24ff\u2600-\u2bff\U0001f000-\U0001faff]")
_SETS = re.compile(r"[\n\\&|]")
"""Lines of a program, commands of LaTeX, cells of a table: those are set in rows."""

_NUMBER = -1


class _Run(NamedTuple):
    """A unit of `period` codes that comes `times` in a row from `start` on."""

    start: int
    period: int
    times: int


def repetitions(texts: Sequence[str], limits: Repetition) -> list[str | None]:
    """Return what each text repeats too often, as text; None when nothing.

    Sentences (of 20 bytes and more) and phrases of 5 words: the thresholds of Olmo 3's filter, 10 and 50 times.
    Passages of 20 words: 20 times, as in DeepDistill. `repeated`: the share of it that is repeated sentences, as in
    Gopher's (arXiv 2112.11446). `in_a_row`, `counted_up`: units of up to 40 words one after the other, the latter with
    other numbers each time. `min_compressed`: zlib's share of the bytes, for 2,000 and more.
    """
    return [
        _sentences(text, limits)
        or (_in_words(text, limits) if may_repeat else None)
        or _signs_in_a_row(text)
        or _compressed(text, limits)
        for text, may_repeat in zip(texts, _may_repeat_words(texts, limits), strict=True)
    ]


def _sentences(text: str, limits: Repetition) -> str | None:
    parts = [part.strip() for part in _SENTENCE.split(text)]
    least = min(REPEATED_TIMES, limits.sentences)
    if len(parts) - len(set(parts)) < least - 1:  # as of nearly all: none comes so often
        return None
    sentences = Counter(part for part in parts if len(part.encode("utf-8", "surrogatepass")) >= MIN_SENTENCE)
    sentence, times = max(sentences.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    if times >= limits.sentences:
        return f"{times} times: {sentence[:100]}"
    repeated = sum(len(part) * times for part, times in sentences.items() if times >= REPEATED_TIMES)
    if len(text) >= REPEATED_BYTES and repeated > limits.repeated * len(text):
        return f"{repeated / len(text):.0%} are sentences that come {REPEATED_TIMES} times and more"
    return None


def _may_repeat_words(texts: Sequence[str], limits: Repetition) -> list[bool]:
    """Return which texts have a run of 5 words so often that they may repeat words too often; few have.

    Whatever comes too often begins with such a run, but for the last of a row of shorter units.
    """
    words = written_words(texts)
    runs, masked = (runs_of(words, PHRASE_WORDS, masked=masked) for masked in (False, True))
    found = have_a_run(runs, min(limits.passages, limits.phrases), len(texts))
    in_a_row = have_a_run(runs, limits.in_a_row - PHRASE_WORDS + 1, len(texts))
    in_a_row |= have_a_run(masked, limits.counted_up - PHRASE_WORDS + 1, len(texts))
    for text in np.flatnonzero(in_a_row & ~found):
        own = slice(*np.searchsorted(words.text, (text, text + 1)))
        found[text] = bool(_rows(words.hashes[own], limits.in_a_row) or _rows(words.masked[own], limits.counted_up))
    return [bool(may_repeat) for may_repeat in found]


def _in_words(text: str, limits: Repetition) -> str | None:
    words = _WORD.findall(text.casefold())
    return _phrases(words, limits) or _in_a_row(words, limits)


def _phrases(words: Sequence[str], limits: Repetition) -> str | None:
    if len(words) <= limits.passages + PASSAGE_WORDS:
        return None
    counts = Counter(words)
    most_often = max(counts.values())
    for length, most in ((PASSAGE_WORDS, limits.passages), (PHRASE_WORDS, limits.phrases)):
        # A run comes no more often than its rarest word; to count runs costs ten times as much.
        if most_often < most:
            continue
        frequent = groupby(counts[word] >= most for word in words)
        if not any(is_frequent and sum(1 for _ in run) >= length for is_frequent, run in frequent):
            continue
        runs = Counter(zip(*(words[start:] for start in range(length)), strict=False))
        often = [(times, run) for run, times in runs.items() if times >= most and _says_something(run)]
        if often:
            times, run = max(often)
            return f"{times} times: {' '.join(run)[:100]}"
    return None


def _in_a_row(words: Sequence[str], limits: Repetition) -> str | None:
    """Return the unit of words that comes again and again without anything in between."""
    if len(words) < limits.in_a_row:
        return None
    numbers: dict[str, int] = {}
    exact = np.array([numbers.setdefault(word, len(numbers)) for word in words])
    masked = np.array([_NUMBER if word.isdigit() else numbers[word] for word in words])
    for codes, times, how in ((exact, limits.in_a_row, ""), (masked, limits.counted_up, ", with other numbers")):
        for run in _rows(codes, times):
            unit = words[run.start : run.start + run.period]
            letters = sum(len(word) for word in set(unit) if len(word) > 1 and word.isalpha())
            counts = any(word.isdigit() for word in unit)
            if letters >= ROW_LETTERS or (how and counts and letters >= COUNTED_LETTERS):
                return f"{run.times} times in a row{how}: {' '.join(unit)[:100]}"
    return None


def _rows(words: npt.NDArray[np.generic], times: int) -> list[_Run]:
    """Return, for each number of words that a unit may have, the longest row of so many units and more."""
    return _periodic(words, min(UNIT_WORDS, _longest_frequent(words, times) // times), times)


def _signs_in_a_row(text: str) -> str | None:
    """Return the short unit of signs, letters or pictures among them, that fills 200 signs of a text in a row."""
    if not _may_have_a_row(text):
        return None
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    for run in _periodic(codes, UNIT_SIGNS, 2, least=ROW_SIGNS):
        unit = text[run.start : run.start + run.period]
        if _SPEAKS.search(unit) and not _SETS.search(unit):
            return f"{run.times} times in a row: {unit!r}"
    return None


def _may_have_a_row(text: str) -> bool:
    """Whether a short unit follows itself at one of the places that a row of 200 signs cannot avoid."""
    for place in range(0, len(text) - ROW_SIGNS + ROW_STRIDE, ROW_STRIDE):
        if text.find(text[place : place + ROW_PROBE], place + 1, place + UNIT_SIGNS + ROW_PROBE) >= 0:
            return True
    return False


def _compressed(text: str, limits: Repetition) -> str | None:
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) < COMPRESSED_BYTES:
        return None
    head = len(zlib.compress(raw[: len(raw) // HEAD_SHARE], 6)) - HEAD_SLACK
    if head >= limits.min_compressed * len(raw):
        return None
    share = len(zlib.compress(raw, 6)) / len(raw)
    return f"compresses to {share:.3f} of its bytes" if share < limits.min_compressed else None


def _periodic(codes: npt.NDArray[np.generic], longest: int, times: int, *, least: int = 0) -> list[_Run]:
    """Return, for each period, the longest row of `times` units and more, `least` codes and more."""
    found = []
    for period in range(1, min(longest, len(codes) - 1) + 1):
        needed = max(period * (times - 1), least - period)
        same = codes[period:] == codes[:-period]
        if np.count_nonzero(same) < needed:
            continue
        ends = np.flatnonzero(~np.concatenate(([False], same, [False])))
        gaps = np.diff(ends) - 1
        last = len(gaps) - 1 - int(np.argmax(gaps[::-1]))  # of the longest
        gap = int(gaps[last])
        if gap >= needed:
            found.append(_Run(int(ends[last]), period, gap // period + 1))
    return found


def _longest_frequent(codes: npt.NDArray[np.generic], times: int) -> int:
    """Return how many codes in a row come `times` and more: a unit that comes so often has such."""
    _, places, counts = np.unique(codes, return_inverse=True, return_counts=True)
    seldom = np.flatnonzero(np.concatenate(([True], counts[places] < times, [True])))
    return int(np.diff(seldom).max()) - 1


def _says_something(run: tuple[str, ...]) -> bool:
    """Return whether most of a run are words of two letters and more: a matrix repeats `0 0 0` rightly."""
    return 2 * sum(len(word) > 1 and word.isalpha() for word in run) > len(run)
