"""From a release to its rollouts and back: served, rolled out, curated and released again; nobody is asked."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from cotfactory.flows.run import run_recipe
from cotfactory.flows.serve.served_problems import served_problems
from cotfactory.publishing.read_manifest import read_manifest
from tests.flows.serve.reward_server import serving

PROBLEMS: list[dict[str, Any]] = [
    {"id": str(n), "question": f"What is {n} * {n + 1}?", "answer": str(n * (n + 1)), "answer_kind": "math"}
    for n in range(3, 7)
]


def write_recipe(folder: Path, name: str, teacher: dict[str, Any], **more: Any) -> Path:
    recipe = {
        "name": name,
        "problems": [{"source": "file", "path": "problems.jsonl"}],
        "teachers": [teacher],
        "release": {"products": ["sft", "preference", "rl"], "license": "cc0-1.0"},
        **more,
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def rows_of(release: Path, product: str) -> list[dict[str, Any]]:
    return [row for path in sorted((release / product).glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_a_release_is_trained_on_and_its_rollouts_are_released(tmp_path: Path) -> None:
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(problem) + "\n" for problem in PROBLEMS))
    workspace = tmp_path / "w"
    student = {"name": "student", "model": "student", "simulated": True, "sampling": {"max_tokens": 500}}
    first = run_recipe(
        write_recipe(tmp_path, "first", student, attempts=3), workspace, None, direct=True, publish=False
    )
    assert first.release is not None
    folder = Path(first.release.path)
    rows = rows_of(folder, "rl")
    # Taken out of its workspace a release is served from its rows alone, and knows the same problems.
    away = shutil.copytree(folder, tmp_path / "away")
    here, there = served_problems(str(folder), workspace), served_problems(str(away), tmp_path / "none")
    assert (here.workspace, there.workspace) == (workspace, None)
    assert {known.problem.problem_id for known in there.problems} == {row["problem_id"] for row in rows}
    for known in there.problems:
        kept = here.by_id[known.problem.problem_id].problem
        assert known.problem == kept.model_copy(update={"solution": None})
    with serving(folder, "--policy", "qwen") as server:
        for row in rows:
            said = [f"{row['ground_truth']} it is: \\boxed{{{row['ground_truth']}}}", "So it is \\boxed{1}."]
            reply = server.rewards([row["problem_id"]] * 2, said, step=5)
            assert reply["rewards"] == [1.0, 0.0]

    policy = {"name": "policy", "model": "qwen", "stored": True}
    second = write_recipe(tmp_path, "second", policy, attempts={"max": 8, "stop_after_correct": 1})
    summary = run_recipe(second, workspace, None, direct=True, publish=False)
    assert summary.teacher_calls == 0
    assert summary.verdicts["correct"] == summary.verdicts["incorrect"] == len(rows)
    assert summary.release is not None
    released = rows_of(Path(summary.release.path), "sft")
    assert len(released) == len(rows)
    assert {row["teacher"] for row in released} == {"qwen"}
    assert len(rows_of(Path(summary.release.path), "preference")) == len(rows)
    (told,) = read_manifest(Path(summary.release.path)).facts.policies
    assert (told.policy, told.axis, [stretch.name for stretch in told.stretches]) == ("qwen", "training step", ["5"])
    assert [(share.rollouts, share.reward) for share in told.stretches[0].shares] == [(2 * len(rows), 0.5)]
    assert "<h2>Rollouts of qwen</h2>" in (Path(summary.release.path) / "report.html").read_text("utf-8")
