"""A tag names the image that was built under it, or nothing is run."""

from pathlib import Path

import pytest

from cotfactory.flows.host.known_images import known_images_file, refuse_another_image, remember_image
from cotfactory.schemas.errors import SandboxError

TAG, BUILT, OTHER = "cotfactory-sandbox:latest", "sha256:" + "1" * 64, "sha256:" + "2" * 64


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def test_an_image_that_took_the_place_of_the_built_one_is_refused(environment: dict[str, str]) -> None:
    refuse_another_image(TAG, OTHER, environment)  # nothing was built here: the grades say which it was
    remember_image(TAG, BUILT, environment)
    refuse_another_image(TAG, BUILT, environment)
    refuse_another_image("mine:1", OTHER, environment)
    with pytest.raises(SandboxError, match=f"{OTHER}: expected {BUILT}.*sandbox trust {TAG}"):
        refuse_another_image(TAG, OTHER, environment)
    remember_image(TAG, OTHER, environment)  # built anew, or trusted
    refuse_another_image(TAG, OTHER, environment)
    assert known_images_file(environment).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}', "\x00"])
def test_what_cannot_be_read_is_told_and_nothing_is_run(content: str, environment: dict[str, str]) -> None:
    known_images_file(environment).parent.mkdir()
    known_images_file(environment).write_text(content)
    with pytest.raises(SandboxError, match="sandbox_images"):
        refuse_another_image(TAG, BUILT, environment)
