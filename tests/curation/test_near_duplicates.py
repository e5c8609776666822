"""Near-twins are found whatever batches and order they come in, and the survivor is the first in order."""

import itertools
import random

from cotfactory.curation.near_duplicates import joined, repeats, signatures

WORDS = ["".join(letters) for letters in itertools.product("bdfgklmnprst", "aeiou", "bdfgklmnprst", ("a", "o"))]


def a_text(seed: int, words: int = 120) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def changed(text: str) -> str:
    """Change one word of 120: 5 of 116 runs, so about 0.92 of all runs are common."""
    words = text.split()
    return " ".join([*words[:60], "other", *words[61:]])


def test_twins_are_found_and_the_first_survives() -> None:
    texts = [a_text(1), a_text(2), changed(a_text(1)), a_text(1).upper() + "!"]
    assert repeats(signatures(texts), range(4), 40, 0.85) == {2: 0, 3: 0}
    assert repeats(signatures(texts), [3, 2, 1, 0], 40, 0.85) == {2: 3, 0: 3}
    assert repeats(signatures(texts), range(4), 40, 0.99) == {3: 0}
    assert repeats(signatures(texts), range(4), 200, 0.85) == {}  # too short to be compared


def test_batches_make_no_difference() -> None:
    texts = [a_text(number // 3) for number in range(60)]
    whole = signatures(texts)
    parts = joined([signatures(texts[start : start + 7]) for start in range(0, 60, 7)])
    assert repeats(whole, range(60), 40, 0.9) == repeats(parts, range(60), 40, 0.9)
    assert len(repeats(whole, range(60), 40, 0.9)) == 40


def test_only_the_same_problem() -> None:
    texts = [a_text(1), a_text(1), a_text(1)]
    assert repeats(signatures(texts), range(3), 40, 0.9, [1, 2, 1]) == {2: 0}


def test_what_stands_in_the_prompt_makes_no_twins() -> None:
    """Two programs that repeat the same long docstring."""
    prompt = a_text(1, 300)
    texts = [f"{prompt} {a_text(2, 15)}", f"{prompt} {a_text(3, 15)}"]
    assert repeats(signatures(texts), range(2), 10, 0.8) == {1: 0}
    assert repeats(signatures(texts, [prompt, prompt]), range(2), 10, 0.8) == {}


def test_most_twins_above_the_threshold_are_met() -> None:
    """At 0.95 the bands miss about one pair in a hundred."""
    texts = [text for number in range(200) for text in (a_text(number, 400), changed(a_text(number, 400)))]
    assert len(repeats(signatures(texts), range(400), 40, 0.9)) >= 190


def test_short_and_empty_texts_are_like_no_other() -> None:
    assert repeats(signatures(["", "a b c", "a b c", ""]), range(4), 1, 0.8) == {}
    assert repeats(joined([]), [], 1, 0.8) == {}
