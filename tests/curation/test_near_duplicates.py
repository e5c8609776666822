"""Near-twins are found whatever batches and order they come in, and the survivor is the first in order."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotfactory.curation.near_duplicates import (
    BANDS,
    Rows,
    Signatures,
    comparable,
    joined,
    mixed,
    repeats,
    same_but_for_numbers,
    signatures,
)
from cotfactory.schemas.curation import NearDuplicates

WORDS = ["".join(letters) for letters in itertools.product("bdfgklmnprst", "aeiou", "bdfgklmnprst", ("a", "o"))]


def a_text(seed: int, words: int = 120) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def rule(similarity: float, min_words: int = 40) -> NearDuplicates:
    """Return the rule by similarity: with texts of equal length nothing is contained that is not alike."""
    return NearDuplicates(similarity=similarity, contained=1.0, min_words=min_words)


def changed(text: str) -> str:
    """Change one word of 120: 5 of 116 runs, so about 0.92 of all runs are common."""
    words = text.split()
    return " ".join([*words[:60], "other", *words[61:]])


def test_twins_are_found_and_the_first_survives() -> None:
    texts = [a_text(1), a_text(2), changed(a_text(1)), a_text(1).upper() + "!"]
    assert repeats(signatures(texts), range(4), rule(0.85)) == {2: 0, 3: 0}
    assert repeats(signatures(texts), [3, 2, 1, 0], rule(0.85)) == {2: 3, 0: 3}
    assert repeats(signatures(texts), range(4), rule(0.99)) == {3: 0}
    assert repeats(signatures(texts), range(4), rule(0.85, 200)) == {}  # too short to be compared


def test_batches_make_no_difference() -> None:
    texts = [a_text(number // 3) for number in range(60)]
    whole = signatures(texts)
    parts = joined([signatures(texts[start : start + 7]) for start in range(0, 60, 7)])
    assert repeats(whole, range(60), rule(0.9)) == repeats(parts, range(60), rule(0.9))
    assert len(repeats(whole, range(60), rule(0.9))) == 40


def greedy(found: Signatures, order: list[int], by: NearDuplicates, problems: list[int] | None) -> dict[int, int]:
    """Return what `repeats` says, the plain way: each row is held against the survivors that share a band with it."""
    repeated: dict[int, int] = {}
    survivors: list[int] = []
    for row in order:
        sharing = [
            other
            for other in sorted(survivors)
            if (problems is None or problems[other] == problems[row]) and np.any(found.bands[other] == found.bands[row])
        ]
        pairs = [(joined([taken(found, [other]), taken(found, [row])]), other) for other in sharing]
        first = next((other for pair, other in pairs if all_alike(pair, by)), None)
        if first is not None:
            repeated[row] = first
        elif found.words[row] >= by.min_words:
            survivors.append(row)
    return repeated


def all_alike(pair: Signatures, by: NearDuplicates) -> bool:
    """Return whether the second of two rows repeats the first, whose bands are made one."""
    return bool(repeats(pair._replace(bands=np.zeros_like(pair.bands)), [0, 1], by))


def taken(found: Signatures, rows: list[int] | Rows) -> Signatures:
    return Signatures._make(column[rows] for column in found)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_hangs_together_is_decided_by_itself(data: st.DataObject) -> None:
    """The sets in which rows are looked at make no difference, nor does how many rows are in memory at a time."""
    texts = [a_text(1), changed(a_text(1)), a_text(1) + " 7 8", a_text(2), changed(a_text(2)), a_text(3, 20)]
    chosen = data.draw(st.lists(st.sampled_from(texts), min_size=1, max_size=14))
    order = data.draw(st.permutations(range(len(chosen))))
    problems = data.draw(st.none() | st.lists(st.integers(0, 2), min_size=len(chosen), max_size=len(chosen)))
    found = signatures(chosen)
    for band in range(BANDS):  # some bands of unlike rows are equal
        place = data.draw(st.integers(0, len(chosen) - 1))
        found.bands[place, band] = found.bands[data.draw(st.integers(0, len(chosen) - 1)), band]
    whole = repeats(found, order, rule(0.85), problems)
    assert whole == greedy(found, order, rule(0.85), problems)
    numbers = None if problems is None else np.array(problems, np.int32)
    keys = [mixed(found.bands[:, band], numbers) for band in range(BANDS)]
    parts: dict[int, int] = {}
    for rows in comparable(keys, found.words, 40, most_rows=data.draw(st.integers(1, 6))):
        own_order = [int(np.flatnonzero(rows == row)[0]) for row in order if row in rows]
        of = repeats(taken(found, rows), own_order, rule(0.85), None if numbers is None else numbers[rows])
        assert not set(rows.tolist()) & set(parts)
        parts |= {int(rows[row]): int(rows[other]) for row, other in of.items()}
    assert parts == whole


def test_only_the_same_problem() -> None:
    texts = [a_text(1), a_text(1), a_text(1)]
    assert repeats(signatures(texts), range(3), rule(0.9), [1, 2, 1]) == {2: 0}


def test_what_stands_in_the_prompt_makes_no_twins() -> None:
    """Two programs that repeat the same long docstring."""
    prompt = a_text(1, 300)
    texts = [f"{prompt} {a_text(2, 15)}", f"{prompt} {a_text(3, 15)}"]
    assert repeats(signatures(texts), range(2), rule(0.8, 10)) == {1: 0}
    assert repeats(signatures(texts, [prompt, prompt]), range(2), rule(0.8, 10)) == {}


def test_most_twins_above_the_threshold_are_met() -> None:
    """At 0.95 the bands miss about one pair in a hundred."""
    texts = [text for number in range(200) for text in (a_text(number, 400), changed(a_text(number, 400)))]
    assert len(repeats(signatures(texts), range(400), rule(0.9))) >= 190


def test_short_and_empty_texts_are_like_no_other() -> None:
    assert repeats(signatures(["", "a b c", "a b c", ""]), range(4), rule(0.8, 1)) == {}
    assert repeats(joined([]), [], rule(0.8, 1)) == {}


SOLUTION = (
    "Mia packs 48 boxes on Monday and half as many on Tuesday, which makes 48 / 2 = 24 boxes more. Every box holds 12 "
    "jars of plums, so that she needs 48 * 12 = 576 jars for Monday and 24 * 12 = 288 jars for Tuesday. Together that "
    "is 576 + 288 = 864 jars, all of them to be washed, filled and labelled before the market opens on Saturday."
)


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (f"Let me work this out step by step for you. {SOLUTION}", True),  # an opening sentence
        (f"{SOLUTION} So the final answer that we were looking for is 864.", True),  # a suffix, whose number is there
        (f"{SOLUTION}\n\n**1**: I am glad to have been of help.", True),  # what was added has a number of its own
        (SOLUTION.upper().replace(" ", "\u00a0"), True),
        ("".join(chr(ord(sign) + 0xFEE0) if sign.isdigit() else sign for sign in SOLUTION), True),  # full-width digits
        (SOLUTION.replace("a", "\u0430").replace("e", "e\u200b"), True),  # look-alikes, and signs that nobody sees
        (SOLUTION.replace("864", "863"), False),  # a changed number makes another chain
        (f"Let me work this out step by step for you. {SOLUTION.replace('864', '863')}", False),
        (SOLUTION.replace("jars", "tins").replace("boxes", "crates").replace("plums", "pears"), False),
    ],
)
@pytest.mark.parametrize("longer_first", [True, False])
def test_additions_repeat_and_changed_numbers_do_not(other: str, found: bool, longer_first: bool) -> None:
    order = [1, 0] if longer_first else [0, 1]
    assert bool(repeats(signatures([SOLUTION, other]), order, NearDuplicates())) == found


def test_texts_that_differ_in_numbers_only_are_told_apart() -> None:
    found = signatures([SOLUTION, SOLUTION.replace("864", "863.5"), a_text(1), "12 jars", "13 jars"])
    assert same_but_for_numbers(found.form, found.words, 40).tolist() == [0, 1]


def test_with_numbers_of_no_matter_the_same_question_about_others_is_a_twin() -> None:
    found = signatures([SOLUTION, SOLUTION.replace("864", "863")])
    assert repeats(found, [0, 1], rule(0.8), numbers_matter=False) == {1: 0}
