import re
from collections import Counter
from fractions import Fraction

import pytest

from cotfactory.generators.local_teachers.student import StudentReply, answer_problem, draw_mode, worked
from cotfactory.generators.problems.procedural_source import FAMILIES, load_procedural
from cotfactory.schemas.problem import AnswerKind, AssertTests, Problem
from cotfactory.schemas.problem_sources import ProceduralSource
from cotfactory.schemas.teacher_spec import StudentShares
from tests.generators.arithmetic import equations, value, wrong_equations

SURE = StudentShares(slipped=0, confident=0, lucky=0, truncated=0, hedged=0, unanswered=0)
BOX = re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}")
SENTENCE = re.compile(r"(?:####|[Aa]nswer is|[Aa]nswer:) ([^\n]+?)(?=\. But|$)", re.MULTILINE)


def only(**shares: float) -> StudentShares:
    return SURE.model_copy(update=shares)


def problems(count: int = 60, difficulty: int = 2) -> list[Problem]:
    source = ProceduralSource(source="procedural", families=tuple(FAMILIES), count=count, seed=3, difficulty=difficulty)
    return list(load_procedural(source))


def say(problem: Problem, shares: StudentShares, sample: int = 0) -> StudentReply:
    return answer_problem(problem, worked(problem), "student", sample, shares)


def stated(reply: StudentReply) -> list[str]:
    """The final answers that a response states, in plain form: `\\frac{3}{4}` as 3/4, `(B)` as B."""
    response = reply.content.rpartition("</think>")[2]
    found = BOX.findall(response)
    for sentence in SENTENCE.findall(BOX.sub("", response)):
        found += sentence.split(" or ")
    answers = [re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"\1/\2", answer.strip("$() *.")) for answer in found]
    return [answer for answer in answers if answer]


def plain(problem: Problem) -> str:
    return re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"\1/\2", problem.answer)


def shown(reply: StudentReply) -> str:
    return f"{reply.reasoning or ''}\n{reply.content}"


def test_a_right_chain_has_right_steps_and_the_right_answer() -> None:
    for problem in problems():
        reply = say(problem, SURE)
        assert stated(reply) == [plain(problem)], reply
        assert equations(shown(reply))
        assert wrong_equations(shown(reply)) == [], reply


@pytest.mark.parametrize("difficulty", [1, 3, 5])
def test_a_slipped_chain_has_one_wrong_step_and_a_wrong_answer(difficulty: int) -> None:
    modes: Counter[str] = Counter()
    for problem in problems(difficulty=difficulty):
        reply = say(problem, only(slipped=1))
        modes[reply.mode] += 1
        assert len(stated(reply)) == 1, reply
        assert stated(reply)[0] != plain(problem), reply
        if reply.mode == "slipped":
            assert len(set(wrong_equations(shown(reply)))) == 1, reply
    assert modes["slipped"] > 0.93 * modes.total()  # the rest found no slip that changes the answer
    assert set(modes) <= {"slipped", "confident"}


@pytest.mark.parametrize("difficulty", [1, 3, 5])
def test_a_lucky_chain_has_a_wrong_step_and_the_right_answer(difficulty: int) -> None:
    for problem in problems(difficulty=difficulty):
        reply = say(problem, only(lucky=1))
        assert reply.mode == "lucky"
        assert stated(reply) == [plain(problem)], reply
        assert wrong_equations(shown(reply)), reply


def test_a_wrong_step_cannot_be_taken_for_rounding() -> None:
    for problem in problems(difficulty=4):
        for left, right in wrong_equations(shown(say(problem, only(slipped=1)))):
            if Fraction(right).denominator == 1:
                assert abs(value(left) - Fraction(right)) >= 1, (left, right)


def test_a_confident_answer_is_wrong_without_a_step() -> None:
    for problem in problems():
        reply = say(problem, only(confident=1))
        assert equations(shown(reply)) == []
        assert len(stated(reply)) == 1
        assert stated(reply)[0] != plain(problem)


def test_a_hedge_states_two_answers_one_of_them_right() -> None:
    for problem in problems():
        both = stated(say(problem, only(hedged=1)))
        assert len(set(both)) == 2, both
        assert plain(problem) in both


def test_an_unanswered_chain_states_nothing() -> None:
    for problem in problems():
        reply = say(problem, only(unanswered=1))
        assert stated(reply) == []
        assert reply.content


def test_a_truncated_chain_stops_before_any_answer() -> None:
    for problem in problems():
        reply = say(problem, only(truncated=1))
        assert reply.mode == "truncated"
        assert stated(reply) == []
        assert reply.content or reply.reasoning


def test_a_chain_cut_while_thinking_never_closes_its_thought() -> None:
    for problem in problems(count=20):
        tagged = say(problem, only(truncated=1, tagged=1, separate=0))
        assert tagged.content.startswith("<think>\n")
        assert "</think>" not in tagged.content
        separate = say(problem, only(truncated=1, tagged=0, separate=1))
        assert separate.content == ""
        assert separate.reasoning


def test_modes_and_thinking_come_in_their_shares() -> None:
    shares = StudentShares(
        slipped=0.2, confident=0.1, lucky=0.05, truncated=0.1, hedged=0.05, unanswered=0.1, tagged=0.3, separate=0.5
    )
    known = [(problem, worked(problem)) for problem in problems(count=50)]
    count = 20 * len(known)
    modes: Counter[str] = Counter()
    thinking: Counter[str] = Counter()
    for problem, chain in known:
        for sample in range(20):
            reply = answer_problem(problem, chain, "student", sample, shares)
            modes[draw_mode("student", problem.problem_id, sample, shares)] += 1
            thinking["separate" if reply.reasoning else "tagged" if "<think>" in reply.content else "none"] += 1
    wanted = {"slipped": 0.2, "confident": 0.1, "lucky": 0.05, "truncated": 0.1, "hedged": 0.05, "unanswered": 0.1}
    for mode, share in {**wanted, "right": 0.4}.items():
        assert abs(modes[mode] / count - share) < 4 * (share * (1 - share) / count) ** 0.5, modes
    for where, share in {"tagged": 0.3, "separate": 0.5, "none": 0.2}.items():
        assert abs(thinking[where] / count - share) < 4 * (share * (1 - share) / count) ** 0.5, thinking


def test_what_is_said_depends_on_model_problem_and_sample_alone() -> None:
    shares = StudentShares()
    first, second = problems(count=2)[:2]
    replies = [
        answer_problem(problem, worked(problem), model, sample, shares)
        for problem in (first, second)
        for model in ("a", "b")
        for sample in (0, 1)
    ]
    assert len(set(replies)) == 8
    again = answer_problem(second, worked(second), "b", 1, shares)
    assert again == replies[-1]


def test_modes_do_not_change_between_versions() -> None:
    """A recipe that ran yesterday gets the same answers today."""
    drawn = [draw_mode("student", "p", sample, StudentShares()) for sample in range(40)]
    faults = {sample: mode for sample, mode in enumerate(drawn) if mode != "right"}
    assert faults == {
        8: "unanswered",
        14: "slipped",
        15: "slipped",
        16: "slipped",
        18: "unanswered",
        21: "truncated",
        25: "lucky",
        27: "hedged",
        35: "truncated",
        37: "slipped",
        38: "confident",
        39: "hedged",
    }


def other(answer: str, kind: AnswerKind = "math", **fields: object) -> Problem:
    return Problem.model_validate(
        {
            "problem_id": "p",
            "source": "elsewhere",
            "source_row_id": "p",
            "question": "Which of Paris and Rome is larger?",
            "answer": answer,
            "answer_kind": kind,
            "split_group": "p",
            **fields,
        }
    )


@pytest.mark.parametrize(
    "problem",
    [
        other("420"),
        other(r"\frac{1}{9}"),
        other(r"\sqrt{2}"),
        other("x"),  # no number to change
        other("0.5"),
        other("C", "choice", choices=("1", "2", "3", "4")),
        other("Paris", "text"),
        other("Tuesday", "text"),
        other("yes", "text"),
        other("18", solution="He has 9 * 2 = 18.\n#### 18"),
        other("19", solution="Nothing in here leads to it."),
    ],
)
def test_problems_from_elsewhere_are_answered_too(problem: Problem) -> None:
    for sample in range(10):
        right = stated(say(problem, SURE, sample))
        wrong = stated(say(problem, only(slipped=1), sample))
        accepted = [plain(problem)]
        assert len(right) == len(wrong) == 1
        assert right == accepted
        assert wrong != accepted
        assert len(set(stated(say(problem, only(hedged=1), sample)))) == 2
        assert stated(say(problem, only(unanswered=1), sample)) == []


def test_a_program_is_given_in_a_fenced_block() -> None:
    solution = "def double(n):\n    return 2 * n"
    problem = other("", "code", solution=solution, tests=AssertTests(code="assert double(2) == 4"))
    assert f"```python\n{solution}\n```" in say(problem, SURE).content
    broken = say(problem, only(slipped=1)).content
    assert "```python\ndef double(n):\n    return None\n```" in broken
    assert "2 * n" not in broken
    unknown = problem.model_copy(update={"solution": None})
    assert say(unknown, SURE).mode == "unanswered"
    assert "```" not in say(unknown, SURE).content
