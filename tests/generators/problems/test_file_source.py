"""Problem files: what is read, and one clear message for each way a file can be wrong."""

import csv
import gzip
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cotfactory.generators.problems.file_source import load_file
from cotfactory.generators.problems.row import FIELDS, choice_letter, split_group_of
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.problem import AssertTests, CallTests, Problem, StdioTests
from cotfactory.schemas.problem_sources import FileSource

MATH = {"id": "a", "question": "1 + 1?", "answer": "2", "answer_kind": "math"}
CHOICE = {"id": "c", "question": "Which?", "answer": "B", "answer_kind": "choice", "choices": ["red", "blue"]}
CODE = {
    "id": "p",
    "question": "Write f.",
    "answer_kind": "code",
    "tests": {"kind": "calls", "entry_point": "f", "cases": [{"args": [1, [None]], "expected": None}]},
}


def load(path: Path, **settings: object) -> list[Problem]:
    source = FileSource.model_validate({"source": "file", "path": path.name, **settings})
    return list(load_file(source, path.parent))


def jsonl(tmp_path: Path, *rows: object, name: str = "p.jsonl") -> Path:
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def refusal(path: Path, **settings: object) -> str:
    """Return the message of the error that loading must raise."""
    with pytest.raises(ProblemSourceError) as raised:
        load(path, **settings)
    assert raised.value.exit_code == 2
    assert raised.value.hint, "an error of the user's file says what to do"
    return str(raised.value)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0.01", "0.01"), (0.01, "0.01"), (1, "1"), (5e-7, "5e-07"), (None, None), ("1%", "1%"), ("2.5 %", "2.5 %"),
        ("2400000000000000000000000", "2400000000000000000000000"), ("1e-120", "1e-120"),
    ],
)  # fmt: skip
def test_a_tolerance_is_an_exact_decimal_or_a_share(written: object, read: str | None, tmp_path: Path) -> None:
    (problem,) = load(jsonl(tmp_path, MATH | {"answer_tolerance": written}))
    assert problem.answer_tolerance == read


WORDS = {"id": "t", "question": "Which day?", "answer": "Friday", "answer_kind": "text"}


def test_accepted_answers_are_a_list_and_a_line_break_makes_none(tmp_path: Path) -> None:
    two = ["Friday", "Fri"]
    rows = [
        WORDS,
        {**WORDS, "answers": two},
        {**WORDS, "answer": None, "answers": two},
        {**WORDS, "answer": "Friday\nFri"},
    ]
    plain, beside, alone, lines = (load(jsonl(tmp_path, row))[0] for row in rows)
    assert plain.accepted_answers == ("Friday",)
    assert beside.accepted_answers == alone.accepted_answers == ("Friday", "Fri")
    assert beside.problem_id == alone.problem_id != plain.problem_id
    assert lines.accepted_answers == ("Friday\nFri",)
    cell = tmp_path / "p.csv"
    cell.write_text('id,question,answer_kind,answers\nt,Which day?,text,"[""Friday"", ""Fri""]"\n')
    assert load(cell)[0].accepted_answers == ("Friday", "Fri")


def test_a_row_says_how_its_text_is_compared_or_the_source_does(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path, WORDS, WORDS | {"id": "s", "text": {"compare": "set"}}, MATH, WORDS | {"id": "x", "text": "A page."}
    )
    assert [problem.text_compare for problem in load(path)] == ["words", "set", "words", "words"]
    told = load(path, text={"compare": "exact"})
    assert [problem.text_compare for problem in told] == ["exact", "set", "words", "words"]
    assert told[0].problem_id != load(path)[0].problem_id


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"answers": []}, "expected a list of one text or more"),
        ({"answers": "Friday"}, "expected JSON"),
        ({"answers": ["Friday", ""]}, "expected a list of one text or more"),
        ({"answers": ["Friday", ["Fri"]]}, "expected text, got list"),
        ({"text": {"compare": "fuzzy"}}, "one of exact, words, set, list"),
        ({"text": "exact"}, 'expected {"compare": ...}'),
        ({"text": {"compare": "set", "case": True}}, 'expected {"compare": ...}'),
    ],
)
def test_what_a_text_problem_may_not_say(fields: dict[str, object], said: str, tmp_path: Path) -> None:
    assert said in refusal(jsonl(tmp_path, WORDS | fields))


def test_only_text_has_a_list_of_answers(tmp_path: Path) -> None:
    assert "on text problems only" in refusal(jsonl(tmp_path, MATH | {"answers": ["2", "two"]}))


def test_every_field_of_the_format_reaches_the_problem(tmp_path: Path) -> None:
    row = CHOICE | {"solution": "Look.", "domain": "colours", "source": "org/set", "license": "MIT"}
    (problem,) = load(jsonl(tmp_path, row))
    assert problem == Problem(
        problem_id=problem.problem_id,
        source="org/set",
        source_row_id="c",
        license="MIT",
        domain="colours",
        question="Which?",
        choices=("red", "blue"),
        answer="B",
        answer_kind="choice",
        solution="Look.",
        split_group=split_group_of("Which?"),
    )


def test_source_fills_what_a_row_leaves_out_and_overrides_nothing(tmp_path: Path) -> None:
    bare = {"id": "a", "question": "1 + 1?", "answer": "2"}
    told = bare | {"id": "b", "license": "MIT", "domain": "sums", "source": "own", "answer_kind": "text"}
    path = jsonl(tmp_path, bare, told)
    filled, kept = load(path, license="CC0-1.0", domain="maths", name="set", answer_kind="math")
    assert (filled.license, filled.domain, filled.source, filled.answer_kind) == (
        "CC0-1.0",
        "maths",
        "set",
        "math",
    )
    assert (kept.license, kept.domain, kept.source, kept.answer_kind) == ("MIT", "sums", "own", "text")
    assert load(path, answer_kind="math")[0].source == "p.jsonl"


@pytest.mark.parametrize(
    ("tests", "kind"),
    [
        ({"kind": "assert", "code": "assert f(1) == 2"}, AssertTests),
        ({"kind": "assert", "code": "def check(candidate): ...", "entry_point": "f"}, AssertTests),
        (CODE["tests"], CallTests),
        ({"kind": "stdio", "cases": [{"stdin": "1\n", "stdout": "2\n"}]}, StdioTests),
    ],
)
def test_tests_of_a_program(tmp_path: Path, tests: object, kind: type) -> None:
    (problem,) = load(jsonl(tmp_path, CODE | {"tests": tests}))
    assert isinstance(problem.tests, kind)
    assert problem.answer == ""


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (18, "18"),  # JSON numbers are common; an integer stays exact however long it is
        (10**30, "1" + "0" * 30),
        (0.5, "0.5"),
        (" 18\n", "18"),  # outer spaces never mean anything
        (None, ""),  # no reference known: the gold self-test drops and counts it
        ("", ""),
    ],
)
def test_answer_as_written(tmp_path: Path, given: object, answer: str) -> None:
    assert load(jsonl(tmp_path, MATH | {"answer": given}))[0].answer == answer


@pytest.mark.parametrize(
    ("answer", "choices", "letter"),
    [
        ("B", ["red", "blue"], "B"),
        ("b", ["red", "blue"], "B"),
        ("blue", ["red", "blue"], "B"),  # the text of one choice has one reading
        ("C", ["red", "blue"], None),  # beyond the choices
        ("A", ["B", "A"], "A"),  # one letter is always a letter, never a text
        ("1", ["0", "1", "2"], None),  # text of B, index of B, or the first?
        ("18", ["17", "18"], "B"),  # no choice has this index, so it is the text
        ("same", ["same", "same"], None),  # two choices say it
        ("π", ["e", "π"], "B"),
        ("²", ["1", "²"], "B"),
        ("ß", ["SS", "x"], None),
        ("AB", ["1", "2", "3"], None),
        ("9" * 5000, ["1", "2"], None),  # int() of it would raise
    ],
)
def test_choice_letter_has_one_reading_or_none(answer: str, choices: list[str], letter: str | None) -> None:
    assert choice_letter(answer, choices) == letter


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([MATH | {"answer_kind": "maths"}], "Unknown grader 'maths' in problem 'a' (line 1 of p.jsonl)"),
        ([MATH | {"answer_kind": "maths"}], "expected one of choice, code, math, text"),
        ([MATH | {"answer_kind": "maths"}], "did you mean 'math'?"),
        ([MATH, MATH], "Duplicate id 'a' in line 2 of p.jsonl: it was used in line 1 of p.jsonl"),
        ([MATH, MATH | {"question": "?", "id": " a"}], "Duplicate id 'a'"),
        ([{k: v for k, v in MATH.items() if k != "id"}], "line 1 of p.jsonl has no 'id'"),
        ([{k: v for k, v in MATH.items() if k != "question"}], "(line 1 of p.jsonl) has no 'question'"),
        ([{k: v for k, v in MATH.items() if k != "answer"}], "(line 1 of p.jsonl) has no 'answer'"),
        ([{k: v for k, v in MATH.items() if k != "answer_kind"}], "has no 'answer_kind'"),
        ([MATH | {"question": None}], "has no 'question'"),
        ([MATH | {"question": " \n"}], "has an empty 'question'"),
        ([MATH | {"question": ["1 + 1?"]}], "'question' of problem 'a' (line 1 of p.jsonl) is ['1 + 1?']"),
        ([MATH | {"answer": True}], "expected text, got bool"),
        ([MATH | {"answer": ["2"]}], "expected text, got list"),
        ([MATH | {"license": 7}], "'license' of problem 'a'"),
        ([MATH | {"answer_tolerance": "a bit"}], "of problem 'a' (line 1 of p.jsonl) is 'a bit': expected"),
        ([MATH | {"answer_tolerance": "0%"}], "is '0%': expected a decimal above 0, such as 0.01, or a share"),
        ([MATH | {"answer_tolerance": 0}], "is 0: expected a decimal above 0, such as 0.01"),
        ([MATH | {"answer_tolerance": -0.1}], "is -0.1: expected a decimal above 0"),
        ([CHOICE | {"answer_tolerance": 0.1}], "has answer_tolerance 0.1 but answer_kind choice"),
        ([CHOICE | {"answer": "C"}], "'C' of problem 'c' (line 1 of p.jsonl) is none of its 2 choices"),
        ([CHOICE | {"answer": "C"}], "expected a letter from A to B"),
        ([CHOICE | {"answer": 1}], "The answer 1 of problem 'c'"),  # counted from 0 or from 1?
        ([CHOICE | {"choices": None}], "has answer_kind choice but no choices"),
        ([CHOICE | {"choices": ["red"]}], "expected a list of 2 to 26 texts"),
        ([CHOICE | {"choices": ["x"] * 27}], "expected a list of 2 to 26 texts"),
        ([CHOICE | {"choices": ["red", 2]}], "expected a list of 2 to 26 texts"),
        ([CHOICE | {"choices": {"A": "red", "B": "blue"}}], "expected a list of 2 to 26 texts"),
        ([CHOICE | {"answer_kind": "math"}], "has choices but answer_kind math"),
        ([CODE | {"tests": None}], "has answer_kind code but no tests"),
        ([CODE | {"tests": {"kind": "unittest"}}], "problem 'p' (line 1 of p.jsonl) break the format"),
        ([CODE | {"tests": {"kind": "calls", "entry_point": "f", "cases": []}}], "at calls.cases"),
        ([CODE | {"tests": {"kind": "reasoning_gym", "task": "t", "entry": "{}"}}], "break the format"),
        ([CODE | {"tests": "assert f(1) == 2"}], "expected JSON"),
        ([CODE | {"answer": "def f(): ..."}], "programs are checked by `tests`"),
        ([MATH | {"tests": CODE["tests"]}], "has tests but answer_kind math"),
        ([MATH | {"licence": "MIT"}], "Unknown field 'licence' in line 1 of p.jsonl"),
        ([MATH | {"licence": "MIT"}], "did you mean 'license'?"),
        ([{"Id" if k == "id" else k: v for k, v in MATH.items()}], "Unknown field 'Id'"),
        ([MATH, [1, 2]], "line 2 of p.jsonl is a JSON list: expected an object"),
        ([MATH | {"question": "half \ud800"}], "that UTF-8 JSON cannot write"),
        ([CODE | {"tests": {"kind": "assert", "code": "'\ud800'"}}], "that UTF-8 JSON cannot write"),
    ],
)  # fmt: skip
def test_a_row_that_breaks_the_format(tmp_path: Path, rows: list[object], expected: str) -> None:
    assert expected in refusal(jsonl(tmp_path, *rows))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"id": "b", "question": "1', "Broken JSON in line 3 of p.jsonl"),
        ("not json", "got 'not json'"),
        ('{"id": "b", "id": "c"}', "key 'id' is there twice"),
        ('{"id": NaN}', "NaN is not JSON"),
        ("[" * 100_000, "Broken JSON in line 3 of p.jsonl"),  # deeper than Python's stack
        ('{"id": ' + "9" * 5000 + "}", "Broken JSON in line 3"),  # a number that int() refuses
        (json.dumps(CODE).replace("[1, [null]]", "[1e999]"), "expected a finite number"),
    ],
)
def test_a_broken_line_is_named_as_an_editor_counts_it(tmp_path: Path, line: str, expected: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(f"{json.dumps(MATH)}\n\n{line}\n", "utf-8")  # the blank line is not a problem, but a line
    assert expected in refusal(path)


def test_extra_fields_are_left_alone(tmp_path: Path) -> None:
    row = MATH | {"level": 5, "text": "A page of a book.", "metadata": {"page": 3}}
    assert load(jsonl(tmp_path, row)) == load(jsonl(tmp_path, MATH, name="p.jsonl"))


def test_not_utf_8_names_the_byte_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    first = json.dumps(MATH).encode() + b"\n"
    path.write_bytes(first + '{"question": "café"}\n'.encode("latin-1"))
    message = refusal(path)
    assert f"p.jsonl is not UTF-8: byte 0xe9 at offset {len(first) + 17}, in line 2" in message


def test_byte_order_mark_and_windows_line_ends_are_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(MATH).encode() + b"\r\n")
    assert load(path)[0].question == "1 + 1?"


def test_line_separator_inside_a_text_does_not_end_a_line(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps(MATH | {"question": "one\u2028two\x85three"}, ensure_ascii=False), "utf-8")
    assert load(path)[0].question == "one\u2028two\x85three"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert f"{(tmp_path / 'gone.jsonl').resolve()} does not exist" in refusal(tmp_path / "gone.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    assert "is a folder" in refusal(tmp_path / "folder.jsonl")
    (tmp_path / "p.xlsx").write_bytes(b"x")
    assert "expected .jsonl, .jsonl.gz, .csv, .csv.gz or .parquet" in refusal(tmp_path / "p.xlsx")
    (tmp_path / "empty.jsonl").write_text("\n\n")
    assert "holds no problem" in refusal(tmp_path / "empty.jsonl")
    (tmp_path / "p.jsonl.gz").write_bytes(b"not gzip")
    assert "Cannot read problem file" in refusal(tmp_path / "p.jsonl.gz")
    whole = gzip.compress(json.dumps(MATH).encode() * 1000)
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    assert "Cannot read problem file" in refusal(tmp_path / "cut.jsonl.gz")
    (tmp_path / "p.parquet").write_bytes(b"PAR1 not parquet PAR1")
    assert "as Parquet" in refusal(tmp_path / "p.parquet")
    (tmp_path / "p.parquet.gz").write_bytes(b"")
    assert "Unknown kind" in refusal(tmp_path / "p.parquet.gz")


def test_limit_stops_before_what_is_broken_behind_it(tmp_path: Path) -> None:
    path = jsonl(tmp_path, MATH, MATH | {"id": "b"})
    with path.open("a") as file:
        file.write("broken\n")
    assert [problem.source_row_id for problem in load(path, limit=2)] == ["a", "b"]
    assert "line 3" in refusal(path, limit=3)


def test_rows_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    """Whoever reads the file whole at the first row misses what is appended after it."""
    path = jsonl(tmp_path, MATH)
    problems = load_file(FileSource(source="file", path=path.name), tmp_path)
    assert next(problems).source_row_id == "a"
    with path.open("a") as file:
        file.write(json.dumps(MATH | {"id": "b"}))
    assert next(problems).source_row_id == "b"


def test_csv_cells(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "question", "answer", "answer_kind", "choices", "tests", "license"])
        writer.writerow(["a", 'two\nlines, "quoted"', "2", "math", "", "", ""])
        writer.writerow(["c", "Which?", "B", "choice", '["red", "blue"]', "", "MIT"])
        writer.writerow(["p", "Write f.", "", "code", "", json.dumps(CODE["tests"]), ""])
    math, choice, code = load(path)
    assert (math.question, math.license, math.choices) == ('two\nlines, "quoted"', None, None)
    assert choice.choices == ("red", "blue")
    assert code.tests == load(jsonl(tmp_path, CODE))[0].tests


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id,question,answer,answer_kind\na,q,1\n", "line 2 of p.csv has 3 cells: expected 4"),
        # a record of two lines: the message names the line where it starts
        ('id,question,answer,answer_kind\na,"q\nq",1,math\nb,q,1\n', "line 4 of p.csv has 3 cells"),
        ("id,question,id,answer_kind\n", "names a column twice"),
        ('id,question,answer,answer_kind\na,"q,1,math\n', "Broken CSV"),
        ("id,question,answer,answer_kind\n", "holds no problem"),
        ("", "holds no problem"),
        ("id,qestion,answer,answer_kind\na,q,1,math\n", "Unknown field 'qestion' in line 2 of p.csv"),
        ("id,question,answer,answer_kind,choices\na,q,A,choice,red|blue\n", "expected JSON"),
    ],
)
def test_broken_csv(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text, "utf-8")
    assert expected in refusal(path)


def test_parquet_types(tmp_path: Path) -> None:
    """Typed columns: numbers, lists, structs whose unused keys are null, tests as JSON text."""
    path = tmp_path / "p.parquet"
    assert_tests = {"kind": "assert", "code": "assert f(1)", "entry_point": None}
    rows = [
        {"id": 1, "question": "1 + 1?", "answer": 2.0, "answer_kind": "math"},
        {"id": 2, "question": "Which?", "answer": None, "answer_kind": "choice", "choices": ["x", "y"]},
        {"id": 3, "question": "Write f.", "answer": None, "answer_kind": "code", "tests": assert_tests},
    ]
    columns = ["id", "question", "answer", "answer_kind", "choices", "tests"]
    table = pa.Table.from_pylist([{column: row.get(column) for column in columns} for row in rows])
    pq.write_table(table, path)
    math, choice, code = load(path)
    assert (math.source_row_id, math.answer) == ("1", "2.0")
    assert (choice.choices, choice.answer) == (("x", "y"), "")
    assert code.tests == AssertTests(code="assert f(1)")
    bad = pa.Table.from_pylist([row | {"answer_kind": "maths"} for row in [MATH, MATH]])
    pq.write_table(bad, path)
    assert "(row 1 of p.parquet)" in refusal(path)


def write_jsonl(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def write_jsonl_gz(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))


def write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(FIELDS)
        for row in rows:
            cells = [row.get(field) for field in FIELDS]
            writer.writerow([json.dumps(cell) if isinstance(cell, list | dict) else cell for cell in cells])


def write_parquet(path: Path, rows: list[dict[str, object]]) -> None:
    table = [dict.fromkeys(FIELDS) | row for row in rows]
    for row in table:
        row["tests"] = json.dumps(row["tests"]) if row["tests"] else None
    pq.write_table(pa.Table.from_pylist(table), path)


WRITERS: dict[str, Callable[[Path, list[dict[str, object]]], None]] = {
    "p.jsonl": write_jsonl,
    "p.jsonl.gz": write_jsonl_gz,
    "p.csv": write_csv,
    "p.parquet": write_parquet,
}

# A CSV writer and its reader do not agree about NUL and lone carriage returns.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=40)
VISIBLE = TEXT.filter(lambda text: bool(text.strip()))


@st.composite
def written_rows(draw: st.DrawFn) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for index in range(draw(st.integers(1, 4))):
        row: dict[str, object] = {"id": f"r{index}", "question": draw(VISIBLE), "source": "set"}
        kind = draw(st.sampled_from(["math", "text", "choice", "code"]))
        row["answer_kind"] = kind
        if kind == "choice":
            row["choices"] = draw(st.lists(VISIBLE, min_size=2, max_size=26))
            row["answer"] = "AB"[draw(st.integers(0, 1))]
        elif kind == "code":
            row["tests"] = {"kind": "stdio", "cases": [{"stdin": draw(TEXT), "stdout": draw(TEXT)}]}
        else:
            row["answer"] = draw(VISIBLE)
        if draw(st.booleans()):
            row["solution"] = draw(VISIBLE)
        rows.append(row)
    return rows


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=written_rows())
def test_the_same_problems_from_every_kind_of_file(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    loaded = {}
    for name, write in WRITERS.items():
        write(tmp_path / name, rows)
        loaded[name] = load(tmp_path / name)
    assert [problem.question for problem in loaded["p.jsonl"]] == [row["question"] for row in rows]
    assert all(problems == loaded["p.jsonl"] for problems in loaded.values())


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    name=st.sampled_from(["p.jsonl", "p.csv", "p.parquet", "p.jsonl.gz"]),
    content=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from([*FIELDS, "kind", "code"]), inner, max_size=10)
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_any_bytes_give_problems_or_a_problem_source_error(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with suppress(ProblemSourceError):
        assert load(path)


@pytest.mark.skipif("COTFACTORY_SHARED" not in os.environ, reason="needs COTFACTORY_SHARED, the recorded real data")
@pytest.mark.parametrize(
    ("path", "count", "without_answer"),
    [
        ("gsm8k/test.problems.jsonl", 1319, 0),
        ("gsm8k/train.problems.jsonl.gz", 7473, 0),
        ("math100/problems.jsonl", 100, 0),
        ("math_train/problems.jsonl.gz", 7474, 4),  # two answers are null and two empty
        ("mmlu_pro/problems.jsonl", 539, 0),
        ("aqua/problems.jsonl", 254, 0),
        ("humaneval/problems.jsonl", 164, 164),
        ("exam/code_attack_problems.jsonl", 5, 5),
    ],
)
def test_real_problem_files_load_whole(path: str, count: int, without_answer: int) -> None:
    problems = load(Path(os.environ["COTFACTORY_SHARED"]) / "data" / path)
    assert len({problem.problem_id for problem in problems}) == count
    assert sum(not problem.answer for problem in problems) == without_answer
