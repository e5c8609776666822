"""Chains that call the tool python, from the first question to rows: on a real engine, with a counting endpoint."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.workspace import Workspace
from tests.command_line import cotfactory, last_line, run_command
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, Fault
from tests.generators.scripted_server import chat

pytestmark = pytest.mark.docker
TWO_CALLS = ("a, b = {a}, {b}", "print(a + b)")


def calling(question: str, _: int) -> Fault:
    """Answer with two calls, one after the other, and then with what the second one gave back."""
    a, b = re.findall(r"\d+", question)[:2]
    codes = [code.format(a=a, b=b) for code in TWO_CALLS]
    if a == "3":
        codes[0] += "\nimport os\nprint(os.urandom(8).hex())"  # nobody gets this again

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        results = [message["content"] for message in body["messages"] if message["role"] == "tool"]
        if len(results) < len(codes):
            function = {"name": "python", "arguments": json.dumps({"code": codes[len(results)]})}
            call = {"id": f"c{len(results)}", "type": "function", "function": function}
            return web.json_response(chat(f"Step {len(results)}.", tool_calls=[call]))
        return web.json_response(chat(f"Seed {body['seed']}: the answer is \\boxed{{{results[-1]}}}."))

    return answer


def without_tools(question: str, _: int) -> Fault:
    """Refuse requests that offer a tool; answer others with one block, and then with what it gave back."""
    a, b = re.findall(r"\d+", question)[:2]

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if "tools" in body:
            return web.json_response({"error": {"message": "tools are not supported by this model"}}, status=400)
        last = body["messages"][-1]["content"]
        if not last.startswith("```output"):
            return web.json_response(chat(f"I compute.\n\n```python\n{a} + {b}\n```"))
        result = last.splitlines()[1]
        return web.json_response(chat(f"Seed {body['seed']}: the answer is \\boxed{{{result}}}."))

    return answer


@pytest.fixture
def recipe(write_recipe: WriteRecipe, teacher: CountingTeacher) -> Path:
    """Ten sums, two samples each, with up to three calls."""
    teacher.answer = calling
    spec = {
        "name": "t",
        "model": "m",
        "base_url": teacher.base_url,
        "strategy": "python",
        "max_calls": 3,
        "sampling": {"max_tokens": 50, "seed": 0},
        "limits": {"retries": 0, "concurrency": 4},
    }
    stop_above = {"truncated": 1.0}  # of the chains that never came to an answer
    release = {"license": "mit", "products": ["sft", "sft_tools", "all_graded"], "stop_above": stop_above}
    return write_recipe(count=10, teachers=[spec], attempts=2, release=release)


def rows(summary: dict[str, Any], product: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    files = sorted((Path(summary["release"]["path"]) / product).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def run(recipe: Path, workspace: Path) -> dict[str, Any]:
    done = cotfactory("run", recipe, "--direct", "--workspace", workspace, "--json")
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = last_line(done)
    return summary


def test_chains_are_told_what_their_calls_gave_and_released_with_it(
    recipe: Path, teacher: CountingTeacher, tmp_path: Path
) -> None:
    summary = run(recipe, tmp_path / "w")
    assert summary["verdicts"]["correct"] == 20
    assert teacher.calls == summary["teacher_calls"] == 60
    # What two samples of one sum were told cannot be had again: those chains are right, and dropped.
    assert summary["dropped"] == {"tool_output_differs": 2}
    assert summary["release"]["rows"] == {"sft": 0, "sft_tools": 18, "all_graded": 20}
    row = next(row for row in rows(summary, "sft_tools") if row["messages"][0]["content"].startswith("What is 5 + 6?"))
    said = [(message["role"], message["content"]) for message in row["messages"][1:5]]
    assert said == [("assistant", "Step 0."), ("tool", "[no output]"), ("assistant", "Step 1."), ("tool", "11")]
    (call,) = row["messages"][3]["tool_calls"]
    assert call["function"] == {"name": "python", "arguments": {"code": "print(a + b)"}}
    assert (row["calls"], row["final_answer"], row["strategy"]) == (2, "11", "python")
    assert json.loads(row["tools"])[0]["function"]["name"] == "python"

    again = run(recipe, tmp_path / "w")
    assert (again["teacher_calls"], teacher.calls) == (0, 60)
    assert again["release"]["rows_sha"] == summary["release"]["rows_sha"]


def test_requests_hold_the_conversation_as_the_api_has_it(
    recipe: Path, teacher: CountingTeacher, tmp_path: Path
) -> None:
    run(recipe, tmp_path / "w")
    whole = max(teacher.bodies, key=lambda body: len(body["messages"]))
    roles = [message["role"] for message in whole["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "tool"]
    assert whole["tools"][0]["function"]["name"] == "python"
    assert whole["messages"][2]["tool_call_id"] == whole["messages"][1]["tool_calls"][0]["id"]
    assert all("tool_choice" not in body for body in teacher.bodies)  # nobody came to the last request


def test_a_sample_that_goes_on_calling_is_asked_to_answer(
    recipe: Path, teacher: CountingTeacher, tmp_path: Path
) -> None:
    recipe.write_text(recipe.read_text().replace("max_calls: 3", "max_calls: 1"))
    summary = run(recipe, tmp_path / "w")
    assert teacher.calls == 40
    assert [body.get("tool_choice") for body in teacher.bodies].count("none") == 20
    assert summary["verdicts"]["no_answer"] == 20  # they called all the same


def test_an_endpoint_without_tools_writes_blocks(recipe: Path, teacher: CountingTeacher, tmp_path: Path) -> None:
    teacher.answer = without_tools
    summary = run(recipe, tmp_path / "w")
    assert summary["verdicts"]["correct"] == 20
    assert summary["failed_calls"] == 0
    assert summary["release"]["rows"]["sft_tools"] == 20
    row = rows(summary, "sft_tools")[0]
    assert [message["role"] for message in row["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert row["messages"][1]["content"] == "I compute."


@pytest.mark.parametrize("last", [23, *(pytest.param(last, marks=pytest.mark.slow) for last in (7, 44))])
def test_a_kill_in_mid_chain_pays_nothing_twice(
    last: int, recipe: Path, teacher: CountingTeacher, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        run_command(recipe, tmp_path / "w", "--direct"), stderr=subprocess.DEVNULL, start_new_session=True
    )

    def kill() -> None:
        if teacher.calls == last:
            os.killpg(process.pid, signal.SIGKILL)

    teacher.on_ask = kill
    assert process.wait(120) == -signal.SIGKILL
    teacher.on_ask = None
    summary = run(recipe, tmp_path / "w")
    assert summary["verdicts"]["correct"] == 20
    assert query_catalog(Workspace(tmp_path / "w"), "SELECT count(*) FROM candidates")[1] == [(60,)]
    # Only what was on its way when it died may have been asked again: at most as many as go out at once.
    assert summary["lost_in_flight"] <= 4
    assert teacher.calls <= 60 + summary["lost_in_flight"]
