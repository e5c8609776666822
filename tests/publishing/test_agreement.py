"""Usual answers of teachers, and on how many problems they are the same; no chain that we could not judge counts."""

import pytest

from cotfactory.publishing.agreement import RIGHT, SUSPECTS_SHOWN, Agreement, PairCount, usual_answer
from cotfactory.schemas.candidate import StrategyName
from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.group import Group
from tests.publishing.made_groups import KEY, made_candidate, made_graded, made_group, made_problem

Answer = tuple[Verdict, str | None]
R: Answer = ("correct", "18")
W: Answer = ("incorrect", "17")
X: Answer = ("incorrect", "99")


def asked(teacher: str, *answers: Answer, number: int = 0, strategy: StrategyName = "solve") -> Group:
    problem = made_problem(number)
    graded = [
        made_graded(made_candidate(problem, index, model=teacher), verdict, found=found)
        for index, (verdict, found) in enumerate(answers)
    ]
    return made_group(problem, graded, model=teacher).model_copy(update={"teacher": teacher, "strategy": strategy})


@pytest.mark.parametrize(
    ("answers", "usual"),
    [
        ((R, R, W), RIGHT),
        ((("correct", "1/2"), ("correct", "0.5"), W), RIGHT),  # two ways to write it are one answer
        ((R, W, W), "17"),
        ((("incorrect", " A  b"), ("incorrect", "a B"), R), "a b"),
        ((R, W), None),  # undecided
        ((R, W, X), None),
        ((("ungraded", "17"), ("no_answer", None)), None),  # nothing to count
        ((R, ("ungraded", "17"), ("ungraded", "17")), RIGHT),  # our failure is no answer of the teacher's
        ((), None),
        ((("incorrect", " "), ("incorrect", "")), ""),  # an empty answer is no right one
        ((("incorrect", "RIGHT"),), "right"),  # nor is its name
    ],
)
def test_usual_answer(answers: tuple[Answer, ...], usual: str | None) -> None:
    assert usual_answer(asked("owl", *answers)) == usual


def test_pairs_of_teachers() -> None:
    agreement = Agreement()
    answers: list[tuple[Answer, Answer]] = [(R, R), (R, W), (W, R), (W, W), (W, X), (R, ("ungraded", None))]
    for number, (owl, elk) in enumerate(answers):
        agreement.add([asked("owl", owl, number=number), asked("elk", elk, number=number)])
    assert agreement.by_teachers == {
        ("owl", "elk"): PairCount(both_right=1, first_right=1, second_right=1, same_wrong=1, different_wrong=1)
    }
    pair = agreement.by_teachers["owl", "elk"]
    assert (pair.problems, pair.agree) == (5, 2)
    assert (agreement.compared, agreement.agreed, agreement.same_wrong) == (5, 2, 1)
    (suspect,) = agreement.suspects()
    assert (suspect.problem, suspect.reference, suspect.answer, suspect.teachers) == ("stories row-3", "18", "17", 2)


def test_all_teachers_agree_or_they_do_not() -> None:
    agreement = Agreement()
    agreement.add([asked("owl", W), asked("elk", W), asked("fox", R)])
    assert (agreement.compared, agreement.agreed, agreement.suspects()) == (1, 0, [])
    # Who was shown the answer is no witness; alone, nobody agrees with anybody.
    agreement.add([asked("owl", W, number=1), asked("elk", R, number=1, strategy="hint")])
    assert agreement.compared == 1


def test_suspects_are_bounded_the_same_in_any_order_and_hold_no_key() -> None:
    problems = [[asked("owl", W, number=number), asked("elk", W, number=number)] for number in range(50)]
    forth, back = Agreement(), Agreement()
    for groups in problems:
        forth.add(groups)
    for groups in problems[::-1]:
        back.add(groups)
    assert forth.same_wrong == 50
    assert len(forth.suspects()) == SUSPECTS_SHOWN
    assert forth.suspects() == back.suspects()
    with_key = Agreement()
    with_key.add([asked("owl", ("incorrect", KEY)), asked("elk", ("incorrect", KEY))])
    assert (with_key.same_wrong, with_key.suspects()) == (1, [])
