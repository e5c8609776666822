"""The built wheel is all that a user needs: it installs into a clean environment and runs the demo there."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.prefect
def test_the_wheel_runs_the_demo(tmp_path: Path) -> None:
    """The environment sees our dependencies through a path file, and of ourselves only what is in the wheel."""
    build = "from hatchling.build import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("cotfactory-*.whl")
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    pip = [sys.executable, "-m", "pip"] if _has_pip() else ["python3", "-m", "pip"]
    subprocess.run([*pip, "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)], check=True)
    (site,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    packages = {path.name for path in site.iterdir() if not path.name.startswith("cotfactory-")}
    assert packages == {"cotfactory", "dependencies.pth"}
    code = "import cotfactory; print(cotfactory.grade({}, '42').verdict)".format(
        {"question": "What is 6 * 7?", "answer": "42", "answer_kind": "math"}
    )
    graded = subprocess.run([str(python), "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (graded.returncode, graded.stdout) == (0, "correct\n"), graded.stderr

    home = tmp_path / "home"
    done = subprocess.run(
        [str(tmp_path / "env" / "bin" / "cotfactory"), "run", "--limit", "20", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PREFECT_HOME": str(home), "PREFECT_API_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    release = Path(json.loads(done.stdout.splitlines()[-1])["release"]["path"])
    assert release == tmp_path / "workspace" / "releases" / "demo-first-20" / "v1.0.0"
    assert (release / "manifest.json").is_file()


def _has_pip() -> bool:
    return subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
