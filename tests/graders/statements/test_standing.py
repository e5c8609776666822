"""Whether a statement stands by the words around it: `[...]` marks the statement in each text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.statements.standing import is_taken_back, standing

BOXES = [
    ("So we get [5].", "stated"),
    ("This is not hard: [5].", "stated"),  # a "not" of something else
    ("It cannot be 4, so it is [5].", "stated"),  # the denied one ended with its clause
    ("One might think it is 4, but it is [5].", "stated"),
    ("Suppose there are two. Then we get [5].", "stated"),
    ("If each pair counts once, we get [5].", "stated"),  # a condition of the question, with a consequence
    ("[5]. A common mistake is to get 4.", "stated"),
    ("[5]. Wait, let me check: 2 + 3 = 5. Yes.", "stated"),  # doubted and confirmed
    ("[5].\n\nCase two: this is impossible.", "stated"),  # "this" is the case
    ("It is not [5].", "denied"),
    ("It isn't $[5]$.", "denied"),
    ("Anything but [5].", "denied"),
    ("[5] would be wrong.", "denied"),
    ("[5], which is impossible.", "denied"),
    ("[5], but it is likely that this is also incorrect.", "denied"),
    ("Suppose it were [5].", "supposed"),
    ("If x were 3, it would be [5].", "supposed"),
    ("We must show that it is [5].", "supposed"),
    ("If [5], nothing follows.", "supposed"),
    ("Students often say that it is [5].", "quoted"),
    ("I doubt that it is [5].", "quoted"),
    ("It is tempting to say [5].", "quoted"),
    ("[5]. That is wrong.", "taken_back"),
    ("[5]. Oops, I miscounted.", "taken_back"),
    ("[5] Wait, this is not right.", "taken_back"),
    ("[5]. No, it is 6.", "taken_back"),
    ("[5]. Hold on, there should be 6.", "taken_back"),
    ("[5]。等等，算错了。", "taken_back"),
    ("[5]. Das ist falsch.", "taken_back"),
    # a denied box is the subject of its sentence, or the object of a denied verb
    ("[5] does not satisfy the equation.", "denied"),
    ("$[5]$ contradicts what is given.", "denied"),
    ("[5] is too large.", "denied"),
    ("[5] (this is wrong)", "denied"),
    ("[5]?", "denied"),
    ("Do not write [5].", "denied"),
    ("We cannot have [5].", "denied"),
    ("The wrong answer is [5].", "denied"),
    ("Had it rained, it would be [5].", "supposed"),
    ("My gut says [5].", "quoted"),
    ("Maybe [5].", "quoted"),
    ("[5]. Hold on, that does not fit the second equation.", "taken_back"),
    ("[5]\n\nEdit: this is wrong.", "taken_back"),
    ("[5]. Actually, no.", "taken_back"),
    ("[5]. Sorry, I meant 6.", "taken_back"),
    ("[5]. Please ignore that answer.", "taken_back"),
    # marks and labels of what is wrong
    ("[5] (incorrect)", "denied"),
    ("[5] ❌", "denied"),
    ("~~[5]~~", "denied"),
    ("Wrong: [5]", "denied"),
    ("Rejected: [5]", "denied"),
    ("The suggested answer is [5].", "denied"),
    ("[5]\n\nOn second thought, that is not right.", "taken_back"),
    ("[5]\n\nBut this contradicts the first condition.", "taken_back"),
    ("[5]\n\nWait, I forgot the boundary.", "taken_back"),
    # another value in the next words
    ("[5]. That should be 6.", "taken_back"),
    ("[5]. The correct value is 6.", "taken_back"),
    ("[5]. My mistake, 6.", "taken_back"),
    ("[5]. Let me correct that: 6.", "taken_back"),
    ("[5]. Or maybe 6.", "taken_back"),
    ("[5] is off by one.", "denied"),
    ("[5] has the wrong sign.", "denied"),
    # the same words about something else
    ("[5]. That should be enough.", "stated"),
    ("[5]. The correct value was found by adding.", "stated"),
    ("[5]. Rather simple.", "stated"),
    ("41 was wrong, so [5].", "stated"),
    ("The value 4 is rejected, so x = [5].", "stated"),
    ("[5]\n\nThis is not the largest of them.", "stated"),
    ("[5] (not 4, which is a common error)", "stated"),
    ("Do not forget the sign: [5].", "stated"),
    ("[5]. A wrong approach would give 4.", "stated"),
    ("[5]. We may ignore the other root.", "stated"),
    ("[5]. It does not matter which one comes first.", "stated"),
]


@pytest.mark.parametrize(("text", "how"), BOXES)
def test_a_value_stands_or_not(text: str, how: str) -> None:
    start, end = text.index("["), text.index("]") - 1
    plain = text.replace("[", "").replace("]", "")
    assert standing(plain, start, end, len(plain), is_value=True) == how


PHRASES = [
    ("The [answer is] 5.", "stated"),
    ("This shows that the [answer is] 5.", "stated"),  # shown, not to be shown
    ("The [answer is] 5, and no other value works.", "stated"),
    ("The [answer is] no.", "stated"),  # "no" is the answer
    ("Prove that the [answer is] 5.", "supposed"),
    ("Unless the [answer is] 5, we are lost.", "supposed"),
    ("The [answer would be] 5 if it rained.", "supposed"),
    ("The [answer is] 5?", "denied"),
    ("The [answer is] 5 is a common mistake.", "denied"),
    ("My friend claims the [answer is] 5.", "quoted"),
    ("The [answer is] 5. I made an error.", "taken_back"),
    ("The [answer is] 5, right?", "denied"),  # asked, not stated
    ("The [answer is] 5 only if n is even.", "denied"),
    ("The [answer is] 5, but I computed 6.", "denied"),
    ("The [answer is] 5, but I checked it twice.", "stated"),
    ("Had we begun at zero, the [answer would be] 5.", "supposed"),
    ("If he had asked for the sum, the [answer would be] 5.", "supposed"),
    ("A classmate told me the [answer is] 5.", "quoted"),
    ("It is a myth that the [answer is] 5.", "quoted"),
    ("Nobody would claim that the [answer is] 5.", "quoted"),
    ("There is no way the [answer is] 5.", "quoted"),
    ("Legend has it that the [answer is] 5.", "quoted"),
    ("I said the [answer is] 5, and it is.", "quoted"),
    ('He said, "The [answer is] 5".', "quoted"),
    ("It is often assumed that the [answer is] 5.", "quoted"),
    ("My first guess was that the [answer is] 5.", "quoted"),
    ("It does not follow that the [answer is] 5.", "quoted"),
    ("Supposedly, the [answer is] 5.", "quoted"),
    ("It follows that the [answer is] 5.", "stated"),
    ("The [answer is] 5, they say.", "denied"),
    ("The [answer must not be] 5.", "denied"),
    ("As I said, the [answer is] 5.", "stated"),  # and says it again
    ("According to the formula, the [answer is] 5.", "stated"),
    ("According to my brother, the [answer is] 5.", "quoted"),
]


@pytest.mark.parametrize(("text", "how"), PHRASES)
def test_what_a_phrase_announces_stands_or_not(text: str, how: str) -> None:
    start, end = text.index("["), text.index("]") - 1
    plain = text.replace("[", "").replace("]", "")
    assert standing(plain, start, end, len(plain)) == how


def test_only_what_comes_before_the_next_statement_takes_back() -> None:
    text = "The answer is 5. The answer is 6. That is wrong."
    assert standing(text, 4, 13, text.index("The answer is 6")) == "stated"
    assert standing(text, 21, 30, len(text)) == "taken_back"


def test_a_text_is_taken_back_by_its_own_words() -> None:
    assert is_taken_back("42. Scratch that.")
    assert not is_taken_back("42. It is not far.")


@given(st.text(alphabet="if not the answer is wrong,. 5?I that", max_size=200), st.integers(0, 200), st.integers(0, 40))
def test_any_span_of_any_text_has_a_standing(text: str, start: int, length: int) -> None:
    start = min(start, len(text))
    end = min(start + length, len(text))
    for is_value in (True, False):
        assert standing(text, start, end, len(text), is_value=is_value)


@pytest.mark.parametrize("bait", ["if " * 100_000, "one say " * 50_000, "but it is " * 50_000, "not " * 100_000])
def test_megabytes_around_a_statement_come_back(bait: str) -> None:
    text = bait + "[5]" + bait
    assert standing(text, len(bait), len(bait) + 3, len(text), is_value=True)
