"""Build the image that candidates' programs run in, from the Dockerfile that lies here."""

import io
from importlib import resources
from typing import Literal

from cotfactory.graders.sandbox.container import engine_errors

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
