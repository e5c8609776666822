"""Runs of words: equal for equal words, within one text only, whatever the batch."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.curation.words import mostly_words, runs_at, runs_of, words_of

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


def test_masked_runs_know_numbers_of_any_script_and_which_are_mostly_words() -> None:
    texts = ["take 12 of them 3 4 5 6", "take \u0667 of them", "take \u0f2a of them", "take \u00e9 of them"]
    words = words_of(texts)
    runs = runs_of(words, 4, masked=True)
    first, *others = (runs.hashes[runs.text == place].tolist() for place in range(4))
    assert [other == first[:1] for other in others] == [True, True, False]
    # `of them 3 4` is half words; `them 3 4 5` is not. A letter alone is no word.
    assert mostly_words(words, runs, 4).tolist() == [True, True, True, False, False, True, True, True]
