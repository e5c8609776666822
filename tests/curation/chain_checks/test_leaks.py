"""What a chain should not know: found by its words or by where the answer stands."""

import pytest

from cotfactory.curation.chain_checks.leaks import answer_first, answer_from_prompt, hint_words

LONG = " Then we look at each of the parts in turn and put them together with care, as the exercise asks us to." * 3


@pytest.mark.parametrize(
    ("chain", "question", "found"),
    [
        ("This matches the expected answer.", "", True),
        ("The reference answer is 42.", "", True),
        ("We are told that the answer is 42", "", True),
        ("the answer given above", "", True),
        ("Look at the given answer choices.", "", False),
        ("The given solution of salt holds 5 g.", "A given solution of salt. The given solution ...", False),
        ("So the answer is 42.", "", False),
    ],
)
def test_the_answer_from_the_prompt(chain: str, question: str, found: bool) -> None:
    assert bool(answer_from_prompt(chain, question)) == found


@pytest.mark.parametrize(
    ("chain", "answer", "question", "found"),
    [
        ("The answer is (F)." + LONG, "F", "", True),
        ("\\boxed{42}" + LONG, "42", "What is 6 * 7?", True),
        ("It comes to 42 in the end." + LONG, "42", "What is 6 * 7?", True),
        ("6 * 7 = 42." + LONG, "42", "What is 6 * 7?", False),  # a derivation, if a short one
        ("She starts with 42 apples." + LONG, "42", "She has 42 apples.", False),  # the question's number
        ("The answer is 42.", "42", "", False),  # a short chain
        ("We get 421 of them." + LONG, "42", "", False),
        ("There are 5 of them." + LONG, "5", "", False),  # one digit is anywhere
    ],
)
def test_the_answer_before_its_derivation(chain: str, answer: str, question: str, found: bool) -> None:
    assert bool(answer_first(chain, answer, question)) == found


@pytest.mark.parametrize(
    ("chain", "found"),
    [
        ("Following the hint, we add.", True),
        ("The answer should be 42, so we add.", True),
        ("We already know the answer.", True),
        ("We add 6 and 7.", False),
    ],
)
def test_hint_words(chain: str, found: bool) -> None:
    assert bool(hint_words(chain, "What is it?")) == found
