"""The same run wherever it is: without rights, under any umask, time zone and language, with no shared memory."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

# Nobody, who may read everything: the interpreter of these tests may lie in the home of root.
AS_NOBODY = (
    "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps +dac_read_search --ambient-caps +dac_read_search"
)
RECIPE = {
    "name": "tiny",
    "problems": [{"source": "procedural", "families": ["arithmetic_stories"], "count": 4, "seed": 1}],
    "teachers": [{"name": "student", "model": "student", "simulated": True, "sampling": {"max_tokens": 1024}}],
    "attempts": 2,
    "release": {"products": ["sft", "rl"], "license": "cc0-1.0"},
}


@dataclass(frozen=True)
class Surroundings:
    """What differs from machine to machine; `variables` are those of the environment."""

    as_nobody: bool = False
    umask: int = 0o022
    own_tmpdir: bool = False
    has_shared_memory: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        said = ["nobody" if self.as_nobody else "root", f"{self.umask:03o}", *self.variables.values()]
        return "-".join(said + ["tmpdir"] * self.own_tmpdir + ["no-shm"] * (not self.has_shared_memory)).replace(
            "/", "_"
        )


EVERY = [
    Surroundings(as_nobody, umask, own_tmpdir, has_shared_memory, {"TZ": zone, "LANG": language, "LC_ALL": language})
    for as_nobody, umask, own_tmpdir, has_shared_memory, (zone, language) in itertools.product(
        (False, True), (0o000, 0o077), (False, True), (True, False),
        (("Asia/Kathmandu", "C"), ("America/St_Johns", "tr_TR.UTF-8"), ("Mars/Olympus", "POSIX"), ("", "ja_JP.eucJP")),
    )
]  # fmt: skip
LOCKED_DOWN = Surroundings(
    True, 0o077, True, False, {"TZ": "America/St_Johns", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"}
)
"""An account without rights in a container without /dev/shm; Turkish, whose I has another small letter."""
BARE = Surroundings(umask=0o000, variables={"TZ": "Mars/Olympus", "LANG": "", "LC_ALL": "POSIX"})
"""A unit of systemd that names nothing, and a zone that is none."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="cotfactory-surroundings-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


def run(folder: Path, around: Surroundings) -> tuple[dict[str, Any], Path]:
    """Run the recipe in these surroundings and return its summary and its workspace."""
    recipe, workspace, temporary = folder / "tiny.yaml", folder / "w", folder / "temporary"
    recipe.write_text(yaml.safe_dump(RECIPE))
    temporary.mkdir(mode=0o777)
    temporary.chmod(0o777)
    command = [
        sys.executable,
        "-m",
        "cotfactory",
        "run",
        str(recipe),
        "--workspace",
        str(workspace),
        "--direct",
        "--json",
    ]
    if around.as_nobody and os.getuid() == 0:
        command = [*AS_NOBODY.split(), *command]
    if not around.has_shared_memory and can_hide_shared_memory():
        hidden = 'mount -t tmpfs -o ro,mode=000,size=4k none /dev/shm && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", hidden, "sh", *command]
    variables = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **around.variables}
    if around.own_tmpdir:
        variables["TMPDIR"] = str(temporary)
    done = subprocess.run(
        command, env=variables, cwd=folder, umask=around.umask, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return summary, workspace


def can_hide_shared_memory() -> bool:
    """Return whether mounts of our own are allowed here; else it is there, and the rest is tested all the same."""
    asked = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/dev/shm"]
    return (
        shutil.which("setpriv") is not None and not subprocess.run(asked, capture_output=True, check=False).returncode
    )


@pytest.fixture(scope="module")
def rows_sha() -> str:
    """The rows of the run where little is set."""
    with tempfile.TemporaryDirectory() as made:
        return str(run(Path(made), BARE)[0]["release"]["rows_sha"])


@pytest.mark.parametrize(
    "around", [LOCKED_DOWN, *(pytest.param(around, marks=pytest.mark.slow) for around in EVERY)], ids=str
)
def test_the_rows_are_the_same_everywhere(around: Surroundings, folder: Path, rows_sha: str) -> None:
    summary, workspace = run(folder, around)
    assert summary["release"]["rows_sha"] == rows_sha
    assert workspace.stat().st_mode & 0o077 == 0  # others read nothing, whatever the umask
    assert not list((folder / "temporary").iterdir())
