"""NeMo-Gym's agent and model servers roll out with cotfactory as the resources server; its models read the replies."""

import json
from pathlib import Path

import pytest

from tests.flows.serve.reward_server import serving
from tests.trainers.answers import ANSWERS
from tests.trainers.replayed_answers import EACH, replayed_answers
from tests.trainers.small_release import SmallRelease, verdicts
from tests.trainers.trainer_environment import trainer_environment

pytestmark = pytest.mark.docker

SCRIPT = Path(__file__).with_name("nemo_gym_rollouts.py")


def test_its_agent_is_rewarded_as_grade_does(release: SmallRelease, tmp_path: Path) -> None:
    nemo_gym = trainer_environment("nemo-gym")
    (rows,) = (release.folder / "rl" / "environment").glob("*/rows.jsonl")
    with replayed_answers(tmp_path) as teacher, serving(release.folder, "--no-store") as server:
        printed = nemo_gym.run("python", SCRIPT, server.url, teacher, rows, str(EACH), cwd=tmp_path)
    told = json.loads(next(line for line in printed.splitlines() if line.startswith("{")))
    *rollouts, broken = told["rollouts"]
    said = [(release.source_ids[rollout["problem_id"]], rollout["response"]) for rollout in rollouts]
    assert sorted(said) == sorted(ANSWERS)
    graded = verdicts(release, said, tmp_path)
    rewards = [float(verdict == "correct") for verdict in graded]
    assert [rollout["reward"] for rollout in rollouts] == rewards
    assert not any(rollout["mask_sample"] or rollout["failure_kind"] for rollout in rollouts)
    assert (broken["mask_sample"], broken["failure_kind"]) == (True, "verifier_error")
    assert told["reverify_mode"] == "stateless"
    key = told["metrics"]["key_metrics"]
    assert (key["mean/reward"], key["masked"]) == (pytest.approx(sum(rewards) / len(rewards)), 1)
