"""Steps join to the text without loss, are cut where a reader would cut, and never inside code or mathematics."""

from itertools import islice, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.ask.step_splitter import split_steps

PARTS = ["First. ", "so 6 * 7 = 42", "\n", "\n\n", " ", "$$", "\\[", "\\]", "\\boxed{", "}", "```\n", "1. ", "Step 2: ",
         "**", ":",
         "\\begin{align}", "\\end{align}", "3.5", "。", "\t", "\\"]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=40).map("".join) | st.text(), st.integers(2, 12))
def test_steps_join_to_the_text(text: str, most: int) -> None:
    steps = split_steps(text, most)
    assert "".join(steps) == (text if text.strip() else "")
    assert len(steps) <= most
    assert all(step.strip() for step in steps)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n", []),
        ("One.", ["One."]),
        ("One.\n\nTwo. And more.\n \nThree.", ["One.\n\n", "Two. And more.\n \n", "Three."]),  # paragraphs are enough
        # Two paragraphs are too few, so lines it is.
        ("One\nTwo\n\nThree", ["One\n", "Two\n\n", "Three"]),
        # A count keeps its lines together.
        ("Step 1: add\n  it\nStep 2: x\n  14\nStep 3: y", ["Step 1: add\n  it\n", "Step 2: x\n  14\n", "Step 3: y"]),
        ("1. Add\nit up\n2) Double\n3. Done", ["1. Add\nit up\n", "2) Double\n", "3. Done"]),
        # 21. and 3.50 end no list and no sentence; the abbreviations end none either.
        ("3.50, e.g. Six. That is 21. So Dr. No pays.", ["3.50, e.g. Six. ", "That is 21. ", "So Dr. No pays."]),
        ("一加一。是二。所以是二。", ["一加一。", "是二。", "所以是二。"]),
        # A heading and what announces a formula go with what follows.
        ("**A**\n\nAdd.\n\n## B\n\nSo:\n\n$$14$$\n\nDone", ["**A**\n\nAdd.\n\n", "## B\n\nSo:\n\n$$14$$\n\n", "Done"]),
        # A rule says nothing by itself.
        ("One.\n\n---\n\nTwo.\n\nThree.", ["One.\n\n---\n\n", "Two.\n\n", "Three."]),
        ("---\n\nOne.\n\nTwo.\n\nThree.", ["---\n\nOne.\n\n", "Two.\n\n", "Three."]),
    ],
)  # fmt: skip
def test_cuts(text: str, expected: list[str]) -> None:
    assert list(split_steps(text, 12)) == expected


@pytest.mark.parametrize(
    "whole",
    [
        "```python\nx = 1\n\ny = 2\n```",
        "~~~~\na\n\n~~~\n\nb\n~~~~",  # a shorter fence closes nothing
        "$$\nx = 1\n\ny = 2\n$$",
        "\\[ x\n\n= 1 \\]",
        "\\( x\n\n= 1 \\)",
        "\\begin{align*}\nx\n\n\\end{align*}",
        "\\boxed{1\n\n\\text{and {2}} \\} 3\n\n4}",
        "```\nnever closed\n\nbut all of it code",
    ],
)
def test_code_and_mathematics_are_kept_whole(whole: str) -> None:
    steps = split_steps(f"One.\n\nTwo.\n\nThree.\n\n{whole}", 12)
    assert "".join(steps[2:]) == f"Three.\n\n{whole}"
    assert len(steps) == 4 or not any(character.isalnum() for character in whole)


@pytest.mark.parametrize("opener", ["$$", "\\[", "\\(", "\\begin{align}", "\\boxed{"])
def test_what_is_never_closed_hides_nothing(opener: str) -> None:
    assert len(split_steps(f"One {opener} two.\n\nThree.\n\nFour.", 12)) == 3


def test_neighbours_are_joined_to_steps_of_about_the_same_length() -> None:
    text = "\n".join(["a" * 10] * 30 + ["b" * 300])
    steps = split_steps(text, 4)
    assert len(steps) == 4
    assert steps[-1] == "b" * 300
    assert {len(step) for step in split_steps("\n".join(["a" * 9] * 40), 4)} == {99, 100}


@pytest.mark.parametrize(
    "part", ["\\[ ", "```\n", "\\boxed{", "\\begin{a}", "a. ", "\n ", "#", "1. ", "$$", "**", "- ", "\n \t", "`", "\\"]
)
def test_a_hostile_text_takes_no_time(part: str) -> None:
    """A pattern that were not linear would take minutes over 100,000 repetitions."""
    text = "x" + part * 100_000 + "x"
    assert "".join(split_steps(text, 12)) == text


def test_many_environments_that_never_end_take_no_time() -> None:
    """Each has a name of its own: a search for its end would go through the whole text, 200,000 times."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    text = "".join(f"\\begin{{{''.join(name)}}}" for name in islice(product(letters, repeat=5), 200_000))
    assert split_steps(text, 12) == (text,)
