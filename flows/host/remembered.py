"""What the user said once and for all: small JSON files outside every workspace, in `cotfactory` of XDG_CONFIG_HOME."""

import json
from collections.abc import Mapping
from pathlib import Path

from cotfactory.schemas.errors import RecipeError

Remembered = dict[str, list[str]]


def config_folder(environment: Mapping[str, str]) -> Path:
    """Return where a user's own settings are, outside every workspace: `cotfactory` in XDG_CONFIG_HOME or ~/.config."""
    folder = environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME") or Path.home()) / ".config"
    return Path(folder) / "cotfactory"


def remembered_file(name: str, environment: Mapping[str, str]) -> Path:
    """Return the file of that name."""
    return config_folder(environment) / f"{name}.json"


def remembered(path: Path) -> Remembered:
    """Return the lists that a file holds by name, none where there is no file. Raises RecipeError for another."""
    try:
        known = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"{path}, which holds what was trusted, cannot be read: {error}",
            "mend or delete it; what is asked again after that is remembered anew",
        ) from error
    if not isinstance(known, dict) or not all(isinstance(names, list) for names in known.values()):
        raise RecipeError(f"{path} holds {str(known)[:60]!r}: expected names, each with a list", "delete it")
    return known


def remember(path: Path, more: Mapping[str, list[str]]) -> None:
    """Add to the lists of a file, which nobody else may read."""
    known = remembered(path)
    for name, texts in more.items():
        known[name] = sorted({*known.get(name, ()), *texts})
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
    part.chmod(0o600)
    part.replace(path)
