"""Rows of known data sets as problems: from files of their true shape, to a grade of what solves them."""

import base64
import io
import json
import pickle
import zlib
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from cotfactory.generators.problems.file_source import load_file
from cotfactory.generators.problems.formats.formats import FORMATS
from cotfactory.generators.problems.hub_source import HubAccess, load_hub
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.judging import Checker, StdioJudge
from cotfactory.schemas.problem import AssertTests, CallTests, Problem, StdioTests, UnsupportedTests
from cotfactory.schemas.problem_sources import FileSource, HubSource, RowFormat
from tests.generators.problems.formats.rows import (
    APPS,
    APPS_FUNCTION,
    CODECONTESTS,
    CODEFORCES,
    EXAMPLES,
    HUMANEVALPLUS,
    KODCODE,
    LIVECODEBENCH,
    LIVECODEBENCH_FUNCTIONAL,
    MBPPPLUS,
    MULTIPL_E,
    SECRET,
    TACO,
    FormatExample,
    packed,
)
from tests.publishing.hub_repo import HubRepo
from tests.publishing.hub_server import HubServer

ROWS = [(name, example) for name, examples in EXAMPLES.items() for example in examples]


def load(folder: Path, row_format: str, *rows: dict[str, Any]) -> list[Problem]:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    source = FileSource.model_validate({"source": "file", "path": "rows.jsonl", "format": row_format})
    return list(load_file(source, folder))


def only(folder: Path, row_format: str, row: dict[str, Any]) -> Problem:
    (problem,) = load(folder, row_format, row)
    return problem


def why_unsupported(folder: Path, row_format: str, row: dict[str, Any]) -> str:
    tests = only(folder, row_format, row).tests
    assert isinstance(tests, UnsupportedTests)
    return tests.why


def refusal(folder: Path, row_format: str, *rows: dict[str, Any]) -> str:
    with pytest.raises(ProblemSourceError) as raised:
        load(folder, row_format, *rows)
    assert raised.value.hint
    return str(raised.value)


def test_every_format_of_a_recipe_has_a_reader_and_examples() -> None:
    assert set(get_args(RowFormat)) == set(FORMATS) == set(EXAMPLES)


@pytest.mark.parametrize(("row_format", "example"), ROWS)
def test_a_row_becomes_a_problem_that_tells_no_secret(row_format: str, example: FormatExample, tmp_path: Path) -> None:
    problem = only(tmp_path, row_format, example.row)

    assert problem.answer_kind == "code"
    assert SECRET in str(problem.tests)
    assert SECRET not in problem.question
    assert problem.source == "rows.jsonl"


def test_ids_are_those_of_the_row_or_its_place(tmp_path: Path) -> None:
    assert only(tmp_path, "apps", APPS.row).source_row_id == "4321"
    other = {**TACO.row, "question": "Print the double."}
    assert [problem.source_row_id for problem in load(tmp_path, "taco", TACO.row, other)] == ["row-0", "row-1"]


def test_private_tests_of_livecodebench_may_be_plain_json(tmp_path: Path) -> None:
    plain = json.dumps([{"input": "7919\n", "output": "15838\n", "testtype": "stdin"}])
    problem = only(tmp_path, "livecodebench", {**LIVECODEBENCH.row, "private_test_cases": plain})
    assert isinstance(problem.tests, StdioTests)
    assert [case.stdin for case in problem.tests.cases] == ["4\n", "7919\n"]


class _Runs:
    """A pickle of it would create a file where it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    evil = base64.b64encode(zlib.compress(pickle.dumps(_Runs(trap)))).decode()
    said = refusal(tmp_path, "livecodebench", {**LIVECODEBENCH.row, "private_test_cases": evil})
    assert "pickle of one text" in said
    assert not trap.exists()


def test_functional_tests_are_calls_of_the_method(tmp_path: Path) -> None:
    tests = only(tmp_path, "livecodebench", LIVECODEBENCH_FUNCTIONAL.row).tests
    assert isinstance(tests, CallTests)
    assert tests.entry_point == "Solution.twoSum"
    assert [(case.args, case.expected) for case in tests.cases] == [
        (([2, 7], 9), [0, 1]),
        (([3, 7919, 4], 7923), [1, 2]),
    ]


@pytest.mark.parametrize(
    ("outputs", "starter", "expected"),
    [
        ([[8], [15838]], "def double(n):", [8, 15838]),  # each result in a list of its own
        ([8, 15838], "def double(n):", [8, 15838]),
        ([[8], [1, 2]], "def double(n):", [[8], [1, 2]]),  # results that are lists
        ([[8], [9]], "def double(n) -> List[int]:", [[8], [9]]),  # declared to be lists, if of one
    ],
)
def test_results_of_apps_functions(outputs: Any, starter: str, expected: Any, tmp_path: Path) -> None:
    given = {"fn_name": "double", "inputs": [[4], [7919]], "outputs": outputs}
    row = {**APPS_FUNCTION.row, "input_output": json.dumps(given), "starter_code": starter}
    tests = only(tmp_path, "apps", row).tests
    assert isinstance(tests, CallTests)
    assert [case.expected for case in tests.cases] == expected


def test_the_first_solution_in_todays_python_is_taken(tmp_path: Path) -> None:
    assert only(tmp_path, "apps", APPS.row).solution == APPS.right
    assert only(tmp_path, "codecontests", CODECONTESTS.row).solution == CODECONTESTS.right
    assert only(tmp_path, "apps", {**APPS.row, "solutions": ""}).solution is None


def test_the_tested_function_of_mbppplus_is_the_one_that_is_asserted(tmp_path: Path) -> None:
    tests = only(tmp_path, "mbppplus", MBPPPLUS.row).tests
    assert isinstance(tests, AssertTests)
    assert tests.entry_point == "double"  # and not its helper


def test_kodcode_questions_are_told_the_declaration_that_their_tests_rely_on(tmp_path: Path) -> None:
    assert "def double(n):" in only(tmp_path, "kodcode", KODCODE.row).question
    named = {**KODCODE.row, "question": "Write double(n)."}
    assert only(tmp_path, "kodcode", named).question == "Write double(n)."


def test_what_is_printed_is_compared_as_contests_do_or_by_the_checker_of_the_row(tmp_path: Path) -> None:
    compared = only(tmp_path, "codeforces", CODEFORCES.row).tests
    assert isinstance(compared, StdioTests)
    assert (compared.judge, compared.checker) == (StdioJudge(tokens=True), None)
    checked = only(tmp_path, "codeforces", {**CODEFORCES.row, "generated_checker": "print(1)"}).tests
    assert isinstance(checked, StdioTests)
    assert checked.checker == Checker(code="print(1)")


@pytest.mark.parametrize(
    ("row_format", "row", "why"),
    [
        ("apps", {**APPS.row, "input_output": ""}, "no tests"),
        ("taco", {**TACO.row, "input_output": '{"inputs": [], "outputs": []}'}, "no tests"),
        ("codecontests", {**CODECONTESTS.row, "input_file": "in.txt"}, "files"),
        ("codeforces", {**CODEFORCES.row, "interaction_format": "Ask, then print."}, "interactor"),
        ("codeforces", {**CODEFORCES.row, "input_mode": "file"}, "files"),
        # the examples are in the prompt: whoever prints them would pass
        ("codeforces", {**CODEFORCES.row, "official_tests": []}, "beside the examples"),
        ("multipl-e", {**MULTIPL_E.row, "language": "lua"}, "lua"),
    ],
)
def test_what_cannot_be_judged_says_why(row_format: str, row: dict[str, Any], why: str, tmp_path: Path) -> None:
    assert why in why_unsupported(tmp_path, row_format, row)


@pytest.mark.parametrize(
    ("row_format", "change", "said"),
    [
        ("taco", {"question": None}, ("question is None", "expected text")),
        ("taco", {"input_output": {"inputs": []}}, ("input_output is {'inputs': []}", "JSON")),
        ("apps", {"input_output": '{"inputs": ["1"], "outputs": []}'}, ("1 inputs and 0 outputs",)),
        ("apps", {"input_output": '{"inputs": [1], "outputs": ["2"]}'}, ("reads or prints is 1", "expected text")),
        ("apps", {"input_output": '{"fn_name": "f", "inputs": [1], "outputs": [2]}'}, ("list of its arguments",)),
        ("codecontests", {"private_tests": {"input": ["1"], "output": []}}, ("private_tests", "as many")),
        ("codecontests", {"public_tests": None}, ("public_tests is None",)),
        ("livecodebench", {"private_test_cases": "!"}, ("private_test_cases", "base64")),
        ("livecodebench", {"private_test_cases": packed([])[:-12]}, ("private_test_cases", "base64")),
        ("livecodebench", {"public_test_cases": '[{"input": "4"}]'}, ("public_test_cases.0.output is missing",)),
        ("codeforces", {"official_tests": [{"input": "4"}]}, ("official_tests.0.output is missing",)),
        ("mbppplus", {"test_list": []}, ("none of which the first",)),
        ("multipl-e", {"tests": "assert True"}, ("expected `check(NAME)`",)),
        ("kodcode", {"test_info": [{}]}, ("function_name is missing",)),
    ],
)
def test_a_row_of_another_shape_is_an_error_with_its_place(
    row_format: str, change: dict[str, Any], said: tuple[str, ...], tmp_path: Path
) -> None:
    row = EXAMPLES[row_format][0].row
    message = refusal(tmp_path, row_format, row, {**row, **change})
    assert message.startswith(f"line 2 of rows.jsonl is no row of the format {row_format}: ")
    for part in said:
        assert part in message


def test_functional_tests_without_a_name_are_an_error(tmp_path: Path) -> None:
    row = {**LIVECODEBENCH_FUNCTIONAL.row, "metadata": "{}"}
    assert "metadata.func_name is None" in refusal(tmp_path, "livecodebench", row)


def test_an_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(ValidationError) as raised:
        FileSource.model_validate({"source": "file", "path": "p.jsonl", "format": "tacos"})
    for name in FORMATS:
        assert f"'{name}'" in str(raised.value)


def test_a_format_leaves_no_room_for_keys_that_say_the_same() -> None:
    hub = {"source": "hub", "repo": "o/n", "revision": "v1"}
    for model, keys in (
        (FileSource, {"source": "file", "path": "p", "format": "taco", "answer_kind": "math"}),
        (HubSource, {**hub, "format": "taco", "columns": {"question": "q"}}),
        (HubSource, {**hub, "columns": {"question": "q"}}),  # neither a format nor an answer kind
        (HubSource, hub),
    ):
        with pytest.raises(ValidationError):
            model.model_validate(keys)


@pytest.mark.parametrize(
    ("row_format", "row", "limits"),
    [
        ("taco", TACO.row, (2.0, 256)),
        ("taco", {**TACO.row, "time_limit": "500 ms", "memory_limit": "65536 KB"}, (0.5, 64)),
        ("taco", {**TACO.row, "time_limit": None, "memory_limit": "unlimited"}, (None, None)),
        ("taco", {**TACO.row, "time_limit": "0.0 seconds", "memory_limit": ""}, (None, None)),
        ("codecontests", CODECONTESTS.row, (2.5, 245)),  # 256,000,000 bytes
        ("codecontests", {**CODECONTESTS.row, "time_limit": None, "memory_limit_bytes": 0}, (None, None)),
        ("codeforces", CODEFORCES.row, (2.0, 256)),
        ("codeforces", {**CODEFORCES.row, "time_limit": None, "memory_limit": None}, (None, None)),
    ],
)
def test_limits_of_the_row_are_those_of_the_problem(
    row_format: str, row: dict[str, Any], limits: tuple[float | None, int | None], tmp_path: Path
) -> None:
    tests = only(tmp_path, row_format, row).tests
    assert isinstance(tests, StdioTests)
    assert (tests.time_limit_s, tests.memory_limit_mb) == limits


@pytest.mark.parametrize("row_format", ["taco", "codecontests", "codeforces", "livecodebench", "kodcode", "apps"])
def test_rows_of_the_hub_are_read_as_they_are(row_format: str, hub_server: HubServer, tmp_path: Path) -> None:
    """Nested columns come as Parquet and the real libraries give them."""
    example = EXAMPLES[row_format][0]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([example.row]), buffer)
    repo = hub_server.repos.setdefault("org/set", HubRepo("org/set"))
    repo.tags["v1"] = repo.commit("v1", {"data/train-00000-of-00001.parquet": buffer.getvalue()}, [])
    source = HubSource.model_validate(
        {"source": "hub", "repo": "org/set", "revision": "v1", "format": row_format, "domain": "contests"}
    )
    (problem,) = load_hub(source, HubAccess(cache_folder=tmp_path / "hub"))

    assert problem.question == only(tmp_path, row_format, example.row).question
    assert SECRET in str(problem.tests)
    assert problem.source_revision == repo.tags["v1"]


def test_a_dataset_of_the_hub_without_a_needed_column(hub_server: HubServer, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([HUMANEVALPLUS.row]), buffer)
    repo = hub_server.repos.setdefault("org/set", HubRepo("org/set"))
    repo.tags["v1"] = repo.commit("v1", {"data/train-00000-of-00001.parquet": buffer.getvalue()}, [])
    source = HubSource.model_validate({"source": "hub", "repo": "org/set", "revision": "v1", "format": "taco"})
    with pytest.raises(ProblemSourceError, match="no column 'input_output'"):
        list(load_hub(source, HubAccess(cache_folder=tmp_path / "hub")))
