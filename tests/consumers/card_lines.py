"""What the card of a release says to each trainer, read back from its table."""

import re
from pathlib import Path
from typing import Any

import yaml

LINE = re.compile(r"^\| (?P<trainers>[^|]+) \| `(?P<product>\w+)` \| (?P<how>.+) \|$", re.MULTILINE)


def card_line(released: Path, trainer: str, product: str) -> str:
    """Return how a trainer reads a product."""
    card = (released / "README.md").read_text("utf-8")
    (how,) = (
        found["how"]
        for found in LINE.finditer(card)
        if trainer in found["trainers"].split(", ") and found["product"] == product
    )
    return how


def settings_on_the_card(released: Path, trainer: str, product: str) -> dict[str, Any]:
    """Return the mapping in a trainer's line as YAML has it, with the release's folder for PATH."""
    (settings,) = re.findall(r"`(\{.*\})`", card_line(released, trainer, product))
    loaded: dict[str, Any] = yaml.safe_load(settings.replace("PATH", str(released)))
    return loaded
