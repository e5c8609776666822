"""Runs of words: equal for equal words, within one text only, whatever the batch."""

from hypothesis import given
from hypothesis import strategies as st

from curation.words import runs_of, words_of

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


def test_masked_runs_leave_out_what_is_mostly_numbers() -> None:
    one, other = (runs_of(words_of([text]), 4, masked=True) for text in ("take 12 of them 3 4 5 6", "take 7 of them"))
    assert other.hashes.tolist() == one.hashes.tolist()[:1]
    assert len(one.hashes) == 3  # `of them 3 4` is half words; `them 3 4 5` is not
