"""The environments of the trainers: none fits into ours, so each has its own, and runs a script or command there.

`sh scripts/trainer_environments.sh FOLDER` makes them; COTFACTORY_TRAINERS names the folder. Without it these tests are
skipped.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

VARIABLE = "COTFACTORY_TRAINERS"
LONGEST_S = 600


@dataclass(frozen=True)
class TrainerEnvironment:
    """A virtual environment that knows nothing of cotfactory."""

    folder: Path

    def run(self, program: str, *words: str | Path, cwd: Path | None = None, **environment: str) -> str:
        """Run one of its programs and return what it printed; it must end well."""
        with self.started(program, *words, cwd=cwd, **environment) as process:
            try:
                out, errors = process.communicate(timeout=LONGEST_S)
            finally:
                process.kill()
        assert process.returncode == 0, f"{program} {words}: {out[-3000:]}\n{errors[-6000:]}"
        return out

    def started(
        self, program: str, *words: str | Path, cwd: Path | None = None, **environment: str
    ) -> "subprocess.Popen[str]":
        """Start one of its programs."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return subprocess.Popen(
            [str(self.folder / "bin" / program), *map(str, words)],
            cwd=cwd,
            env={**os.environ, "PATH": path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def trainer_environment(name: str) -> TrainerEnvironment:
    """Return the environment of a trainer, or skip the test where it is not there."""
    home = os.environ.get(VARIABLE)
    folder = Path(home or ".") / name
    if home is None or not (folder / "bin" / "python").exists():
        pytest.skip(f"no environment of {name}: sh scripts/trainer_environments.sh FOLDER, {VARIABLE}=FOLDER")
    return TrainerEnvironment(folder.absolute())
