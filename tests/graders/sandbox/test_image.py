"""The image is built from our Dockerfile, on whatever base has Python and numpy or can fetch it."""

import docker
import pytest

from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.graders.sandbox.image import build_image, digest_of
from cotfactory.graders.sandbox.pool import open_sandbox
from cotfactory.schemas.errors import SandboxError
from tests.graders.sandbox.executions import call, returned

pytestmark = pytest.mark.docker
TAG = "cotfactory-sandbox-test:built"


def test_programs_run_in_an_image_built_on_another_base(sandbox: Sandbox) -> None:
    # the image itself as the base: no registry is asked
    digest = build_image(sandbox.image_digest, TAG)
    try:
        with open_sandbox(TAG, containers=1) as pool:
            assert pool.image_digest == digest
            assert returned(pool, "import numpy\ndef f(): return numpy.prod([3, 4])") == 12
            # compiled at build time: no run can write next to a module
            compiled = call("import os, dataclasses\ndef f(): return os.path.exists(dataclasses.__cached__)")
            assert pool.run([compiled])[0].output == b"true"
    finally:
        docker.from_env().images.remove(TAG)


def test_a_base_that_cannot_be_had_says_what_to_do(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match=f"'{TAG}' could not be built") as raised:
        build_image("cotfactory-no-such-base:none", TAG)
    assert "--base" in raised.value.hint
    assert "build_offline_image.sh" in raised.value.hint


def test_an_image_that_is_not_there_is_told() -> None:
    with pytest.raises(SandboxError, match="no image 'cotfactory-no-such:none'"):
        digest_of("cotfactory-no-such:none")
