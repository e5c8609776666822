"""The reward that a release carries, run in its folder against real servers: its own, alike, with other graders."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cotfactory.flows.run import run_recipe
from tests.flows.serve.reward_server import serving
from tests.flows.serve.test_stored_rollouts import PROBLEMS, write_recipe

SCORES = """
import asyncio, json, reward
info, asked = {"problem_id": %r}, [[{"role": "assistant", "content": said}] for said in %r]
try:
    scores = [reward.compute_score("", said[-1]["content"], "", info) for said in asked]
    rewards = asyncio.run(reward.graded(["Q"] * len(asked), asked, problem_id=[info["problem_id"]] * len(asked)))
    print(json.dumps([scores, rewards]))
except (reward.GradingRefused, reward.GradingUnavailable) as error:
    print(json.dumps(f"{type(error).__name__}: {error}"))
"""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("released")
    (place / "problems.jsonl").write_text("".join(json.dumps(problem) + "\n" for problem in PROBLEMS))
    student = {"name": "student", "model": "student", "simulated": True, "sampling": {"max_tokens": 500}}
    summary = run_recipe(write_recipe(place, "first", student), place / "w", None, direct=True, publish=False)
    assert summary.release is not None
    return Path(summary.release.path)


def rewarded(release: Path, **environment: str) -> Any:
    """Return what the file of the release says of a right answer, a wrong one and none, in a process of its own."""
    rows = (release / "rl" / "environment" / "cotfactory_first" / "rows.jsonl").read_text().splitlines()
    row = next(row for row in map(json.loads, rows) if "What is 6 * 7?" in json.dumps(row))
    said = [r"So \boxed{42}.", r"So \boxed{41}.", "I do not know."]
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-B",
            "-c",
            f"import sys; sys.path.insert(0, '.'){SCORES % (row['problem_id'], said)}",
        ],
        cwd=release / "rl",
        env={"PATH": os.environ["PATH"], "COTFACTORY_REWARD_PATIENCE_S": "60", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def of_other_graders(release: Path, place: Path) -> Path:
    """Return a copy whose reward was released with an older grader."""
    copy = shutil.copytree(release, place / "older")
    reward = copy / "rl" / "reward.py"
    text = reward.read_text()
    before, _, after = text.partition("GRADER_VERSIONS: dict[str, str] = {")
    reward.write_text(f'{before}GRADER_VERSIONS: dict[str, str] = {{"math": "0"}}  # {after}')
    return copy


def test_it_starts_a_server_of_its_own_release(release: Path) -> None:
    serve = shlex.join([sys.executable, "-m", "cotfactory", "serve", "--no-store"])
    assert rewarded(release, COTFACTORY_SERVE=serve) == [[1.0, 0.0, 0.0]] * 2


def test_a_server_of_other_grader_versions_is_refused_unless_any_will_do(release: Path, tmp_path: Path) -> None:
    older = of_other_graders(release, tmp_path)
    with serving(release, "--no-store") as server:
        assert rewarded(release, COTFACTORY_REWARD_URL=server.url) == [[1.0, 0.0, 0.0]] * 2
        told = rewarded(older, COTFACTORY_REWARD_URL=server.url)
        assert told.startswith("GradingRefused: HTTP 409")
        assert "math 0" in told
        mine = rewarded(older, COTFACTORY_REWARD_URL=server.url, COTFACTORY_ANY_VERSION="1")
        assert mine == [[1.0, 0.0, 0.0]] * 2
    with serving(release, "--no-store", "--any-version") as server:
        assert rewarded(older, COTFACTORY_REWARD_URL=server.url) == [[1.0, 0.0, 0.0]] * 2
