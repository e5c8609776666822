"""verl loads the reward that a release carries and rewards with it, in threads and in processes of Ray."""

import json
from pathlib import Path

import pytest

from tests.flows.serve.reward_server import serving
from tests.trainers.answers import ANSWERS
from tests.trainers.small_release import SmallRelease, verdicts
from tests.trainers.trainer_environment import trainer_environment

pytestmark = pytest.mark.docker

SCRIPT = Path(__file__).with_name("verl_rewards.py")


def test_both_reward_managers_reward_as_grade_does(release: SmallRelease, tmp_path: Path) -> None:
    verl = trainer_environment("verl")
    ids = {source: problem for problem, source in release.source_ids.items()}
    said = tmp_path / "said.json"
    said.write_text(json.dumps([[ids[problem], text] for problem, text in ANSWERS]))
    with serving(release.folder, "--no-store") as server:
        printed = verl.run("python", SCRIPT, release.folder, said, COTFACTORY_REWARD_URL=server.url)
    rewards = json.loads(printed.splitlines()[-1])
    expected = [float(verdict == "correct") for verdict in verdicts(release, ANSWERS, tmp_path)]
    assert rewards == {"naive": expected, "remote": expected}


def test_where_nobody_grades_nothing_is_rewarded(release: SmallRelease, tmp_path: Path) -> None:
    """verl knows no mask: what is raised stops the run, where a zero would have gone into it."""
    verl = trainer_environment("verl")
    said = tmp_path / "said.json"
    said.write_text(json.dumps([[next(iter(release.source_ids)), "42"]]))
    printed = verl.run(
        "python",
        SCRIPT,
        release.folder,
        said,
        COTFACTORY_REWARD_URL="http://127.0.0.1:9",
        COTFACTORY_REWARD_PATIENCE_S="0",
    )
    rewards = json.loads(printed.splitlines()[-1])
    assert rewards["naive"] == ["GradingUnavailable"]
    assert rewards["remote"] == ["RayTaskError(GradingUnavailable)"]
