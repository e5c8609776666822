from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.curation.chain_checks.chain_steps import wrong_step
from cotfactory.generators.problems.families.running_totals import Expression, Operation, draw_expression, true_chain
from cotfactory.generators.students.human_chains import HumanFaults, human_chain
from cotfactory.generators.students.signs import END_ID, SIGNS, read_chain, read_question, written


@pytest.mark.parametrize(
    ("question", "signs"),
    [
        ("From left to right: 4+3*2-9", ["4", "+3", "*2", "-9", "<begin>"]),
        ("No 1+1, but 12+3", ["12", "+3", "<begin>"]),  # the last expression is the question
        ("4 + 3", None),  # spaces: nothing it has learned to read
        ("What is love?", None),
        ("100+3", None),  # no part of a longer number
        ("4+33", None),
    ],
)
def test_a_question_is_read_as_its_signs(question: str, signs: list[str] | None) -> None:
    read = read_question(question)
    assert (None if read is None else [SIGNS[number] for number in read]) == signs


@pytest.mark.parametrize("chain", ["4+3=7\n7*2=14\n#### 14", "7*2=9\n#### 9"])
def test_a_chain_comes_back_as_it_was_read(chain: str) -> None:
    read = read_chain(chain)
    assert read is not None
    assert read[-1] == END_ID
    assert written(read) == chain


@pytest.mark.parametrize("chain", ["I think 14", "4+3=99\n", "4 + 3 = 7"])
def test_what_the_student_could_not_have_written_is_not_read(chain: str) -> None:
    assert read_chain(chain) is None


@given(st.lists(st.integers(0, len(SIGNS) - 1), max_size=30))
def test_two_numbers_in_a_row_never_read_as_one(ids: list[int]) -> None:
    said = [SIGNS[number] for number in ids]
    said = said[: said.index("<end>")] if "<end>" in said else said
    assert written(ids).replace(" ", "") == "".join(said).replace(" ", "")


def test_a_true_chain_keeps_no_precedence() -> None:
    expression = Expression(4, (Operation("+", 3), Operation("*", 2), Operation("-", 9)))
    assert true_chain(f"From left to right: {expression.text()}") == "4+3=7\n7*2=14\n14-9=5"


def test_people_copy_the_sign_and_err_in_the_value() -> None:
    """So that the check of steps sees it; `7+2=9` would be a true equation of another question."""
    faults = HumanFaults(misconceived=1, slipped=0, lucky=0, junk=0)
    for number in range(200):
        expression, said = human_chain(Random(number), 6, faults)
        lines = said.splitlines()
        assert [line.partition("=")[0].lstrip("0123456789") for line in lines[:-1]] == [
            f"{operation.sign}{operation.operand}" for operation in expression.operations
        ]
        wrong = [line for line in lines[:-1] if wrong_step("", line) is not None]
        multiplied = [line for line in lines[:-1] if "*" in line and line not in ("2*2=4",)]
        assert wrong == multiplied


def test_a_lucky_chain_has_the_right_answer_and_a_wrong_step() -> None:
    for number in range(200):
        expression, said = human_chain(Random(number), 6, HumanFaults(misconceived=0, slipped=0, lucky=1, junk=0))
        true = true_chain(expression.text())
        assert true is not None
        assert said.rpartition(" ")[2] == true.rpartition("=")[2]
        assert wrong_step("", said) is not None


def test_every_total_stays_in_range() -> None:
    for number in range(300):
        true = true_chain(draw_expression(Random(number), 10).text())
        assert true is not None
        assert all(0 <= int(line.partition("=")[2]) <= 20 for line in true.splitlines())
