"""An image with packages of a recipe, from a wheel made here: no index is asked."""

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from pydantic import ValidationError

from cotfactory.graders.sandbox.packages import image_with_packages
from cotfactory.graders.sandbox.pool import DEFAULT_IMAGE, open_sandbox
from cotfactory.graders.sandbox.values import MISSING_MODULE
from cotfactory.schemas.errors import SandboxError
from cotfactory.schemas.sandbox_packages import SandboxKeys
from tests.graders.conftest import LIMITS
from tests.graders.sandbox.executions import call

PROGRAM = "import tiny_answers\n\ndef f(): return tiny_answers.ANSWER"


def wheel(folder: Path) -> Path:
    """Write a wheel of one module."""
    path = folder / "tiny_answers-1.0-py3-none-any.whl"
    about = "tiny_answers-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_answers.py", "ANSWER = 42\n")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-answers\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return path


@pytest.fixture
def images() -> Iterator[list[str]]:
    """Tags of images; they are gone afterwards."""
    made: list[str] = []
    yield made
    client = docker.from_env()
    for tag in made:
        client.images.remove(tag, force=True)
    client.close()


@pytest.mark.docker
def test_a_program_imports_what_the_recipe_names(tmp_path: Path, images: list[str]) -> None:
    path = wheel(tmp_path)
    images.append(image_with_packages(DEFAULT_IMAGE, [str(path)]))
    with open_sandbox(images[0], containers=1, limits=LIMITS) as sandbox:
        found, beside = sandbox.run([call(PROGRAM), call("import numpy\n\ndef f(): return int(numpy.int64(7))")])
    assert (json.loads(found.output), json.loads(beside.output)) == (42, 7)
    with open_sandbox(containers=1, limits=LIMITS) as sandbox:
        (missing,) = sandbox.run([call(PROGRAM)])
    assert missing.exit_code == MISSING_MODULE
    # it is found again by its content, wherever it lies
    (tmp_path / "moved").mkdir()
    assert image_with_packages(DEFAULT_IMAGE, [str(shutil.copy(path, str(tmp_path / "moved")))]) == images[0]
    with pytest.raises(SandboxError, match=r"cannot be read: No such file"):
        image_with_packages(DEFAULT_IMAGE, [str(tmp_path / "none.whl")])


@pytest.mark.docker
def test_what_is_no_wheel_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken-1.0-py3-none-any.whl").write_bytes(b"no archive")
    with pytest.raises(SandboxError, match=r"pip has no wheels for .*broken-1.0"):
        image_with_packages(DEFAULT_IMAGE, [str(tmp_path / "broken-1.0-py3-none-any.whl")])


@pytest.mark.parametrize(
    "package", ["sortedcontainers", "pandas==2.2.3", "uvicorn[standard]==0.30.0", "./wheels/mine-1.0-py3-none-any.whl"]
)
def test_names_versions_and_wheels(package: str) -> None:
    assert SandboxKeys(packages=(package,)).packages == (package,)


@pytest.mark.parametrize(
    "package", ["--index-url=x", "-r list.txt", "a b", "a @ git+x", "a>=1", "", "-evil.whl", "a\nb.whl", "./folder"]
)
def test_no_option_of_pip_and_no_address(package: str) -> None:
    with pytest.raises(ValidationError):
        SandboxKeys(packages=(package,))
