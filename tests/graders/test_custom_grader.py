"""A grader of the user's own: verdicts, what its file may do wrong, its version, its references and mutants."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from cotfactory.graders import custom_grader
from cotfactory.graders.answer_mutants import check_mutants
from cotfactory.graders.custom_grader import CustomGrading
from cotfactory.graders.grader import Tools, open_tools
from cotfactory.graders.grading import grade, grade_batch, grade_promptly, self_test
from cotfactory.schemas.errors import GraderError
from cotfactory.schemas.problem import Problem
from tests.builders import a_candidate, a_problem

PAGE = Path(__file__).parents[2] / "docs" / "own_grader.md"

Opened = Callable[[str], tuple[Problem, Tools]]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Write a grader's file and return a problem graded by its function `grade`, with the tools to grade it."""
    with ExitStack() as stack:

        def write(code: str) -> tuple[Problem, Tools]:
            path = tmp_path / "mine.py"
            path.write_text(code)
            grading = stack.enter_context(closing(CustomGrading(f"{path}:grade")))
            problem = a_problem("Which word?", "Listen", "text").graded_by(custom_grader.custom_grader(f"{path}:grade"))
            return problem, stack.enter_context(open_tools(custom=grading))

        yield write


RETURNS = [
    ("'correct'", "correct", "accepted", None),
    ("'incorrect'", "incorrect", "rejected", None),
    ("'no_answer'", "no_answer", "no_final_answer", None),
    ("{'verdict': 'incorrect', 'reason': 'too_short', 'extracted_answer': 'x'}", "incorrect", "too_short", "x"),
    ("'yes'", "ungraded", "bad_verdict", None),  # no verdict of ours: a fault of the function, not of the chain
    ("True", "ungraded", "bad_verdict", None),
    ("None", "ungraded", "bad_verdict", None),
    ("['correct']", "ungraded", "bad_verdict", None),
    ("{'verdict': ['correct']}", "ungraded", "bad_verdict", None),
    ("{'verdict': 'correct', 'extracted_answer': 3}", "ungraded", "bad_verdict", None),
    ("{'correct'}", "ungraded", "grader_crashed", None),  # a set is not JSON
    ("1 / 0", "ungraded", "grader_crashed", None),
    ("__import__('os')._exit(1)", "ungraded", "grader_crashed", None),
]


@pytest.mark.parametrize(("returned", "verdict", "reason", "answer"), RETURNS)
def test_what_the_function_returns(
    returned: str, verdict: str, reason: str, answer: str | None, opened: Opened
) -> None:
    problem, tools = opened(f"def grade(problem, response, reasoning):\n    return {returned}\n")
    found = grade(problem, a_candidate("It is \\boxed{Silent}."), tools)
    assert (found.verdict, found.reason, found.extracted_answer) == (verdict, reason, answer)
    assert found.grader == "mine.py:grade"


def test_the_function_sees_problem_response_and_reasoning(opened: Opened) -> None:
    problem, tools = opened(
        "def grade(problem, response, reasoning):\n"
        "    seen = [problem['answer'], problem['question'], response, reasoning]\n"
        "    return {'verdict': 'correct', 'extracted_answer': '|'.join(map(str, seen))}\n"
    )
    found = grade(problem, a_candidate("So: silent", reasoning="Hm."), tools)
    assert found.extracted_answer == "Listen|Which word?|So: silent|Hm."


def test_a_crash_tells_what_was_raised(opened: Opened) -> None:
    problem, tools = opened("def grade(problem, response, reasoning):\n    raise KeyError('moves')\n")
    assert grade(problem, a_candidate("x"), tools).evidence.detail == "KeyError: 'moves'"


def test_a_late_function_is_killed_and_the_next_call_is_answered(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom_grader, "CUSTOM_ITEM_S", 0.5)
    problem, tools = opened(
        "def grade(problem, response, reasoning):\n    while response == 'loop':\n        pass\n    return 'correct'\n"
    )
    late, sound = grade_batch([(problem, a_candidate("loop")), (problem, a_candidate("sound"))], tools)
    assert (late.verdict, late.reason) == ("ungraded", "timeout")
    assert sound.verdict == "correct"


def test_it_is_never_called_where_nobody_may_wait(opened: Opened) -> None:
    problem, tools = opened("def grade(problem, response, reasoning):\n    return 'correct'\n")
    assert grade_promptly(problem, a_candidate("x"), tools) is None


def test_a_file_may_import_what_lies_beside_it(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "rules_of_mine.py").write_text("VERDICT = 'incorrect'\n")
    problem, tools = opened(
        "from rules_of_mine import VERDICT\ndef grade(problem, response, reasoning):\n    return VERDICT\n"
    )
    assert grade(problem, a_candidate("x"), tools).verdict == "incorrect"


UNUSABLE = [
    ("def judge(problem, response, reasoning):\n    return 'correct'\n", "it defines no such function"),
    ("grade = 3\n", "it defines no such function"),
    ("def grade(:\n", "SyntaxError"),
    ("import a_module_that_nobody_has\n", "ModuleNotFoundError"),
]


@pytest.mark.parametrize(("code", "told"), UNUSABLE)
def test_an_unusable_file_is_told_before_anything_is_asked(code: str, told: str, opened: Opened) -> None:
    with pytest.raises(GraderError, match=told):
        opened(code)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(GraderError, match="No such file"):
        custom_grader.custom_grader(f"{tmp_path}/none.py:grade")


def test_another_file_is_another_version_of_the_same_problem(opened: Opened) -> None:
    code = "def grade(problem, response, reasoning):\n    return 'correct'\n"
    first, second = opened(code)[0], opened(code + "# changed\n")[0]
    assert first.problem_id == second.problem_id
    assert first.grader != second.grader


def test_a_file_that_changes_during_a_run_is_not_mixed_with_the_old_one(opened: Opened, tmp_path: Path) -> None:
    code = "def grade(problem, response, reasoning):\n    import os\n    os._exit(1) if response == 'die' else None\n"
    problem, tools = opened(code + "    return 'correct'\n")
    (tmp_path / "mine.py").write_text(code + "    return 'incorrect'\n")
    grade(problem, a_candidate("die"), tools)  # its successor loads the file again
    found = grade(problem, a_candidate("x"), tools)
    assert found.verdict == "ungraded"
    assert "changed during the run" in (found.evidence.detail or "")


def test_a_reference_is_stated_in_a_box_or_as_the_file_says(opened: Opened) -> None:
    code = "def grade(problem, response, reasoning):\n    return 'correct' if response == {} else 'incorrect'\n"
    problem, tools = opened(code.format("'\\\\boxed{Listen}'"))
    assert self_test(problem, tools).verdict == "correct"
    problem, tools = opened(code.format("'= Listen'"))
    assert self_test(problem, tools).verdict == "incorrect"
    stated = "def reference_response(problem):\n    return '= ' + problem['answer']\n"
    problem, tools = opened(code.format("'= Listen'") + stated)
    assert self_test(problem, tools).verdict == "correct"


def test_mutants_of_the_file_must_not_be_accepted(opened: Opened) -> None:
    code = "def grade(problem, response, reasoning):\n    return 'correct'\n"
    problem, tools = opened(code)
    assert check_mutants([(problem, a_candidate("x"))], tools).made == 0  # it does not say how they are made
    problem, tools = opened(code + "def mutants(problem, response):\n    return [response + '!', 3]\n")
    found = check_mutants([(problem, a_candidate("x"))], tools)
    assert (found.made, found.accepted) == (1, 1)


def test_the_example_of_the_page_works(opened: Opened) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    problem, tools = opened(code)
    assert self_test(problem, tools).verdict == "correct"
    for response, verdict in [("\\boxed{silent}", "correct"), ("\\boxed{silence}", "incorrect"), ("Hm", "no_answer")]:
        assert grade(problem, a_candidate(response), tools).verdict == verdict
    assert check_mutants([(problem, a_candidate("\\boxed{silent}"))], tools).accepted == 0
