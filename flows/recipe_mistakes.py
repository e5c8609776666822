"""The mistakes of a recipe in words: each with its line, what stands there, and what was expected."""

import difflib
import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from cotfactory.flows.recipe_file import Place, line_of
from cotfactory.schemas.expected import expected
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.record import RecipeKeys

MOST_KEYS_NAMED = 12

SHORTER: dict[object, str] = {"attempts": "a whole number", "simulated": "true", "batch": "true"}
"""Key -> what may stand there instead of keys of its own."""

FORMS = {
    "name": "letters, digits, `.`, `_` and `-`",
    "id": "letters, digits, `.`, `_` and `-`",
    "grader": "FILE.py:FUNCTION, as in `./mine.py:grade`",
    "repo": "ORG/NAME",
    "packages": "a package, as `NAME` or `NAME==VERSION`, or the file of a wheel",
}
"""Key -> what its text is made of, where a pattern says so."""


def told_mistakes(error: ValidationError, lines_of: Mapping[Place, int]) -> str:
    """Return a line for each mistake that was found in a recipe."""
    told: dict[str, list[str]] = {}
    mistakes = error.errors()
    for mistake in mistakes:
        # A list whose items are wrong is also told to be too short, which it is not.
        inside = any(other["loc"][: len(mistake["loc"])] == mistake["loc"] != other["loc"] for other in mistakes)
        if mistake["type"] == "too_short" and inside:
            continue
        where = ".".join(map(str, _as_written(mistake, lines_of))) or "recipe"
        line = line_of(mistake["loc"], lines_of)
        told.setdefault(f"{f'line {line}, ' if line else ''}{where}", []).append(_told(mistake))
    return "\n".join(f"  {where}: {_either(said)}" for where, said in told.items())


def _as_written(mistake: ErrorDetails, lines_of: Mapping[Place, int]) -> Place:
    """Return the place of a mistake without the names that pydantic gives to the kinds of a union."""
    found: Place = ()
    for part in mistake["loc"]:
        if (*found, part) in lines_of:
            found = (*found, part)
    return (*found, mistake["loc"][-1]) if mistake["type"] == "missing" else found


def _either(said: list[str]) -> str:
    """Return in one what several kinds of value, each of which may stand at a place, were expected to be."""
    return ", or ".join([said[0], *(other.removeprefix("expected ") for other in said[1:])])


def _told(mistake: ErrorDetails) -> str:
    place, kind, given = mistake["loc"], mistake["type"], mistake["input"]
    if kind == "extra_forbidden":
        # Its value is not shown: it may be a key in the other sense.
        known = _keys_at(place[:-1])
        few = f", expected {', '.join(known)}" if len(known) <= MOST_KEYS_NAMED else ""
        return "unknown key" + (_did_you_mean(str(place[-1]), known) or few)
    said = _expected(mistake)
    if kind in ("literal_error", "union_tag_invalid"):
        context = mistake["ctx"]
        wrong = context.get("tag", given)
        known = re.findall(r"'([^']*)'", context.get("expected_tags") or context["expected"])
        return f"{said} (got {str(wrong)[:60]!r}){_did_you_mean(str(wrong), known, 0.6)}"
    # What a whole teacher was given says little, and a header's value is not to be shown.
    hidden = {"headers", "api_key_env"} & set(place)
    return said if hidden or isinstance(given, dict) else f"{said} (got {str(given)[:60]!r})"


def _expected(mistake: ErrorDetails) -> str:
    place, kind = mistake["loc"], mistake["type"]
    if kind in ("model_type", "model_attributes_type", "dataclass_type"):
        shorter = f"{SHORTER[place[-1]]}, or " if place and place[-1] in SHORTER else ""
        return f"expected {shorter}keys with values, such as `{_keys_at(place)[0]}: ...`"
    if kind == "string_pattern_mismatch":
        form = next((FORMS[part] for part in reversed(place) if isinstance(part, str) and part in FORMS), None)
        return f"expected {form}" if form else f"expected text of the form {mistake['ctx']['pattern']}"
    return expected(mistake)


def _did_you_mean(written: str, known: list[str], alike_from: float = 0.7) -> str:
    """Return the word that is written most like one of those known, as a question; nothing where none is."""
    alike = difflib.get_close_matches(written, known, n=1, cutoff=alike_from)
    return f", did you mean `{alike[0]}`?" if alike else ""


def _keys_at(place: Place) -> list[str]:
    """Return the keys that a recipe may have at a place."""
    models: list[type[RecipeKeys]] = [Recipe]
    for part in place:  # positions in lists, and the names of the kinds of a union, lead nowhere
        fields = [field for model in models for name, field in _fields(model) if name == part]
        models = [inner for field in fields for inner in _models_of(field.annotation)] or models
    return list(dict.fromkeys(name for model in models for name, _ in _fields(model)))


def _fields(model: type[RecipeKeys]) -> list[tuple[str, FieldInfo]]:
    """Return the fields of a part of a recipe, as their keys are written."""
    return [(field.alias or name, field) for name, field in model.model_fields.items()]


def _models_of(annotation: Any) -> list[type[RecipeKeys]]:
    """Return the records that a type is made of: those of `X | tuple[Y, ...] | None` are X and Y."""
    if isinstance(annotation, type) and issubclass(annotation, RecipeKeys):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_of(part)]
