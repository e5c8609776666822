"""An image with further Python packages: wheels that pip fetches here, laid on the base image as one layer.

Nothing of a package is run outside a container, and no build has a network: pip takes wheels only (no set-up code), for
the interpreter of the base image, and the layer is a folder that goes before those of the image. The tag is a hash of
base image and packages, so that a recipe finds the image that it built before.
"""

import hashlib
import importlib.util
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cotfactory.graders.sandbox.container import engine_errors
from cotfactory.schemas.errors import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

TIMEOUT_S = 1800
REPOSITORY = "cotfactory-sandbox-packages"
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
GLIBC = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
"""What wheels of compiled code are built for: every image of ours has a newer C library."""
DOCKERFILE = """FROM {base}
COPY packages /opt/cotfactory-packages
COPY first.pth /opt/
RUN folder=$(python3 -c "import site; print(site.getsitepackages()[0])") && mkdir -p "$folder" \\
 && mv /opt/first.pth "$folder/cotfactory-packages.pth" && (python3 -m compileall -qq /opt/cotfactory-packages || true)
"""
FIRST = (
    "import sys; sys.path.insert(next((place for place, folder in enumerate(sys.path) "
    "if folder.endswith('-packages')), len(sys.path)), '/opt/cotfactory-packages')"
)
"""Before the image's own packages, so that a version that is asked for is the one that is imported."""


def image_with_packages(base: str, packages: Sequence[str]) -> str:
    """Return the tag of an image that has `packages` (names, or files of wheels) too; it is built where it is missing.

    Raises SandboxError when the engine or the base image is not there, or a package cannot be had as a wheel.
    """
    import docker

    with engine_errors("the Docker engine did not answer"):
        client = docker.from_env(timeout=TIMEOUT_S)
    try:
        with engine_errors(f"the sandbox image {base!r} could not be looked up", "build it: cotfactory sandbox build"):
            image = client.images.get(base)
        tag = f"{REPOSITORY}:{_identity(str(image.id), packages)}"
        if not client.images.list(name=tag):
            with tempfile.TemporaryDirectory() as folder:
                fetched = Path(folder) / "packages"
                _fetch(
                    packages, _interpreter(client, str(image.id)), MACHINES.get(image.attrs["Architecture"]), fetched
                )
                _build(client, str(image.id), fetched, tag)
        return tag
    finally:
        client.close()


def _identity(base: str, packages: Sequence[str]) -> str:
    """Return a hash of what the layer is made of; of a wheel its content counts, not where it lies."""
    parts = [_of_wheel(Path(package)) if package.endswith(".whl") else package for package in packages]
    return hashlib.sha256(json.dumps([base, sorted(parts)]).encode()).hexdigest()[:32]


def _of_wheel(path: Path) -> str:
    try:
        return f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    except OSError as error:
        raise SandboxError(
            f"the wheel {path} cannot be read: {error.strerror}", "fix `sandbox.packages` in the recipe"
        ) from error


def _interpreter(client: "DockerClient", image: str) -> str:
    """Return the version of an image's Python, as pip takes it: `3.12`."""
    asked = ["python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    with engine_errors("the sandbox image could not be asked for its Python"):
        said: bytes = client.containers.run(image, asked, network_mode="none", remove=True)
    return said.decode().strip()


def _fetch(packages: Sequence[str], python: str, machine: str | None, folder: Path) -> None:
    """Have pip lay wheels, and those that they need, into a folder. Raises SandboxError."""
    options = ["--target", str(folder), "--only-binary", ":all:", "--no-compile", "--implementation", "cp"]
    options += ["--python-version", python, "--no-input", "--disable-pip-version-check", "--quiet"]
    for name in GLIBC if machine else ():
        options += ["--platform", f"{name}_{machine}"]
    command = [*_pip(), "install", *options, "--", *packages]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)  # noqa: S603
        failure = "" if done.returncode == 0 else done.stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        failure = str(error)
    if failure:
        said = [line for line in failure.splitlines() if line.strip()]
        raise SandboxError(
            f"pip has no wheels for {', '.join(packages)} (Python {python}): {' '.join(said[-2:])[:400]}",
            "fix `sandbox.packages` in the recipe, name a wheel's file, or see that pip reaches its index",
        )


def _pip() -> list[str]:
    """Return how pip is called: this interpreter's, or the one on the path; it fetches for another Python anyway."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")
    if found is None:
        raise SandboxError("`sandbox.packages` needs pip, and there is none", "install pip in this environment")
    return [found]


def _build(client: "DockerClient", base: str, fetched: Path, tag: str) -> None:
    """Build the image from the base and the fetched folder."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        archive.add(fetched, "packages", filter=_anybodys)
        for name, text in (("Dockerfile", DOCKERFILE.format(base=base)), ("first.pth", f"{FIRST}\n")):
            described = tarfile.TarInfo(name)
            described.size = len(text.encode())
            archive.addfile(_anybodys(described), io.BytesIO(text.encode()))
    context.seek(0)
    with engine_errors(f"the sandbox image {tag!r} could not be built"):
        client.images.build(fileobj=context, custom_context=True, tag=tag, network_mode="none", rm=True, forcerm=True)


def _anybodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return a file as everybody in the container may read it, nobody's in particular."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member
