"""What a row says of a program's tests beside them: judge, checker, language, limits, starter code."""

from typing import Any

import pytest

from cotfactory.generators.problems.row import INTERACTIVE, problem_from_row
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.judging import CallJudge, Checker, StdioJudge
from cotfactory.schemas.problem import CallTests, Problem, StdioTests, UnsupportedTests

STDIO = {"kind": "stdio", "cases": [{"stdin": "1", "stdout": "1"}]}
CALLS = {"kind": "calls", "entry_point": "f", "cases": [{"args": [1], "expected": 1}]}


def problem(tests: dict[str, Any], **fields: Any) -> Problem:
    row = {"id": "1", "question": "Write it.", "answer_kind": "code", "source": "s", "tests": tests, **fields}
    return problem_from_row(row, "line 1")


@pytest.mark.parametrize(
    ("tests", "judge", "expected"),
    [
        (STDIO, "tokens", StdioJudge(tokens=True)),
        (STDIO, "lines", StdioJudge()),
        (STDIO, {"absolute": 1e-6, "any_order": True}, StdioJudge(absolute=1e-6, any_order=True)),
        (STDIO, '{"relative": "1e-6"}', StdioJudge(relative=1e-6)),  # a cell of a CSV file
        (STDIO, {"tokens": True, "absolute": None, "relative": None}, StdioJudge(tokens=True)),  # a row of Parquet
        (STDIO, None, None),
        (CALLS, "argument 0", CallJudge(argument=0)),
        (CALLS, "any_order", CallJudge(any_order=True)),
        (CALLS, {"any_order": "nested"}, CallJudge(any_order="nested")),
    ],
)
def test_a_judge(tests: dict[str, Any], judge: object, expected: object) -> None:
    found = problem(tests, judge=judge).tests
    assert isinstance(found, StdioTests | CallTests)
    assert found.judge == expected


@pytest.mark.parametrize(
    ("tests", "fields", "message"),
    [
        (STDIO, {"judge": "argument 0"}, r"break the format at stdio\.judge\.argument"),
        (CALLS, {"judge": "tokens"}, r"at calls\.judge\.tokens"),
        (CALLS, {"judge": {"any_order": True, "absolute": 0.1}}, "both any_order and a tolerance"),
        (CALLS, {"checker": {"code": "print(1)"}}, r"at calls\.checker"),
        ({"kind": "assert", "code": "assert f(1) == 1"}, {"judge": "any_order"}, r"at assert\.judge"),
        (STDIO, {"checker": {"code": "print(1)", "arguments": ["input", "input", "output"]}}, "each once"),
        (STDIO, {"language": "cobol"}, r"at stdio\.language"),
        (STDIO, {"time_limit_s": 0}, r"at stdio\.time_limit_s"),
    ],
)
def test_what_does_not_belong_together_is_named(tests: dict[str, Any], fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ProblemSourceError, match=message):
        problem(tests, **fields)


def test_checker_language_and_limits() -> None:
    checker = {"language": "C++", "code": "int main() {}", "arguments": ["input", "output", "answer"]}
    found = problem(STDIO, checker=checker, language="Node", time_limit_s="2.5", memory_limit_mb=64).tests
    assert isinstance(found, StdioTests)
    assert found.checker == Checker(language="cpp", code="int main() {}", arguments=("input", "output", "answer"))
    assert (found.language, found.time_limit_s, found.memory_limit_mb) == ("javascript", 2.5, 64)


def test_an_interactive_problem_is_told_and_not_judged_by_what_is_printed() -> None:
    found = problem(STDIO, interactor={"language": "python", "code": "print(1)"}).tests
    assert found == UnsupportedTests(kind="unsupported", why=INTERACTIVE)
    assert isinstance(problem(STDIO, interactor=None).tests, StdioTests)  # a column of Parquet


def test_starter_code_stands_below_the_question() -> None:
    assert problem(CALLS, starter_code="def f(n):\n").question == (
        "Write it.\n\nBegin with this code:\n\n```python\ndef f(n):\n```"
    )
    assert problem(STDIO, starter_code="int main() {}", language="cpp").question.count("```cpp\n") == 1


def test_each_of_them_is_part_of_the_id_and_their_absence_is_not() -> None:
    rows: list[dict[str, Any]] = [{}, {"judge": "tokens"}, {"judge": "lines"}, {"time_limit_s": 1}, {"language": "cpp"}]
    assert len({problem(STDIO, **fields).problem_id for fields in rows}) == len(rows)
    assert problem(STDIO).tests is not None
    assert problem(STDIO).tests.model_dump(mode="json") == STDIO  # type: ignore[union-attr]


def test_fields_of_these_names_are_left_alone_where_no_program_is_asked_for() -> None:
    row = {"id": "1", "question": "1+1?", "answer": "2", "answer_kind": "math", "source": "s", "language": "en"}
    assert problem_from_row(row, "line 1").tests is None
