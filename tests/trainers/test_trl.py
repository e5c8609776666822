"""TRL trains with GRPO on a release with the reward that it carries; the rollouts are asked about, and released."""

import json
import shlex
import sys
from pathlib import Path

import pytest

import cotfactory
from cotfactory.flows.run import run_recipe
from tests.trainers.small_release import SmallRelease, rl_rows, verdicts, written_recipe
from tests.trainers.trainer_environment import trainer_environment

pytestmark = pytest.mark.docker

STEPS = 20
SCRIPT = Path(__file__).with_name("trl_grpo.py")
SENTENCES = [
    *(r"So it is \boxed{42}.", r"So it is \boxed{25}.", r"So it is \boxed{\frac{50}{2}}.", r"So it is \boxed{7}."),
    *("The answer is (C).", "The answer is (A).", "The answer is: Tuesday", "The answer is: Monday"),
    *(f"```python\ndef f(n):\n    return {value}\n```\n" for value in ("2 * n", "n + n", "n * n", "8")),
    *("I do not know. ", "Let me see. "),
]
"""What the policy's random weights say: of each kind of answer something right and something wrong, and no answer."""


def test_grpo_on_a_release_with_its_own_reward(release: SmallRelease, tmp_path: Path) -> None:
    trl = trainer_environment("trl")
    sentences, out = tmp_path / "sentences.json", tmp_path / "rewarded.jsonl"
    sentences.write_text(json.dumps(SENTENCES))
    # Nobody serves: the release's reward starts a server of its own release.
    serve = shlex.join([sys.executable, "-m", "cotfactory", "serve", "--policy", "tiny", "--seal-every", "1"])
    printed = trl.run(
        "python", SCRIPT, release.folder, sentences, out, str(STEPS), COTFACTORY_SERVE=serve, COTFACTORY_REWARD_URL=""
    )
    told = json.loads(printed.splitlines()[-1])
    assert (told["steps"], told["moved"]) == (STEPS, True)

    rewarded = [json.loads(line) for line in out.read_text().splitlines()]
    said = [(release.source_ids[rollout["problem_id"]], rollout["response"]) for rollout in rewarded]
    graded = verdicts(release, said, tmp_path)
    assert [rollout["reward"] for rollout in rewarded] == [float(verdict == "correct") for verdict in graded]
    assert {problem for problem, _ in said} == set(release.source_ids.values())
    right = {problem for (problem, _), verdict in zip(said, graded, strict=True) if verdict == "correct"}
    assert right == set(release.source_ids.values()), "a kind was never right: the comparison shows little"
    assert {"correct", "incorrect", "no_answer"} == set(graded)

    kept = cotfactory.sql(
        release.workspace,
        """SELECT training_step, problem_id, response, reward, verdict FROM candidates
           JOIN grades USING (candidate_id, problem_id) JOIN rewards USING (candidate_id, problem_id)
           WHERE teacher = 'policy:tiny'""",
    ).to_pylist()
    assert sorted((row["training_step"], row["problem_id"], row["response"], row["reward"]) for row in kept) == sorted(
        (rollout["step"], rollout["problem_id"], rollout["response"].strip(), rollout["reward"]) for rollout in rewarded
    )
    by_step = cotfactory.sql(release.workspace, "policy-by-step").to_pylist()
    assert {row["training_step"] for row in by_step} == set(range(STEPS))

    policy = {"name": "policy", "model": "tiny", "stored": True}
    summary = run_recipe(
        written_recipe(release.problems.parent, "second", policy, attempts=1000),
        release.workspace,
        None,
        direct=True,
        publish=False,
    )
    assert (summary.teacher_calls, summary.verdicts["correct"]) == (0, graded.count("correct"))
    assert summary.release is not None
    assert {row["problem_id"] for row in rl_rows(Path(summary.release.path))} == set(release.source_ids)
