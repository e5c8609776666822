"""The letter a response states, and why there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.choices import grade_choice, stated_choice
from cotfactory.graders.grader import Tools
from cotfactory.graders.worker_pool import WorkerPool
from tests.builders import a_candidate, a_problem

# Letters need no algebra: its workers are never started.
TOOLS = Tools(algebra=WorkerPool("cotfactory.graders.math.algebra:answer", size=1, timeout_s=1.0), sandbox=None)
CITIES = ("London", "Rome", "Paris", "Berlin")

STATED = [
    ("The answer is (C).", "C"),
    ("The answer is C", "C"),
    ("Step 1 ...\n\n**Answer: C**", "C"),
    ("**Answer: C) Paris**", "C"),
    ("The correct answer is:\n\nC. Paris", "C"),
    ("The correct option is C.", "C"),
    ("Thus, the answer is $\\boxed{C}$.", "C"),
    ("\\[ \\text{The answer is (C)} \\]", "C"),
    ("So \\boxed{\\text{(C)}}", "C"),
    ("Final Answer: The final answer is $\\boxed{C}$", "C"),
    ("The answer is (A). Wait: \\boxed{A}", "A"),
    ("C", "C"),
    ("(c)", "C"),
    ("C. Paris", "C"),
    ("The answer is Paris.", "C"),
    ("\\boxed{Paris}", "C"),
    ("the answer is (C) because it is the capital", "C"),
    ("It is on the Seine. Therefore, the most likely city is (C).", "C"),
    ("That leads us to option C, which is option C.", "C"),
    ("The answer is not among the choices, but the closest is (C).", "C"),
    ("The answer is (B) is incorrect. The correct answer is (C).", "C"),
    ("A careful reading shows the answer is B.", "B"),
    ("That is the capital of France, or (C).", "C"),
    ("It lies on the Seine, making the answer (C) Paris.", "C"),
    ("It lies on the Seine. The answer is (C", "C"),  # cut after the letter
    ("The option that best fits what the question says is (C), Paris, as it lies on the Seine.", "C"),
    ("The answer is about Paris.", "C"),
    ("The answer is c.", "C"),  # a small letter alone
    ("\\boxed{c}", "C"),
    ("The answer is (C) or option C.", "C"),  # one letter twice
    ("The answer is (c) paris", "C"),
    ("C) Paris and more of it", "C"),
    ("paris.", "C"),
    ("So (C) is correct.", "C"),
    ("It is not true, it is (C).", "C"),  # what is denied ends with its clause
    # An answer of none of the options before one that names a letter: the letter is the last word.
    ("The answer is none of the above. The answer is (C).", "C"),
    # A letter with its option's text ends the last sentence.
    ("The capital of France is (C) Paris.", "C"),
    ("It is known as C: Paris.", "C"),
    ("\\boxed{10 + 14 = 24 = \\text{C}}", "C"),  # the letter is the last side
    ("C is the right answer.", "C"),
    ("So C is correct.", "C"),
    ("Thus, (C).", "C"),
    ("Therefore (C) is the answer.", "C"),
    ("The answer is not (B) but (C).", "C"),
    ("The answer is most likely C.", "C"),
    ("`C`", "C"),
    ('"C"', "C"),
    ("应该选C", "C"),
    ("Answer: [C]", "C"),
    ("The answer is （C）。", "C"),  # wide brackets
    ("The answer is C as shown above.", "C"),
    ("The answer is C – because it is the capital.", "C"),  # a dash before prose
    ("Paris (C)", "C"),
    ("C - Paris", "C"),
    ("C\n\nExplanation: it is the capital.", "C"),
    ("It lies on the Seine.\nC) Paris", "C"),  # the last line names an option by letter and text
    ("本题选C", "C"),
    ("选C。", "C"),
    ("正确选项是C", "C"),
]


@pytest.mark.parametrize(("response", "letter"), STATED)
def test_stated_letter(response: str, letter: str) -> None:
    assert stated_choice(response, CITIES).letter == letter


UNSTATED = [
    ("", "empty_response"),
    ("It could be many of them, A for one.", "no_final_answer"),
    ("Paris lies on the Seine.", "no_final_answer"),
    ("A, B, C, D: all are plausible; pick B or C.", "no_final_answer"),
    ("The answer is Clearly not D, so D", "no_final_answer"),  # the C of "Clearly"
    ("The answer is a city on the Seine.", "no_final_answer"),  # an article is no letter
    ("The answer is (A) or (B).", "several_answers"),
    ("It may be (A), or (B).", "no_final_answer"),
    ("Either London, or (C).", "no_final_answer"),
    ("The answer is (A, B).", "several_answers"),
    ("The answer is (A) and (D).", "several_answers"),
    ("The options that could be meant are (A), (D", "no_final_answer"),
    ("The answer is (A), (D", "several_answers"),  # cut inside the second letter
    ("The answer is (A).\nThe answer is (B).", "several_answers"),
    ("Either \\boxed{A} or \\boxed{B}.", "several_answers"),
    ("\\boxed{A}. Thus the answer is (B).", "several_answers"),
    ("The answer is (F).", "letter_beyond_choices"),
    ("The answer is (C) Berlin.", "letter_and_text_differ"),
    ("The answer is (None of the above).", "none_of_the_choices"),
    ("The answer is (C). The answer is none of these.", "none_of_the_choices"),  # and here it is not
    ("\\boxed{C", "unclosed_box"),
    ("The capital of France is (B) Paris.", "no_final_answer"),  # the text of another letter
    ("The answer is a prime.", "no_final_answer"),
    ("The answer is not (C) Paris.", "no_final_answer"),
    ("It isn't (C).", "no_final_answer"),
    ("So the answer cannot be (C)", "no_final_answer"),
    ("C) Berlin", "letter_and_text_differ"),
    ("(F) Paris", "letter_beyond_choices"),
    ("A: 5 + 3 = 8", "no_final_answer"),  # prose that begins like a letter
    ("Venice", "no_final_answer"),
    ("The answer is (F). The answer is (C).", "letter_beyond_choices"),  # a fault is not outvoted
    ("\\boxed{F}", "letter_beyond_choices"),
    ("\\boxed{}", "empty_box"),
    ("C. " + "Paris " * 80, "no_final_answer"),  # too long to be nothing but an option
    # denied, with the option's own text behind the letter
    ("So the capital is not (A) London", "no_final_answer"),
    # options that are listed
    ("C) Paris\nD) Berlin", "no_final_answer"),
    ("(A) London (B) Rome (C) Paris", "no_final_answer"),
    ("It is a city. The options are:\nA) London", "no_final_answer"),
    # a letter of a word, a price, a bond
    ("The answer is C – H bonds.", "no_final_answer"),
    ("The answer is A$5 bill.", "no_final_answer"),
    ("A naive reader would answer (C).", "no_final_answer"),
    ("The wrong answer is (C).", "taken_back"),
    ("The least likely answer is (C).", "taken_back"),
    ("The option that is wrong is (C).", "no_final_answer"),
    ("The answer must not be (C).", "taken_back"),
    ("Answer: C (wrong)", "taken_back"),
    ("The answer is (C)? Not quite.", "taken_back"),
    ("不选C。", "no_final_answer"),
    ("Paris (B)", "no_final_answer"),  # the text of another letter
]


@pytest.mark.parametrize(("response", "reason"), UNSTATED)
def test_no_letter_and_why(response: str, reason: str) -> None:
    found = stated_choice(response, CITIES)
    assert (found.letter, found.reason) == (None, reason)


def test_none_of_the_above_may_be_an_option() -> None:
    assert stated_choice("The answer is none of the above.", (*CITIES, "None of the above")).letter == "E"


def test_a_function_value_is_no_letter() -> None:
    assert stated_choice("The final answer is:\n\nF(s) = 2s\n\nThe answer is (B).", CITIES * 2).letter == "B"


def test_two_options_with_one_text_need_the_letter() -> None:
    assert stated_choice("The answer is Rome.", ("Rome", "Rome")).letter is None
    assert stated_choice("The answer is (B) Rome.", ("Rome", "Rome")).letter == "B"


@given(st.text(alphabet="ABCD ()answeri.o\n\\boxed{}:rotp", max_size=200))
def test_any_text_gives_a_letter_of_the_choices_or_a_reason(text: str) -> None:
    found = stated_choice(text, CITIES)
    assert (found.letter in ("A", "B", "C", "D")) == (found.reason == "found")


@pytest.mark.parametrize(
    "bait", ["answer is " * 50_000, "A" * 500_000, "option " * 80_000, "(A) " * 100_000, "is " * 200_000]
)
def test_megabytes_of_bait_come_back(bait: str) -> None:
    assert stated_choice(bait, CITIES).reason


@pytest.mark.parametrize(
    ("response", "verdict", "reason", "extracted"),
    [
        ("The answer is (C).", "correct", "equal", "C"),
        ("The answer is c.", "correct", "equal", "C"),
        ("The answer is (B).", "incorrect", "different", "B"),
        ("The answer is (A) or (C).", "no_answer", "several_answers", None),
        ("It may be any of them.", "no_answer", "no_final_answer", None),
    ],
)
def test_a_grade_is_of_the_stated_letter(response: str, verdict: str, reason: str, extracted: str | None) -> None:
    problem = a_problem("Which city lies on the Seine?", " c ", "choice", CITIES)
    grade = grade_choice(problem, a_candidate(response, problem=problem.problem_id), TOOLS)
    assert (grade.grader, grade.verdict, grade.reason, grade.extracted_answer) == (
        "choice",
        verdict,
        reason,
        extracted,
    )
    if verdict == "correct":
        assert (grade.evidence.rule, grade.evidence.compared_as) == ("answer_is", "letter")


def test_the_evidence_of_a_letter_beside_another_options_text_is_short() -> None:
    found = stated_choice("The answer is (A) " + "b" * 300, ("x", "b" * 300))
    assert (found.reason, found.text) == ("letter_and_text_differ", "A: " + "b" * 197)


def test_an_option_of_nothing_but_marks_is_not_named_by_an_empty_statement() -> None:
    assert stated_choice("The answer is ?", ("x", "...")).letter is None
    assert stated_choice("...", ("x", "?")).letter is None
