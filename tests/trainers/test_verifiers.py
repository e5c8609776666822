"""verifiers' `vf-eval` runs the environment that a release carries, against a streaming teacher on loopback."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.flows.serve.reward_server import serving
from tests.trainers.answers import ANSWERS
from tests.trainers.small_release import PROBLEMS, SmallRelease, verdicts
from tests.trainers.trainer_environment import TrainerEnvironment, trainer_environment

pytestmark = pytest.mark.docker

PACKAGE = "cotfactory-first"
EACH = 4


@pytest.fixture(scope="module")
def verifiers(release: SmallRelease) -> TrainerEnvironment:
    """The environment of verifiers with the release's package installed."""
    found = trainer_environment("verifiers")
    package = release.folder / "rl" / "environment"
    found.run("python", "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--force-reinstall", package)
    return found


@contextmanager
def replayed(place: Path) -> Iterator[str]:
    """Serve ANSWERS as a teacher that streams; each request for a problem gets its next answer."""
    questions = {problem["id"]: problem["question"] for problem in PROBLEMS}
    counts: Counter[str] = Counter()
    lines = []
    for problem, text in ANSWERS:
        line = {"problem_id": problem, "question": questions[problem], "model": "m", "response": text}
        lines.append(json.dumps(line | {"sample": counts[problem]}))
        counts[problem] += 1
    assert set(counts.values()) == {EACH}
    recordings = place / "recordings.jsonl"
    recordings.write_text("\n".join(lines) + "\n")
    words = [sys.executable, "-m", "cotfactory", "replay", str(recordings), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        served = re.search(r"http://\S+/v1", process.stdout.readline())
        assert served is not None
        try:
            yield served[0]
        finally:
            process.terminate()


def evaluated(verifiers: TrainerEnvironment, teacher: str, out: Path, **environment: str) -> list[dict[str, Any]]:
    """Return the traces of `vf-eval`: its own defaults, a process on this machine, and nothing sent anywhere."""
    words = [PACKAGE, "--no-push", "--no-rich", "-r", str(EACH), "--model", "m", "--output-dir", str(out)]
    words += ["--env.agent.runtime.type", "subprocess"]
    words += ["--client.base-url", teacher, "--client.api-key-var", "NO_KEY"]
    verifiers.run("vf-eval", *words, cwd=out, NO_KEY="none", **environment)
    (traces,) = out.glob("*/traces.jsonl")
    return [trace for line in traces.read_text().splitlines() for trace in json.loads(line)["traces"]]


def said_in(trace: dict[str, Any]) -> str:
    (said,) = (node["message"]["content"] for node in trace["nodes"] if node["sampled"])
    return str(said)


def test_rewards_are_what_grade_says(release: SmallRelease, verifiers: TrainerEnvironment, tmp_path: Path) -> None:
    with replayed(tmp_path) as teacher, serving(release.folder, "--no-store") as server:
        traces = evaluated(verifiers, teacher, tmp_path, COTFACTORY_REWARD_URL=server.url)
    said = [(release.source_ids[trace["task"]["data"]["problem_id"]], said_in(trace)) for trace in traces]
    assert sorted(said) == sorted(ANSWERS)
    graded = verdicts(release, said, tmp_path)
    assert [trace["info"]["verdict"] for trace in traces] == graded
    assert [trace["rewards"]["graded"]["score"] for trace in traces] == [float(v == "correct") for v in graded]
    assert {"correct", "incorrect", "no_answer"} == set(graded)
    assert sum(trace["metrics"]["wrong_step"] for trace in traces) == 1
    assert all(trace["ok"] for trace in traces)
    assert {trace["task"]["key"] for trace in traces} == set(release.source_ids)


def test_where_nobody_grades_a_rollout_is_errored_and_has_no_reward(
    release: SmallRelease, verifiers: TrainerEnvironment, tmp_path: Path
) -> None:
    with replayed(tmp_path) as teacher:
        traces = evaluated(
            verifiers,
            teacher,
            tmp_path,
            COTFACTORY_REWARD_URL="http://127.0.0.1:9",
            COTFACTORY_REWARD_PATIENCE_S="0",
        )
    assert len(traces) == len(ANSWERS)
    assert not any(trace["ok"] for trace in traces)
    assert {str(trace["rewards"]["graded"]) for trace in traces} == {"None"}
    assert all("GradingUnavailable" in json.dumps(trace["errors"]) for trace in traces)
