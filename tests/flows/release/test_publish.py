"""From a run to the Hub and back: one commit, one tag, and `load_dataset` at that tag."""

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import hf_hub_download

from cotfactory.flows.build import build
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.release.rebuild import rebuild
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.graders.math.math_answers import MATH_GRADER_VERSION
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.schemas.errors import PublishError
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.regrade import Regrade
from cotfactory.warehouse.tables import SCHEMAS
from tests.command_line import cotfactory, cotfactory_process, last_line
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, right, wrong
from tests.flows.test_build import run
from tests.publishing.hub_server import HubServer


def test_a_run_is_published_and_loaded_back(write_recipe: WriteRecipe, hub_server: HubServer, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    assert cotfactory("run", write_recipe(), "--direct", "--workspace", workspace).returncode == 0
    publish = ("publish", "sums@v1.0.0", "--repo", "org/sums", "--create", "--workspace", workspace, "--json")
    first = last_line(cotfactory_process(*publish))["outcome"]
    assert (first["tag"], first["is_new"]) == ("v1.0.0", True)

    again = last_line(cotfactory(*publish))["outcome"]
    assert (again["commit"], again["is_new"]) == (first["commit"], False)

    for config, rows in (("sft", 18), ("rl", 6)):
        loaded = datasets.load_dataset(
            "org/sums", config, split="train", revision="v1.0.0", cache_dir=str(tmp_path / "cache")
        )
        assert len(loaded) == rows


def test_run_with_publish_sends_the_release_and_a_new_one_gets_its_own_tag(
    write_recipe: WriteRecipe, hub_server: HubServer, tmp_path: Path
) -> None:
    release = {"license": "mit", "repo": "org/sums"}
    for count, version, rows in ((5, "v1.0.0", 15), (6, "v1.1.0", 18)):
        recipe = write_recipe(count=count, release=release)
        done = cotfactory("run", recipe, "--direct", "--publish", "--create", "--workspace", tmp_path / "w")
        assert done.returncode == 0, done.stderr
        loaded = datasets.load_dataset(
            "org/sums", "sft", split="train", revision=version, cache_dir=str(tmp_path / "cache")
        )
        assert len(loaded) == rows
    where = ("--workspace", tmp_path / "w", "--json")
    diff = last_line(cotfactory("diff", "org/sums@v1.0.0", "workspace:sums@v1.1.0", *where))["difference"]
    assert diff["products"]["sft"]["added_because"] == {"problem without a row before": 3}
    back = last_line(cotfactory("diff", "org/sums@v1.1.0", "org/sums@v1.0.0", *where))["difference"]
    assert (back["products"]["sft"]["added"], back["products"]["sft"]["removed"]) == (0, 3)
    # What is published tells its own story.
    page = (tmp_path / "w" / "releases" / "sums" / "v1.1.0" / "CHANGELOG.md").read_text()
    assert hub_server.repos["org/sums"].commits[hub_server.repos["org/sums"].head].files["CHANGELOG.md"].data == (
        page.encode()
    )
    # So do its pages and pictures, at their own tag: the older one's stay what they were.
    for version in ("v1.0.0", "v1.1.0"):
        folder = tmp_path / "w" / "releases" / "sums" / version
        pictures = [path.relative_to(folder).as_posix() for path in sorted(folder.glob("charts/*"))]
        assert len(pictures) == 2
        for name in ("README.md", "report.html", *pictures):
            got = hf_hub_download("org/sums", name, repo_type="dataset", revision=version, cache_dir=tmp_path / "hub")
            assert Path(got).read_bytes() == (folder / name).read_bytes()
    missing = cotfactory("diff", "org/sums@v9.0.0", "org/sums@v1.0.0")
    assert missing.returncode == 1
    assert "org/sums" in missing.stderr


def test_a_release_is_rebuilt_from_its_manifest_though_the_workspace_went_on(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """Later runs bring problems and samples, and grade anew: none of that is in the older release."""
    rule = {"attempts": {"max": 4, "stop_after_correct": 2}, "release": {"license": "mit", "products": ["sft", "rl"]}}
    teacher.answer = lambda question, seed: (right if seed % 2 else wrong)(question, seed)
    where = ("--workspace", tmp_path / "w", "--json")
    first = last_line(cotfactory("run", write_recipe(6, **rule), "--direct", *where))["release"]
    more = {**rule, "attempts": {"max": 8, "stop_after_correct": 4}}
    second = last_line(cotfactory("run", write_recipe(9, **more), "--direct", *where))["release"]
    assert second["rows_sha"] != first["rows_sha"]
    last_line(cotfactory("regrade", write_recipe(9, **more), *where))
    # Of the folder only the manifest is left.
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(Path(first["path"]) / "manifest.json", alone)
    again = last_line(cotfactory("rebuild", alone, "--out", tmp_path / "again", *where))
    assert (again["version"], again["rows_sha"]) == ("v1.0.0", first["rows_sha"])
    shards = sorted(path.relative_to(first["path"]) for path in Path(first["path"]).rglob("*.parquet"))
    assert len(shards) == 4
    for shard in shards:
        assert (Path(again["path"]) / shard).read_bytes() == (Path(first["path"]) / shard).read_bytes()

    elsewhere = cotfactory("rebuild", alone, "--out", tmp_path / "x", "--workspace", tmp_path / "other")
    assert elsewhere.returncode == 1
    assert "this workspace has not made that release" in elsewhere.stderr


def test_verdicts_of_an_older_grader_are_told_in_the_release(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    run(write_recipe(6), tmp_path / "w")
    grades = tmp_path / "w" / "tables" / "grades"
    older = [
        {
            **row,
            "grader_version": "0",
            "grade_id": content_id([row["grade_id"], "0"]),
            "graded_at": datetime(2020, 1, 1, tzinfo=UTC),
            "verdict": "incorrect" if number < 5 else "correct",
        }
        for number, row in enumerate(pq.read_table(grades).to_pylist())
    ]
    pq.write_table(pa.Table.from_pylist(older, SCHEMAS["grades"]), grades / "older.parquet")
    summary = run(write_recipe(7), tmp_path / "w")  # the seventh problem's chains were judged once
    assert summary.release is not None
    release = Path(summary.release.path)
    versions = {"grader": "math", "version_before": "0", "version_after": MATH_GRADER_VERSION}
    told = (
        Regrade.model_validate(
            {**versions, "verdict_before": "correct", "verdict_after": "correct", "chains": len(older) - 5}
        ),
        Regrade.model_validate({**versions, "verdict_before": "incorrect", "verdict_after": "correct", "chains": 5}),
    )
    assert read_manifest(release).facts.regrades == told
    assert "5 incorrect &rarr; correct<br>" in (release / "report.html").read_text("utf-8")
    again = rebuild("sums@v1.1.0", tmp_path / "w", tmp_path / "again")
    assert read_manifest(Path(again.path)).facts.regrades == told


def test_a_version_can_be_chosen(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    recipe, where = write_recipe(), ("--workspace", tmp_path / "w", "--json")
    cotfactory("run", recipe, "--direct", *where)
    chosen = last_line(cotfactory("release", recipe, "--version", "v2.0.0", *where))["release"]
    assert (chosen["version"], chosen["unchanged"]) == ("v2.0.0", False)
    refused = cotfactory("release", recipe, "--version", "v1.5.0", *where)
    assert refused.returncode == 2
    assert "does not follow the latest release, v2.0.0" in refused.stderr


def test_a_hub_that_refuses_the_key_is_told_after_the_release_is_made(
    write_recipe: WriteRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    recipe = load_recipe(write_recipe(release={"license": "mit", "repo": "org/sums"}))
    with TerminalProgress() as progress, pytest.raises(PublishError):
        asyncio.run(build(BuildRequest(recipe, tmp_path / "w", publish=True), DirectStages(), progress))
    manifest = tmp_path / "w" / "releases" / "sums" / "v1.0.0" / "manifest.json"
    assert yaml.safe_load(manifest.read_text())["rows"]["sft"] == 18


@pytest.mark.parametrize(
    ("release", "exit_code", "expected"),
    [
        ({"license": "mit"}, 2, "release.repo"),
        ({"license": "mit", "repo": "org/misspelt"}, 1, "org/misspelt does not exist"),
    ],
)
def test_publish_needs_to_know_where_to_before_anything_is_bought(
    write_recipe: WriteRecipe,
    hub_server: HubServer,
    tmp_path: Path,
    release: dict[str, str],
    exit_code: int,
    expected: str,
) -> None:
    done = cotfactory("run", write_recipe(release=release), "--direct", "--publish", "--workspace", tmp_path / "w")
    assert done.returncode == exit_code
    assert expected in done.stderr
    assert not (tmp_path / "w" / "tables").exists()
