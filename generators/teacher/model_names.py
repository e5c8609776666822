"""Read an endpoint's list of models, and tell whether a name on it is the one that a recipe asks for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MOST_MODELS = 100_000
_VARIANTS = (":latest", ":free")
"""Ollama's tag of a model that is named without one; OpenRouter's of a price."""


def listed_models(payload: Any) -> tuple[str, ...]:
    """Return the models that a reply to `GET /models` lists; empty where it lists none that can be read.

    OpenAI and most others send `{"data": [{"id": ...}]}`, Together a bare array, some `{"models": [...]}` or names.

    >>> [listed_models(page) for page in ([{"id": "m"}], {"data": None}, {"models": [{"name": "m"}, "n"]}, "portal")]
    [('m',), (), ('m', 'n'), ()]
    """
    listed = payload
    if isinstance(payload, Mapping):
        listed = payload.get("data") or payload.get("models")
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        return ()
    return tuple(name for entry in listed[:MOST_MODELS] if (name := _name(entry)))


def is_listed(model: str, models: Iterable[str]) -> bool:
    """Return whether a list has a model, apart from an owner or folder before a slash and from a variant.

    >>> [is_listed("m", [name]) for name in ("m", "models/m", "org/m", "m:latest", "m:free", "m-mini")]
    [True, True, True, True, True, False]
    """
    return _bare(model) in {_bare(name) for name in models}


def _name(entry: Any) -> str:
    if isinstance(entry, Mapping):
        entry = entry.get("id") or entry.get("name") or entry.get("model")
    return entry if isinstance(entry, str) else ""


def _bare(name: str) -> str:
    bare = name.rpartition("/")[2].lower()
    for variant in _VARIANTS:
        bare = bare.removesuffix(variant)
    return bare
