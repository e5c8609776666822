"""The digests of the sandbox images that were built here: a tag is only a name, and whoever replaces the image decides.

They are remembered beside the trusted hosts, outside every workspace.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from cotfactory.flows.host.remembered import config_folder
from cotfactory.flows.settings import ENVIRONMENT
from cotfactory.schemas.errors import SandboxError


def known_images_file(environment: Mapping[str, str] = ENVIRONMENT) -> Path:
    """Return the file that remembers: `cotfactory/sandbox_images.json` in XDG_CONFIG_HOME, or in ~/.config."""
    return config_folder(environment) / "sandbox_images.json"


def remember_image(tag: str, digest: str, environment: Mapping[str, str] = ENVIRONMENT) -> None:
    """Remember the image that programs are to run in under a tag, in place of one before. Raises SandboxError."""
    path = known_images_file(environment)
    known = _known(path) | {tag: digest}
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
        part.chmod(0o600)
        part.replace(path)
    except OSError as error:
        raise SandboxError(f"{path} cannot be written: {error.strerror}", "set XDG_CONFIG_HOME") from error


def refuse_another_image(tag: str, digest: str, environment: Mapping[str, str] = ENVIRONMENT) -> None:
    """Raise SandboxError where a tag names another image than the one that was built, or trusted, here."""
    expected = _known(known_images_file(environment)).get(tag, digest)
    if digest != expected:
        raise SandboxError(
            f"The sandbox image {tag!r} is {digest}: expected {expected}, which was built or trusted here",
            f"if you replaced it, say so: cotfactory sandbox trust {tag}; else build it: cotfactory sandbox build",
        )


def _known(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SandboxError(
            f"{path}, which names the sandbox images built here, cannot be read: {error}", "delete it"
        ) from error
    if not isinstance(known, dict) or not all(isinstance(digest, str) for digest in known.values()):
        raise SandboxError(f"{path} holds {str(known)[:60]!r}: expected tags, each with a digest", "delete it")
    return known
