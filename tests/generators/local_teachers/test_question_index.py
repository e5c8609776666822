import random
import string

from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.local_teachers.question_index import WINDOW, QuestionIndex

EGGS = "How many eggs does Janet sell?"


def test_a_question_is_found_anywhere_in_a_prompt() -> None:
    index = QuestionIndex([EGGS, "How many boxes are there in the hall?"])
    assert index.find(EGGS) == EGGS
    assert index.find(f"Solve this.\n\n{EGGS}\n\nA. 3\nB. 4") == EGGS
    assert index.find(f"<question>{EGGS}</question>") == EGGS
    assert index.find("How many eggs does Janet eat?") is None
    assert index.find("") is None


def test_the_longest_question_wins() -> None:
    longer = f"{EGGS} Round up."
    index = QuestionIndex([longer, EGGS])
    assert index.find(f"{EGGS} Round up. Think first.") == longer
    assert index.find(f"{EGGS} Think first.") == EGGS


def test_a_question_inside_another_one_does_not_win() -> None:
    outer = f"A farmer asks: {EGGS} What does the farmer ask?"
    index = QuestionIndex([EGGS, outer])
    assert index.find(f"Answer. {outer}") == outer


def test_of_equally_long_questions_the_last_is_asked() -> None:
    # A worked example stands before the question that is asked.
    first, second = "How many apples are in basket 1?", "How many apples are in basket 2?"
    assert QuestionIndex([first, second]).find(f"Example: {first} 7.\nNow: {second}") == second
    assert QuestionIndex([first, second]).find(f"Example: {second} 7.\nNow: {first}") == first


def test_short_questions_and_space_around_questions() -> None:
    index = QuestionIndex(["What is 2 + 2?", "  padded question of some length \n", "Why?", ""])
    assert index.find("What is 2 + 2? Why not.") == "What is 2 + 2?"
    assert index.find("Now: Why?") == "Why?"
    assert index.find("Hm, padded question of some length. Go!") == "padded question of some length"
    assert index.find("nothing of the kind") is None


def test_every_one_of_many_alike_questions_is_found() -> None:
    questions = [f"What is the value of the expression {a} + {a * b}?" for a in range(100) for b in range(100)]
    index = QuestionIndex(questions)
    for question in random.Random(1).sample(questions, 200):
        assert index.find(f"{question}\n\nThink step by step.") == question


TEXT = st.text(alphabet=string.ascii_lowercase + " ?", max_size=WINDOW + 8)


@given(st.lists(TEXT, max_size=8), TEXT, TEXT, st.data())
def test_the_found_question_is_the_longest_in_the_prompt(
    questions: list[str], before: str, after: str, data: st.DataObject
) -> None:
    asked = data.draw(st.sampled_from(questions)) if questions else ""
    prompt = before + asked + after
    contained = [question.strip() for question in questions if question.strip() and question.strip() in prompt]
    found = QuestionIndex(questions).find(prompt)
    assert (found is None) == (not contained)
    if found is not None:
        assert found in contained
        assert len(found) == max(map(len, contained))
