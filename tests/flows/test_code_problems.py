"""Programs through the whole line, from `check` to a released manifest, on a real engine."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cotfactory.flows.serve.served_problems import served_problems
from cotfactory.graders.code.compiled import has_language
from cotfactory.graders.sandbox.pool import open_sandbox
from tests.command_line import cotfactory, cotfactory_process, last_line
from tests.generators.problems.formats.rows import CODEFORCES

pytestmark = pytest.mark.docker

CLAMP = "def clamp(x):\n    if x > 9:\n        return 9\n    return x\n"


def write_recipe(folder: Path) -> Path:
    """Write one problem with strong tests and one with weak ones, and two recorded programs for each."""
    problems: list[dict[str, Any]] = []
    recordings: list[dict[str, Any]] = []
    for name, inputs in (("strong", (5, 8, 9, 10, 11)), ("weak", (5,))):
        question = f"Write clamp(x), which returns x, at most 9 ({name})."
        cases = [{"args": [x], "expected": min(x, 9)} for x in inputs]
        tests = {"kind": "calls", "entry_point": "clamp", "cases": cases}
        common = {"question": question, "answer": "", "answer_kind": "code", "license": "mit"}
        problems.append({"id": name, "tests": tests, "solution": CLAMP, **common})
        for sample, program in enumerate((CLAMP, "def clamp(x):\n    return x + 1\n")):
            response = f"Look at the border first.\n```python\n{program}```"
            recordings.append(
                {"problem_id": name, "question": question, "model": "m", "sample": sample, "response": response}
            )
    for file, rows in (("problems.jsonl", problems), ("recordings.jsonl", recordings)):
        (folder / file).write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = {
        "name": "clamps",
        "problems": [{"source": "file", "path": "problems.jsonl"}],
        "teachers": [{"name": "t", "model": "m", "recordings": "recordings.jsonl"}],
        "attempts": 2,
        "release": {"license": "mit", "products": ["sft"]},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def test_programs_are_run_and_the_strength_of_their_tests_is_told(tmp_path: Path) -> None:
    recipe, where = write_recipe(tmp_path), ("--workspace", tmp_path / "w", "--json")
    checked = last_line(cotfactory("check", recipe, *where))
    strength = {row["problem"]: row for row in checked["test_strength"]}
    assert 0 < strength["weak"]["noticed"] < strength["strong"]["noticed"] < strength["strong"]["mutants"]

    done = cotfactory_process("run", recipe, "--direct", *where)
    assert done.returncode == 0, done.stderr
    summary = last_line(done)
    assert summary["verdicts"] == {"correct": 2, "incorrect": 2, "no_answer": 0, "ungraded": 0}
    manifest = json.loads((Path(summary["release"]["path"]) / "manifest.json").read_text())
    told = manifest["test_strength"]
    assert (told["problems"], told["noticed"]) == (2, sum(row["noticed"] for row in strength.values()))
    assert len(manifest["facts"]["sandbox_images"]) == 1
    card = (Path(summary["release"]["path"]) / "README.md").read_text("utf-8")
    assert "| up to 20 % | 21-40 % | 41-60 % | 61-80 % | above 80 % |\n|---:|---:|---:|---:|---:|\n| " in card
    assert f"| {' | '.join(map(str, told['fifths']))} |" in card
    assert sum(told["fifths"]) == 2


def test_a_pass_of_tests_that_the_program_could_reach_is_told_as_weak(tmp_path: Path) -> None:
    program = "class Pair:\n    pass\n\ndef kind(x):\n    return type(x).__name__\n"
    question, problems, recordings = "Write kind and Pair.", tmp_path / "p.jsonl", tmp_path / "r.jsonl"
    tests = [("near", "assert kind(Pair()) == 'Pair'"), ("apart", "assert kind(3) == 'int'")]
    problems.write_text(
        "".join(
            json.dumps(
                {"id": name, "question": question, "answer_kind": "code", "tests": {"kind": "assert", "code": code}}
            )
            + "\n"
            for name, code in tests
        )
    )
    common = {"question": question, "model": "m", "sample": 0, "response": f"```python\n{program}```"}
    recordings.write_text("".join(json.dumps({"problem_id": name, **common}) + "\n" for name, _ in tests))
    done = cotfactory("grade", problems, recordings, "--out", tmp_path / "grades.jsonl")
    assert done.returncode == 0, done.stderr
    near, apart = (json.loads(line) for line in (tmp_path / "grades.jsonl").read_text().splitlines())
    assert (near["verdict"], near["weak"]) == ("correct", True)
    assert apart["verdict"] == "correct"
    assert "weak" not in apart


@pytest.mark.parametrize("allow", [False, True])
def test_what_could_be_forged_is_not_released_unless_the_recipe_says_so(allow: bool, tmp_path: Path) -> None:
    right = "class Pair:\n    pass\n\ndef kind(x):\n    return type(x).__name__\n"
    wrong = "class Pair:\n    pass\n\ndef kind(x):\n    return 'Single'\n"
    question = "Write a class Pair and kind(x), which returns the name of the class of x."
    tests = {"kind": "assert", "code": "assert kind(Pair()) == 'Pair'"}
    (tmp_path / "p.jsonl").write_text(
        json.dumps({"id": "1", "question": question, "answer_kind": "code", "tests": tests}) + "\n"
    )
    answers = [f"The name is that of its type.\n```python\n{program}```" for program in (right, wrong)]
    lines = [
        {"problem_id": "1", "question": question, "model": "m", "sample": sample, "response": answer}
        for sample, answer in enumerate(answers)
    ]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    recipe = {
        "name": "kinds",
        "problems": [{"source": "file", "path": "p.jsonl"}],
        "teachers": [{"name": "t", "model": "m", "recordings": "r.jsonl"}],
        "attempts": 2,
        "code": {"allow_weak": allow},
        "release": {"license": "mit", "products": ["sft", "preference", "rl", "all_graded"]},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    done = cotfactory("run", tmp_path / "recipe.yaml", "--direct", "--workspace", tmp_path / "w", "--json")
    assert done.returncode == 0, done.stderr
    release = last_line(done)["release"]
    published = int(allow)
    assert release["rows"] == {"sft": published, "preference": published, "rl": published, "all_graded": 2}
    manifest = json.loads((Path(release["path"]) / "manifest.json").read_text())
    assert (manifest["kept_weak"], manifest["without_rl"]) == ((1, {}) if allow else (0, {"weak_check": 1}))
    card = (Path(release["path"]) / "README.md").read_text("utf-8")
    assert ("a program can forge the result" in card) is allow
    assert (r"weak\_check" in card) is not allow
    served = served_problems(release["path"], tmp_path / "w")
    assert (len(served.problems), served.code.allow_weak) == (1, allow)  # what is served is bounded as the recipe says


def test_check_says_which_languages_the_image_does_not_have(tmp_path: Path) -> None:
    tests = {"kind": "stdio", "cases": [{"stdin": "", "stdout": "6"}]}
    row = {"id": "1", "question": "Print 6.", "answer_kind": "code", "tests": tests, "license": "mit"}
    rows = [{**row, "id": language, "language": language} for language in ("python", "rust")]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = {
        "name": "sixes",
        "problems": [{"source": "file", "path": "p.jsonl"}],
        "teachers": [{"name": "t", "model": "m", "simulated": True}],
        "attempts": 1,
        "release": {"license": "mit", "products": ["sft"]},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    done = cotfactory("check", tmp_path / "recipe.yaml", "--workspace", tmp_path / "w")
    with open_sandbox(containers=1) as sandbox:
        lacks_rust = not has_language("rust", sandbox)
    assert ("the sandbox image has no rust, wanted by 1 problem:" in done.stderr) is lacks_rust
    assert "no python" not in done.stderr


def test_problems_that_nothing_can_judge_are_dropped_and_counted(tmp_path: Path) -> None:
    rows = [
        CODEFORCES.row,
        {**CODEFORCES.row, "id": "900/B", "title": "Guess", "interaction_format": "Ask, then print."},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = {
        "name": "contests",
        "problems": [{"source": "file", "path": "rows.jsonl", "format": "codeforces"}],
        "teachers": [{"name": "t", "model": "m", "simulated": True}],
        "attempts": 1,
        "release": {"license": "mit", "products": ["all_graded"]},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    where = ("--workspace", tmp_path / "w", "--json")
    checked = cotfactory("check", tmp_path / "recipe.yaml", *where)
    assert "will not be asked: 1, since the program would have to talk to an interactor" in checked.stdout
    done = cotfactory("run", tmp_path / "recipe.yaml", "--direct", *where)
    assert done.returncode == 0, done.stderr
    summary = last_line(done)
    assert (summary["problems"], summary["candidates"]) == (2, 1)
    question = "SELECT reason, count(*) AS n FROM decisions WHERE candidate_id IS NULL GROUP BY ALL"
    told = cotfactory("sql", question, "--workspace", tmp_path / "w", "--format", "csv")
    assert told.stdout.splitlines()[1:] == ["unsupported,1"]


def test_answers_that_programs_compute_go_through_the_whole_line(tmp_path: Path) -> None:
    rows = [
        {"id": str(n), "question": f"What is {n} + {n}?", "answer": str(2 * n), "answer_kind": "math"} for n in (3, 4)
    ]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = {
        "name": "computed",
        "problems": [{"source": "file", "path": "problems.jsonl", "program": "run"}],
        "teachers": [{"name": "t", "model": "m", "simulated": True}],
        "attempts": 4,
        "release": {"license": "mit", "products": ["sft", "rl"]},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    done = cotfactory("run", tmp_path / "recipe.yaml", "--direct", "--workspace", tmp_path / "w", "--json")
    assert done.returncode == 0, done.stderr
    summary = last_line(done)
    assert summary["verdicts"]["correct"] > 0
    assert summary["verdicts"]["ungraded"] == 0
    table = f"'{summary['release']['path']}/rl/*.parquet'"
    told = cotfactory(
        "sql", f"SELECT DISTINCT grader, grader_args FROM {table}", "--workspace", tmp_path / "w", "--json"
    )
    assert '"grader": "math_program"' in told.stdout
    assert "print" in cotfactory("sql", "SELECT response FROM candidates", "--workspace", tmp_path / "w").stdout
