"""Which commands of a recipe may be started: `rounds` names programs, and a recipe may come from a stranger.

Trust is in the very words of the commands in the recipe's folder (`--trust-commands`, or a yes on the terminal), and is
remembered outside every workspace. The files that they name are not looked at.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from cotfactory.flows.host.remembered import remember, remembered, remembered_file
from cotfactory.flows.settings import ENVIRONMENT
from cotfactory.schemas.errors import RecipeError
from cotfactory.schemas.recipe import Recipe


def commands_of_rounds(recipe: Recipe) -> dict[str, str]:
    """Return the commands that the loop starts, by their keys."""
    return {} if recipe.rounds is None else {"train": recipe.rounds.train, "serve": recipe.rounds.serve}


def refuse_untrusted_commands(recipe: Recipe, folder: Path, environment: Mapping[str, str] = ENVIRONMENT) -> None:
    """Raise RecipeError where the commands of a recipe in `folder` were never trusted."""
    if untrusted := _untrusted(recipe, folder, environment):
        told = "; ".join(f"{key}: {command}" for key, command in untrusted.items())
        raise RecipeError(
            f"Recipe {recipe.name!r} starts commands of its own in {folder.resolve()}, as you: {told}",
            "read them and the files that they name; if they may run, say so once: --trust-commands",
        )


def trust_commands(
    recipe: Recipe,
    folder: Path,
    *,
    said: bool,
    ask: Callable[[str], bool] | None,
    environment: Mapping[str, str] = ENVIRONMENT,
) -> None:
    """Trust the commands of a recipe if that was `said`, or `ask` (None where nobody can be asked) says yes."""
    untrusted = _untrusted(recipe, folder, environment)
    if not untrusted:
        return
    told = "\n".join(f"  {key}: {command}" for key, command in untrusted.items())
    question = f"Recipe {recipe.name!r} starts these commands in {folder.resolve()}, as you:\n{told}\nMay they run?"
    if said or (ask is not None and ask(question)):
        remember(_file(environment), {str(folder.resolve()): list(untrusted.values())})


def _untrusted(recipe: Recipe, folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    commands = commands_of_rounds(recipe)
    trusted = remembered(_file(environment)).get(str(folder.resolve()), []) if commands else []
    return {key: command for key, command in commands.items() if command not in trusted}


def _file(environment: Mapping[str, str]) -> Path:
    return remembered_file("trusted_commands", environment)
