"""`import cotfactory` as people use it: from a script, a notebook's running loop, a thread, beside other packages."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import cotfactory
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher

PRODUCT = {"question": "What is 6 * 7?", "answer": "42", "answer_kind": "math"}
DOUBLE = {
    "question": "Write f(n), the double of n.",
    "answer_kind": "code",
    "tests": {"kind": "calls", "entry_point": "f", "cases": [{"args": [4], "expected": 8}]},
}


@pytest.mark.parametrize(
    ("problem", "response", "reasoning", "verdict"),
    [
        (PRODUCT, "It is \\boxed{42}.", None, "correct"),
        (PRODUCT, "It is \\boxed{43}.", None, "incorrect"),
        (PRODUCT, "I do not know.", None, "no_answer"),
        # Thinking between tags is no answer, and neither is thinking that is given apart.
        (PRODUCT, "<think>First guess: \\boxed{43}.</think>It is \\boxed{42}.", None, "correct"),
        (PRODUCT, "It is \\boxed{42}.", "First guess: \\boxed{43}.", "correct"),
        # What only algebra can tell waits for a worker.
        (PRODUCT | {"answer": "\\tan^2 x + 1"}, "\\boxed{\\sec^2 x}", None, "correct"),
        ({**PRODUCT, "id": 7, "source": "mine", "license": "mit"}, "42", None, "correct"),
        (
            {"question": "Which?", "choices": ["4", "9"], "answer": "9", "answer_kind": "choice"},
            "The answer is (B).",
            None,
            "correct",
        ),
    ],
)
def test_an_answer_is_graded_as_in_a_run(
    problem: dict[str, Any], response: str, reasoning: str | None, verdict: str
) -> None:
    assert cotfactory.grade(problem, response, reasoning).verdict == verdict


def test_many_answers_keep_their_order() -> None:
    answers = [(PRODUCT, "42"), (PRODUCT, "<think>42</think>41", None), (PRODUCT, "42", "easy")]
    assert [grade.verdict for grade in cotfactory.grade_many(answers)] == ["correct", "incorrect", "correct"]
    assert cotfactory.grade_many([]) == []


@pytest.mark.docker
def test_programs_run_in_the_sandbox() -> None:
    answers = [(DOUBLE, f"```python\ndef f(n):\n    return {factor} * n\n```") for factor in (2, 3)]
    assert [grade.verdict for grade in cotfactory.grade_many(answers)] == ["correct", "incorrect"]


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ({**PRODUCT, "answer_kind": "maths"}, "Unknown grader 'maths' in problem 'answer 1' .*did you mean 'math'"),
        ({"queston": "x", "answer": "1", "answer_kind": "math"}, "Unknown field 'queston' in answer 1"),
        ({"question": "x", "answer_kind": "math"}, "has no 'answer'"),
    ],
)
def test_what_is_no_problem_is_named(problem: dict[str, Any], said: str) -> None:
    with pytest.raises(cotfactory.CotfactoryError, match=said):
        cotfactory.grade_many([(PRODUCT, "42"), (problem, "42")])


def test_threads_and_a_running_loop_may_grade() -> None:
    with ThreadPoolExecutor(4) as threads:
        grades = list(threads.map(lambda n: cotfactory.grade(PRODUCT, str(n)).verdict, [42, 41, 42, 42]))
    assert grades == ["correct", "incorrect", "correct", "correct"]

    async def notebook() -> list[str]:
        here = cotfactory.grade(PRODUCT, "42").verdict
        aside = await asyncio.to_thread(cotfactory.grade, PRODUCT, "41")
        return [here, aside.verdict]

    assert asyncio.run(notebook()) == ["correct", "incorrect"]


def test_a_run_and_what_it_leaves(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    recipe, workspace = write_recipe(), tmp_path / "w"
    assert cotfactory.load_recipe(str(recipe)).name == "sums"
    summary = cotfactory.run(recipe, workspace)
    assert isinstance(summary, cotfactory.RunSummary)
    assert summary.release is not None
    assert (summary.teacher_calls, teacher.calls) == (18, 18)

    release = cotfactory.open_release(summary.release.path)
    rows = release.table("sft")
    assert rows.num_rows == release.manifest.rows["sft"]
    assert {"messages", "problem_id"} <= set(rows.column_names)
    with pytest.raises(cotfactory.CotfactoryError, match=r"has no preference/train: expected one of .*sft/train"):
        release.table("preference")

    counted = cotfactory.sql(str(workspace), "SELECT verdict, count(*) AS n FROM grades GROUP BY ALL")
    assert counted.to_pylist() == [{"verdict": "correct", "n": 18}]
    assert cotfactory.sql(workspace, "cost-per-kept-chain").column_names[:2] == ["recipe", "teacher"]
    with pytest.raises(cotfactory.CotfactoryError, match="no question of the name 'SELEC'"):
        cotfactory.sql(workspace, "SELEC")
    with pytest.raises(cotfactory.CotfactoryError, match="cannot be answered"):
        cotfactory.sql(workspace, "SELEC 1")


def test_a_run_where_a_loop_runs_already_and_in_a_thread(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    recipe = cotfactory.load_recipe(write_recipe())

    async def notebook() -> list[int]:
        called = cotfactory.run(recipe, tmp_path / "called", limit=2)
        awaited = await cotfactory.arun(recipe, tmp_path / "awaited", limit=2)
        return [called.kept, awaited.kept]

    kept = asyncio.run(notebook())
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(cotfactory.run(recipe, tmp_path / "thread", limit=2).kept))
    thread.start()
    thread.join()
    assert kept == [found[0]] * 2
    assert kept[0] > 0
    assert teacher.calls == 18


def test_a_changed_release_is_not_opened(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    summary = cotfactory.run(write_recipe(count=2), tmp_path / "w")
    assert summary.release is not None
    (shard,) = Path(summary.release.path).glob("sft/*.parquet")
    shard.write_bytes(shard.read_bytes() + b"x")
    with pytest.raises(cotfactory.CotfactoryError, match="was changed after the release"):
        cotfactory.open_release(summary.release.path)


SCRIPT = """
import asyncio, sys
import cotfactory

async def cell():
    return cotfactory.run(sys.argv[1], sys.argv[2])

{}
"""


@pytest.mark.parametrize(
    "how",
    [
        "asyncio.run(cell())",  # Ctrl-C cancels the task
        "asyncio.new_event_loop().run_until_complete(cell())",  # a notebook's kernel: Ctrl-C is a KeyboardInterrupt
        "cotfactory.run(sys.argv[1], sys.argv[2])",  # no loop runs
    ],
)
def test_an_interrupted_cell_has_sealed_what_it_bought(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, how: str
) -> None:
    script, workspace = tmp_path / "cell.py", tmp_path / "w"
    script.write_text(SCRIPT.format(how))
    process = subprocess.Popen(
        [sys.executable, str(script), str(write_recipe(count=40)), str(workspace)], stderr=subprocess.PIPE, text=True
    )
    teacher.on_ask = lambda: process.send_signal(signal.SIGINT) if teacher.calls == 10 else None
    _, said = process.communicate(timeout=120)
    assert "KeyboardInterrupt" in said
    assert not list((workspace / "ledger").glob("*.journal"))
    assert cotfactory.sql(workspace, "SELECT status FROM runs").to_pylist() == [{"status": "interrupted"}]


def test_a_script_without_a_guard_runs_once(tmp_path: Path) -> None:
    """The simulated teacher is a process of its own: spawned by multiprocessing, it would run the script once more."""
    script = tmp_path / "mine.py"
    script.write_text(
        "import cotfactory, pathlib\n"
        "with open('runs', 'a') as file:\n    file.write('x')\n"
        f"recipe = {str(Path(__file__).parents[2] / 'recipes' / 'demo.yaml')!r}\n"
        "print(cotfactory.run(recipe, 'w', limit=2).candidates)\n"
    )
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "16\n"), done.stderr
    assert (tmp_path / "runs").read_text() == "x"


def test_packages_of_a_user_with_the_same_names(tmp_path: Path) -> None:
    """A user's own `flows/` and `schemas.py` are theirs, and ours are ours."""
    for package in ("flows", "graders"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
    (tmp_path / "flows" / "mine.py").write_text("WORD = 'mine'\n")
    (tmp_path / "schemas.py").write_text("raise RuntimeError('not yours')\n")
    environment = {**os.environ, "PYTHONPATH": "."}
    code = f"import cotfactory, flows.mine\nprint(flows.mine.WORD, cotfactory.grade({PRODUCT!r}, '42').verdict)"
    for arguments, expected in (
        (["-m", "cotfactory", "--help"], "A factory for verified reasoning data"),
        (["-c", code], "mine correct"),
    ):
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


def test_importing_it_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import cotfactory; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    top = {name.partition(".")[0] for name in done.stdout.split()}
    assert "cotfactory" in top
    assert not top & {"pydantic", "duckdb", "pyarrow", "aiohttp", "yaml", "typer", "prefect", "sympy", "asyncio"}


def test_what_is_public_can_be_had() -> None:
    for name in cotfactory.__all__:
        assert getattr(cotfactory, name) is not None
    assert dir(cotfactory) == cotfactory.__all__
    with pytest.raises(AttributeError, match="no attribute 'graed': expected one of CotfactoryError, Grade"):
        _ = cotfactory.graed
