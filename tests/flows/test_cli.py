"""The command line as people and scripts meet it: exit codes, one readable message, JSON on the last line."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import cotfactory, cotfactory_process, last_line
from tests.flows.conftest import WriteRecipe, plant_key
from tests.flows.counting_teacher import CountingTeacher, counting_teacher

COMMANDS = (
    "run",
    "plan",
    "check",
    "grade",
    "exam",
    "regrade",
    "release",
    "diff",
    "publish",
    "sql",
    "report",
    "status",
    "replay",
)


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    """A command line that imports the world for --help teaches people not to ask."""
    code = (
        "import sys\n"
        "sys.argv = ['cotfactory', '--help']\n"
        "from cotfactory.flows.cli import app\n"
        "try:\n    app()\n"
        "finally:\n    print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    for command in [
        "run",
        "plan",
        "check",
        "grade",
        "import",
        "exam",
        "regrade",
        "release",
        "diff",
        "publish",
        "sql",
        "report",
        "status",
        "replay",
    ]:
        assert f"  {command} " in done.stdout
    heavy = {"prefect", "openai", "datasets", "duckdb", "polars", "pyarrow", "pandas", "docker", "sympy", "pydantic"}
    assert not heavy & set(done.stderr.split())


def test_direct_runs_never_import_prefect(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.argv = ['cotfactory', *sys.argv[1:]]\n"
        "from cotfactory.flows.cli import app\n"
        "try:\n    app()\n"
        "except SystemExit as end:\n    assert end.code == 0, end.code\n"
        "assert 'prefect' not in sys.modules\n"
    )
    arguments = ["run", str(write_recipe(count=1)), "--direct", "--workspace", str(tmp_path / "w")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_commands_around_a_run(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    recipe, workspace = write_recipe(), tmp_path / "w"
    where = ("--workspace", workspace, "--json")

    plan = last_line(cotfactory("plan", recipe, *where))
    assert (plan["calls_at_most"], plan["reused"], teacher.calls) == (18, 0, 0)
    assert (plan["calls_expected"], plan["teachers"][0]["output_tokens_expected"]) == (18, None)

    check = last_line(cotfactory("check", recipe, *where))
    assert (check["good_references"], check["faults"]) == (6, [])
    assert teacher.calls == 1  # one real question

    run = last_line(cotfactory_process("run", recipe, "--direct", *where))
    assert set(run) >= {
        "problems", "candidates", "teacher_calls", "reused", "verdicts", "kept", "tokens", "cost_usd", "release",
        "seconds",
    }  # fmt: skip
    assert run["tokens"] == {"input": 18 * 3, "output": 18 * 5}
    assert set(run["release"]) >= {"path", "version", "rows_sha", "rows"}

    assert last_line(cotfactory("plan", recipe, *where))["calls_at_most"] == 0
    assert last_line(cotfactory("regrade", recipe, *where))["flipped"] == []
    assert last_line(cotfactory("release", recipe, *where))["release"]["rows_sha"] == run["release"]["rows_sha"]
    assert teacher.calls == 1 + 18

    status = last_line(cotfactory("status", *where))
    assert status["tables"] == {"problems": 6, "candidates": 18, "grades": 18, "decisions": 18, "releases": 1}

    question = "SELECT verdict, count(*) AS n FROM grades GROUP BY verdict"
    assert last_line(cotfactory("sql", question, "--workspace", workspace, "--format", "json")) == [
        {"verdict": "correct", "n": 18}
    ]
    assert (
        cotfactory_process("sql", question, "--workspace", workspace, "--format", "csv").stdout
        == "verdict,n\ncorrect,18\n"
    )
    assert "correct" in cotfactory("sql", question, "--workspace", workspace).stdout

    report = last_line(cotfactory("report", *where))
    assert Path(report["path"]).parent == Path(run["release"]["path"])
    assert "spend-by-day" in cotfactory("sql", "--list", "--workspace", workspace).stdout

    diff = last_line(cotfactory("diff", "sums@v1.0.0", run["release"]["path"], *where))
    assert diff["difference"]["products"]["sft"]["added"] == 0


def test_grade_recordings(tmp_path: Path) -> None:
    problems, recordings, out = tmp_path / "p.jsonl", tmp_path / "r.jsonl", tmp_path / "grades.jsonl"
    problems.write_text(json.dumps({"id": "p", "question": "6 * 7?", "answer": "42", "answer_kind": "math"}) + "\n")
    said = ["It is \\boxed{42}.", "It is \\boxed{43}.", "No idea."]
    lines = [
        {"problem_id": "p", "question": "6 * 7?", "model": "m", "sample": sample, "response": text}
        for sample, text in enumerate(said)
    ]
    recordings.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = cotfactory("grade", problems, recordings, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert last_line(done)["verdicts"] == {"correct": 1, "incorrect": 1, "no_answer": 1, "ungraded": 0}
    graded = [json.loads(line) for line in out.read_text().splitlines()]
    assert [set(line) for line in graded] == [{"problem_id", "sample", "verdict", "reason", "extracted_answer"}] * 3
    assert [line["verdict"] for line in graded] == ["correct", "incorrect", "no_answer"]


GOOD = {"id": "1", "question": "What is 1 + 2?", "answer": "3", "answer_kind": "math"}
CHOICE = {"id": "1", "question": "Which?", "answer": "C", "answer_kind": "choice", "choices": ["a", "b"]}


def jsonl(*rows: object) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))

    return write


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (jsonl(GOOD, "{broken\n"), "sums.jsonl"),
        (jsonl(GOOD, "{broken\n"), "line 2 of"),
        (jsonl({key: GOOD[key] for key in ("id", "question", "answer_kind")}), "'answer'"),
        (jsonl(GOOD, {**GOOD, "question": "Another?"}), "'1'"),  # a duplicate id
        (jsonl({**GOOD, "answer_kind": "maths"}), "Unknown grader 'maths'"),
        (jsonl({**GOOD, "answer_kind": "maths"}), "choice, code, math, text"),
        (jsonl(CHOICE), "'C'"),  # a letter beyond the choices
        (jsonl(), "no problem"),
        (lambda path: path.write_bytes(b'{"id": "\xff"}\n'), "UTF-8"),
        (lambda path: path.unlink(missing_ok=True), "sums.jsonl"),
    ],
)
def test_bad_problem_files(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, write: Callable[[Path], None], said: str
) -> None:
    recipe = write_recipe()
    write(tmp_path / "sums.jsonl")
    done = cotfactory("run", recipe, "--direct", "--workspace", tmp_path / "w")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert teacher.calls == 0


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"colour": "red"}, 2, "colour: unknown key"),
        (
            {"problems": [{"source": "file", "path": "sums.jsonl", "answer_kind": "maths"}]},
            2,
            "'choice', 'code', 'math'",
        ),
        ({"teachers": [{"name": "t", "model": "m", "price": {"input": 1, "output": 1}}]}, 2, "no money budget"),
        ({"teachers": [{"name": "t", "model": "m", "recordings": "gone.jsonl"}]}, 2, "gone.jsonl"),
        (
            {
                "release": {"license": "odbl"},
                "problems": [{"source": "file", "path": "sums.jsonl", "license": "cc-by-nc-4.0"}],
            },
            2,
            "may be released as odbl",
        ),
        ({"teachers": [{"name": "t", "model": "m", "prompt": "slove"}]}, 2, "solve"),
        ({"teachers": [{"name": "t", "model": "m", "base_url": "http://127.0.0.1:9/v1"}]}, 1, "127.0.0.1:9"),
    ],
)
def test_bad_recipes(write_recipe: WriteRecipe, tmp_path: Path, changes: dict[str, Any], code: int, said: str) -> None:
    done = cotfactory("run", write_recipe(**changes), "--direct", "--workspace", tmp_path / "w", OPENAI_BASE_URL="")
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_web_page_is_not_an_endpoint(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    site = teacher.base_url.removesuffix("/v1") + "/nothing"
    spec = {"name": "t", "model": "m", "base_url": site}
    done = cotfactory("run", write_recipe(teachers=[spec]), "--direct", "--workspace", tmp_path / "w")
    assert done.returncode == 1
    assert "404" in done.stderr
    assert "Traceback" not in done.stderr


def test_exit_codes_of_budget_and_contract(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    spec = {
        "name": "t",
        "model": "m",
        "base_url": teacher.base_url,
        "price": {"input": 1000.0, "output": 1000.0},
        "sampling": {"max_tokens": 50, "seed": 0},
    }
    recipe = write_recipe(teachers=[spec], budget={"usd": 0.2})
    done = cotfactory_process("run", recipe, "--direct", "--workspace", tmp_path / "w", "--json")
    assert done.returncode == 4
    assert "budget" in done.stderr
    assert last_line(done)["release"] is None

    recipe = write_recipe()
    plant_key(tmp_path / "sums.jsonl")
    done = cotfactory_process("run", recipe, "--direct", "--workspace", tmp_path / "v", "--json")
    assert done.returncode == 3
    assert "rl: " in done.stderr
    assert last_line(done)["kept"] == 18


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_stranger_s_recipe_sends_no_key(command: str, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    teacher = {"name": "t", "model": "m", "base_url": "http://stranger.invalid/${AWS}/v1", "api_key_env": "HF_TOKEN"}
    recipe = write_recipe(teachers=[teacher])
    known = {"AWS": "aws", "HF_TOKEN": "hf_1", "XDG_CONFIG_HOME": str(tmp_path / "config")}
    done = cotfactory(command, recipe, "--workspace", tmp_path / "w", **known)
    assert done.returncode == 2
    assert "sends the value of AWS to stranger.invalid and the value of HF_TOKEN to stranger.invalid" in done.stderr
    assert "--trust stranger.invalid" in done.stderr
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize("asks", [True, False])
def test_check_asks_one_question_unless_told_not_to(asks: bool, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    with counting_teacher() as teacher:
        recipe = write_recipe(
            teachers=[{"name": "t", "model": "m", "base_url": teacher.base_url, "sampling": {"seed": 0}}]
        )
        done = cotfactory("check", recipe, "--workspace", tmp_path / "w", *([] if asks else ["--no-ask"]))
    assert done.returncode == 0, done.stderr
    assert teacher.calls == asks


def test_check_names_what_is_not_in_order(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    recipe = write_recipe(teachers=[{"name": "t", "model": "m", "base_url": "http://127.0.0.1:9/v1"}])
    with (tmp_path / "sums.jsonl").open("a") as file:
        file.write(json.dumps({**GOOD, "id": "bad", "question": "Bad?", "answer": " "}) + "\n")
    done = cotfactory("check", recipe, "--workspace", tmp_path / "w", "--json")
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr
    assert "problem bad" in done.stderr
    assert len(last_line(done)["faults"]) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["sql", "SELECT 1"], 1, "no catalog"),
        (["sql"], 2, "no question"),
        (["report"], 2, "no release"),
        (["status"], 1, "no workspace"),
        (["diff", "sums@v1.0.0", "sums@v1.1.0"], 2, "no release"),
        (["publish", "sums@v1.0.0", "--repo", "o/r"], 2, "no release"),
        (["run", "no-such.yaml", "--direct"], 2, "no-such.yaml"),
        (["run", "--direct", "--workspace", "/dev/null/w"], 1, "cannot be written"),
        (["run", "--direct", "--workspace", "w[1]"], 1, "path without"),
        (["grade", "no.jsonl", "no.jsonl", "--out", "x.jsonl"], 2, "no.jsonl"),
        (["fly"], 2, "fly"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    extra = [] if arguments == ["fly"] or "--workspace" in arguments else ["--workspace", str(tmp_path / "w")]
    done = cotfactory(*arguments, *extra)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
