"""Where the files of a tokenizer lie that a recipe names: in a folder of its author, or fetched from the Hub."""

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from cotfactory.schemas.errors import RecipeError, one_line

if TYPE_CHECKING:
    from cotfactory.publishing.hub import HubTarget  # the Hub's client takes most of a second to import

TOKENIZER, TEMPLATE, CONFIG = "tokenizer.json", "chat_template.jinja", "tokenizer_config.json"


def is_folder(named: str) -> bool:
    """Whether a recipe's `tokenizer` is a folder, and no model on the Hub."""
    return named.startswith((".", "/"))


def told_tokenizer(named: str) -> str:
    """Return the tokenizer as it is published: of a folder its name alone, which a recipe can name as well.

    >>> told_tokenizer("/home/someone/qwen"), told_tokenizer("Qwen/Qwen3-8B")
    ('./qwen', 'Qwen/Qwen3-8B')
    """
    return f"./{PurePath(named).name}" if is_folder(named) else named


def tokenizer_folder(named: str, hub: "HubTarget") -> Path:
    """Return the folder of a tokenizer; from the Hub its three files are fetched, no weights, and cached.

    Raises RecipeError where there is none.
    """
    folder = Path(named) if is_folder(named) else _fetched(named, hub)
    if not (folder / TOKENIZER).is_file():
        raise RecipeError(
            f"The tokenizer {told_tokenizer(named)} has no {TOKENIZER}: expected one in {folder}",
            "save a fast tokenizer of transformers there (`save_pretrained`), or fix `release.tokenizer`",
        )
    return folder


def _fetched(named: str, hub: "HubTarget") -> Path:
    repo, _, revision = named.partition("@")
    files = [TOKENIZER, TEMPLATE, CONFIG]
    try:
        found = hub.api().snapshot_download(repo, revision=revision or None, allow_patterns=files)
    except Exception as error:  # every failure of the library means the same to a recipe
        raise RecipeError(
            f"The tokenizer {named} cannot be fetched: {one_line(error)}",
            "fix `release.tokenizer`, set HF_TOKEN where the model is gated, or name a folder: ./FOLDER",
        ) from error
    return Path(found)
