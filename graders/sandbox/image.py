"""The image that candidates' programs run in: built from the Dockerfile that lies here, and found by its tag."""

import io
from importlib import resources
from typing import TYPE_CHECKING, Literal

from cotfactory.graders.sandbox.container import engine_errors
from cotfactory.schemas.errors import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

TIMEOUT_S = 1800
Target = Literal["python", "languages"]


def build_image(base: str | None, tag: str, target: Target = "python") -> str:
    """Build the image on `base` (None: the Dockerfile's own) and name it `tag`; return its content digest.

    The target `languages` has compilers and interpreters of the languages other than Python too.
    Raises SandboxError when the engine, the base image or a step of the build fails.
    """
    import docker

    dockerfile = resources.files("cotfactory.graders.sandbox").joinpath("Dockerfile").read_bytes()
    arguments = {"BASE": base} if base else {}
    with engine_errors("the Docker engine did not answer"):
        client = docker.from_env(timeout=TIMEOUT_S)
        client.ping()
    hint = (
        "see that the base image can be had (docker pull), name another with --base, or build without a registry: "
        "graders/sandbox/build_offline_image.sh"
    )
    try:
        with engine_errors(f"the sandbox image {tag!r} could not be built", hint):
            image, _ = client.images.build(
                fileobj=io.BytesIO(dockerfile), buildargs=arguments, tag=tag, target=target, rm=True, forcerm=True
            )
    finally:
        client.close()
    return str(image.id)


def find_image(client: "DockerClient", image: str) -> str:
    """Return the content digest of a local image; raises SandboxError when it is not there."""
    from docker.errors import ImageNotFound

    with engine_errors(f"the sandbox image {image!r} could not be looked up"):
        try:
            return str(client.images.get(image).id)
        except ImageNotFound as error:
            raise SandboxError(
                f"the Docker engine has no image {image!r}",
                "build it: cotfactory sandbox build, or without a registry graders/sandbox/build_offline_image.sh",
            ) from error


def digest_of(image: str) -> str:
    """Return the content digest of a local image; raises SandboxError when the engine or the image is not there."""
    import docker

    with engine_errors("the Docker engine did not answer"):
        client = docker.from_env()
    try:
        return find_image(client, image)
    finally:
        client.close()
