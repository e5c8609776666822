"""A run that dies at any instant leaves the whole release or nothing, and the next run is none the wiser."""

import subprocess
import sys
from pathlib import Path

import pytest

from cotfactory.publishing.release_folder import open_release
from tests.publishing.dying_release import release

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("which", "before", "after"),
    [pytest.param("first", [], "v1.0.0", marks=pytest.mark.slow), ("next", ["v1.0.0"], "v1.1.0")],
)
def test_dead_run_leaves_all_or_nothing(tmp_path: Path, which: str, before: list[str], after: str) -> None:
    subprocess.run([sys.executable, "-m", "tests.publishing.dying_release", str(tmp_path), which], cwd=ROOT, check=True)
    workspaces = sorted((path for path in tmp_path.iterdir()), key=lambda path: int(path.name))
    seen = []
    for workspace in workspaces:
        home = workspace / "releases" / "ducks"
        versions = sorted(path.name for path in home.iterdir()) if home.exists() else []
        for version in versions:
            open_release(home / version)  # every file is there, with the sha256 that the manifest says
        assert versions in (before, [*before, after])
        seen.append(versions)
    assert seen[0] == before
    assert seen[-1] == [*before, after]
    # The last run that left nothing, and the first that left its release but did not live to clean up.
    turn = seen.index([*before, after])
    for workspace in workspaces[turn - 1 : turn + 1]:
        assert release(workspace, 1, 2).version == after
        assert list((workspace / "staging").iterdir()) == []
