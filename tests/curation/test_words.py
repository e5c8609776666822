"""Runs of words: equal for equal words, within one text only, whatever the batch."""

import re
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.curation.words import (
    different_runs,
    have_a_run,
    mostly_words,
    runs_at,
    runs_of,
    words_of,
    written_words,
)

TEXTS = st.lists(st.text(alphabet="ab 1.,é", max_size=30), max_size=5)


def plain_runs(text: str, length: int) -> list[tuple[str, ...]]:
    words: list[str] = []
    last = ""
    for sign in text.lower():
        kind = "digit" if sign.isdigit() else "letter" if sign.isalpha() else ""
        if kind and words and words[-1] and kind == last:
            words[-1] += sign
        elif kind:
            words.append(sign)
        last = kind
    return [tuple(words[start : start + length]) for start in range(len(words) - length + 1)]


@given(TEXTS, st.integers(1, 13))
def test_runs_are_those_of_a_plain_loop(texts: list[str], length: int) -> None:
    runs = runs_of(words_of(texts), length)
    expected = [(place, run) for place, text in enumerate(texts) for run in plain_runs(text, length)]
    assert runs.text.tolist() == [place for place, _ in expected]
    named: dict[int, tuple[str, ...]] = {}
    for found, (_, run) in zip(runs.hashes.tolist(), expected, strict=True):
        assert named.setdefault(found, run) == run
    assert len(named) == len({run for _, run in expected})


@given(TEXTS, st.integers(1, 13), st.booleans(), st.sets(st.integers(0, 150)))
def test_runs_at_some_words_are_the_same_runs(texts: list[str], length: int, masked: bool, wanted: set[int]) -> None:
    words = words_of(texts)
    starts = np.array(sorted(start for start in wanted if start < len(words.hashes)), dtype=np.int64)
    some, all_of_them = runs_at(words, starts, length, masked=masked), runs_of(words, length, masked=masked)
    chosen = np.isin(all_of_them.start, starts)
    for found, expected in zip(some, all_of_them, strict=True):
        assert found.tolist() == expected[chosen].tolist()


@given(TEXTS, st.integers(1, 3), st.integers(0, 4))
def test_runs_are_counted_within_their_text(texts: list[str], length: int, times: int) -> None:
    counts = [Counter(plain_runs(text, length)) for text in texts]
    runs = runs_of(words_of(texts), length)
    assert different_runs(runs, len(texts)).tolist() == [len(of_text) for of_text in counts]
    most = [max(of_text.values(), default=0) for of_text in counts]
    assert have_a_run(runs, times, len(texts)).tolist() == [times <= 1 or often >= times for often in most]


@given(st.lists(st.text(max_size=30) | st.text(alphabet="aB1 ß\u00b2\u2167\u0661İ_\ud800.", max_size=30), max_size=5))
def test_written_words_are_those_of_python(texts: list[str]) -> None:
    words = written_words(texts)
    expected = [re.findall(r"[^\W\d_]+|\d+", text.casefold()) for text in texts]
    assert np.bincount(words.text, minlength=len(texts)).tolist() == [len(found) for found in expected]
    named: dict[int, str] = {}
    for found, word in zip(words.hashes.tolist(), (word for of_text in expected for word in of_text), strict=True):
        assert named.setdefault(found, word) == word


def test_masked_runs_know_numbers_of_any_script_and_which_are_mostly_words() -> None:
    texts = ["take 12 of them 3 4 5 6", "take \u0667 of them", "take \u0f2a of them", "take \u00e9 of them"]
    words = words_of(texts)
    runs = runs_of(words, 4, masked=True)
    first, *others = (runs.hashes[runs.text == place].tolist() for place in range(4))
    assert [other == first[:1] for other in others] == [True, True, False]
    # `of them 3 4` is half words; `them 3 4 5` is not. A letter alone is no word.
    assert mostly_words(words, runs, 4).tolist() == [True, True, True, False, False, True, True, True]
