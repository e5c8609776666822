"""OpenRLHF's executor asks the server for the reward of what was generated, marks of the chat template included."""

import json
from pathlib import Path

import pytest

from tests.flows.serve.reward_server import serving
from tests.trainers.answers import ANSWERS
from tests.trainers.small_release import SmallRelease, rl_rows, verdicts
from tests.trainers.trainer_environment import trainer_environment

pytestmark = pytest.mark.docker

SCRIPT = Path(__file__).with_name("openrlhf_rewards.py")


def test_its_executor_is_rewarded_as_grade_does(release: SmallRelease, tmp_path: Path) -> None:
    openrlhf = trainer_environment("openrlhf")
    rows = {release.source_ids[row["problem_id"]]: row for row in rl_rows(release.folder)}
    said = tmp_path / "said.json"
    said.write_text(
        json.dumps(
            [[rows[problem]["problem_id"], rows[problem]["prompt"][-1]["content"], text] for problem, text in ANSWERS]
        )
    )
    with serving(release.folder, "--no-store") as server:
        printed = openrlhf.run("python", SCRIPT, f"{server.url}/openrlhf", said)
    rewards = json.loads(printed.splitlines()[-1])
    assert rewards == [float(verdict == "correct") for verdict in verdicts(release, ANSWERS, tmp_path)]
