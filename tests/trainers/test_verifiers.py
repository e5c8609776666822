"""verifiers' `vf-eval` runs the environment that a release carries, against a streaming teacher on loopback."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.flows.serve.reward_server import serving
from tests.trainers.answers import ANSWERS
from tests.trainers.replayed_answers import EACH, replayed_answers
from tests.trainers.small_release import SmallRelease, verdicts
from tests.trainers.trainer_environment import TrainerEnvironment, trainer_environment

pytestmark = pytest.mark.docker

PACKAGE = "cotfactory-first"


@pytest.fixture(scope="module")
def verifiers(release: SmallRelease) -> TrainerEnvironment:
    """The environment of verifiers with the release's package installed."""
    found = trainer_environment("verifiers")
    package = release.folder / "rl" / "environment"
    found.run("python", "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--force-reinstall", package)
    return found


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
    with replayed_answers(tmp_path) as teacher, serving(release.folder, "--no-store") as server:
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
    with replayed_answers(tmp_path) as teacher:
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
