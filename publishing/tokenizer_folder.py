"""Where the files of a named tokenizer lie: in a folder of the recipe's author, or fetched from the Hub."""

from pathlib import Path

from cotfactory.publishing.chat_template import CONFIG, TEMPLATE
from cotfactory.schemas.errors import RecipeError, one_line
from cotfactory.schemas.recipe import NamedTokenizer

TOKENIZER = "tokenizer.json"


def tokenizer_folder(named: NamedTokenizer, token: str | None) -> Path:
    """Return the folder of a tokenizer; from the Hub its three files are fetched, no weights, and cached.

    Raises RecipeError where there is none.
    """
    folder = Path(named.path) if named.path is not None else _fetched(named, token)
    if not (folder / TOKENIZER).is_file():
        raise RecipeError(
            f"The tokenizer {named.told} has no {TOKENIZER}: expected one in {folder}",
            "save a fast tokenizer of transformers there (`save_pretrained`), or fix `release.tokenizer`",
        )
    return folder


def _fetched(named: NamedTokenizer, token: str | None) -> Path:
    import huggingface_hub  # the Hub's client takes most of a second to import

    assert named.repo is not None
    try:
        return Path(
            huggingface_hub.snapshot_download(
                named.repo, revision=named.revision, allow_patterns=[TOKENIZER, TEMPLATE, CONFIG], token=token
            )
        )
    except Exception as error:  # every failure of the library means the same to a recipe
        raise RecipeError(
            f"The tokenizer {named.told} cannot be fetched: {one_line(error)}",
            "fix `release.tokenizer`, set HF_TOKEN where the model is gated, or name a folder with `path`",
        ) from error
