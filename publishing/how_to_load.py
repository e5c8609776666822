"""How a release is loaded and trained on: the card's section, from the manifest and the place where the rows lie."""

from functools import cache
from pathlib import Path

import jinja2

from cotfactory.schemas.manifest import Manifest
from cotfactory.schemas.recipe import Recipe

TEMPLATES = Path(__file__).parent / "templates"
HEADING = "## How to load it"


def how_to_load(manifest: Manifest, repo: str | None) -> str:
    """Return the section for a release in the Hub's repository `repo`, None for one that has no place there yet."""
    attempts = Recipe.model_validate_json(manifest.recipe).attempts
    splits = {
        product: [
            split for split in ("train", "test") if any(_is_shard(file.path, product, split) for file in manifest.files)
        ]
        for product in manifest.rows
    }
    return _template().render(
        manifest=manifest,
        splits=splits,
        repo=repo,
        band=attempts.band if attempts.mode == "band" else None,
    )


@cache
def _template() -> jinja2.Template:
    return markdown_templates().get_template("how_to_load.md.j2")


def markdown_templates() -> jinja2.Environment:
    """Return the templates of Markdown pages; what comes from outside is escaped where it stands (`cell`)."""
    environment = jinja2.Environment(  # noqa: S701 - autoescape would be for HTML
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["count"] = "{:,}".format
    return environment


def _is_shard(path: str, product: str, split: str) -> bool:
    return path.startswith(f"{product}/{split}-")
