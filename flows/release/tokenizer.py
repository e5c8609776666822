"""The tokenizer that a recipe names: where it is, and whether it can be used."""

from pathlib import Path

from cotfactory.flows.settings import hub_target
from cotfactory.publishing.token_figures import TokenFigures, token_figures
from cotfactory.publishing.tokenizer_folder import tokenizer_folder


def usable_tokenizer(named: str) -> tuple[Path, TokenFigures]:
    """Return the folder of a tokenizer, and what it is. Raises RecipeError, and InputError where it cannot be read."""
    folder = tokenizer_folder(named, hub_target())
    return folder, token_figures(named, folder, {})
