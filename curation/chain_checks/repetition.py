"""Loops: a chain that says the same sentence, phrase or passage over and over."""

import re
import zlib
from collections import Counter
from itertools import groupby

from cotfactory.schemas.curation import Repetition

PASSAGE_WORDS = 20
PHRASE_WORDS = 5
COMPRESSED_BYTES = 2_000
"""Shorter texts are not judged by how well they compress: a table of a few rows compresses well too."""

MIN_SENTENCE = 20
"""Characters; shorter lines (`else:`, `= 4`, `|---|`) come again in good chains."""

_WORD = re.compile(r"[^\W\d_]+|\d+")
_SENTENCE = re.compile(r"[.!?]\s+|\n+")


def repetition(text: str, limits: Repetition) -> str | None:
    """Return what a text repeats too often, as text; None when nothing.

    Sentences (of 20 characters and more) and phrases of 5 words: the thresholds of Olmo 3's filter, 10 and 50 times.
    Passages of 20 words: 20 times, as in DeepDistill. `min_compressed`: zlib's share of the bytes, for 2,000 and more.
    """
    sentences = Counter(part.strip() for part in _SENTENCE.split(text) if len(part.strip()) >= MIN_SENTENCE)
    sentence, times = max(sentences.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    if times >= limits.sentences:
        return f"{times} times: {sentence[:100]}"
    words = _WORD.findall(text.casefold())
    if len(words) > limits.passages + PASSAGE_WORDS:
        counts = Counter(words)
        for length, most in ((PASSAGE_WORDS, limits.passages), (PHRASE_WORDS, limits.phrases)):
            # A run comes no more often than its rarest word; to count runs costs ten times as much.
            frequent = groupby(counts[word] >= most for word in words)
            if not any(is_frequent and sum(1 for _ in run) >= length for is_frequent, run in frequent):
                continue
            runs = Counter(zip(*(words[start:] for start in range(length)), strict=False))
            often = [(times, run) for run, times in runs.items() if times >= most and _says_something(run)]
            if often:
                times, run = max(often)
                return f"{times} times: {' '.join(run)[:100]}"
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) >= COMPRESSED_BYTES:
        share = len(zlib.compress(raw, 6)) / len(raw)
        if share < limits.min_compressed:
            return f"compresses to {share:.3f} of its bytes"
    return None


def _says_something(run: tuple[str, ...]) -> bool:
    """Return whether most of a run are words of two letters and more: a matrix repeats `0 0 0` rightly."""
    return 2 * sum(len(word) > 1 and word.isalpha() for word in run) > len(run)
