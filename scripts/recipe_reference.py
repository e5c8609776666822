"""Print the recipe reference: every key of a recipe with its type, default, limits and description.

It is made from the pydantic schema of `Recipe`, whose descriptions are the texts below the keys in `schemas/`.
`--write` puts it into docs/recipe.md. `tests/test_docs.py` fails while the two differ.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cotfactory.schemas.recipe import Recipe

PAGE = Path(__file__).parents[1] / "docs" / "recipe.md"
HEAD = """\
<!-- Made by scripts/recipe_reference.py --write from the texts in schemas/: edit those. -->
# Recipe reference

A recipe is one YAML file. It holds everything that decides what a run makes; nothing else is configuration. Every key
that exists is on this page, and an unknown key, or one that stands there twice, is an error before anything is asked.
`${NAME}` stands for the environment variable NAME in paths, `base_url`, `base_urls`, `headers` and `start`, and nowhere
else. `null` as a default means: not set.

`recipes/endpoint.yaml` in the repository shows every key in its place.
"""
TITLES = {
    "FileSource": "problems, file",
    "HubSource": "problems, hub",
    "ReasoningGymSource": "problems, reasoning_gym",
    "ProceduralSource": "problems, procedural",
    "GrownSource": "problems, grown",
    "References": "problems, grown: reference",
    "ReferenceRequirements": "problems, grown: reference.require",
    "WrittenDifficulty": "problems, grown: pass_rate",
    "BenchmarkFile": "curation.decontaminate, file",
    "BenchmarkHub": "curation.decontaminate, hub",
}
"""The heading of a record that is one of several which a key may hold; of others it is the key's own path."""

LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "at least {} of them",
    "minLength": "at least {} character",
    "pattern": "must match `{}`",
}
TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "names with values",
}
Schema = Mapping[str, Any]


def page() -> str:
    """Return the whole page as Markdown."""
    schema = Recipe.model_json_schema()
    return HEAD + "".join(_sections("recipe", schema, schema["$defs"]))


def keys_without_description() -> list[str]:
    """Return the keys, as `Record.key`, of which the schema says nothing."""
    schema = Recipe.model_json_schema()
    records = {"Recipe": schema, **schema["$defs"]}
    return [
        f"{name}.{key}"
        for name, record in records.items()
        for key, described in record.get("properties", {}).items()
        if not described.get("description", "").strip()
    ]


def _sections(path: str, record: Schema, records: Mapping[str, Schema]) -> Iterator[str]:
    """Yield the section of one record, then those of the records that its keys hold, in the order of the keys."""
    yield f"\n## {path}\n\n{record['description'].strip()}\n\n"
    yield "| key | type | default | description |\n|---|---|---|---|\n"
    required = record.get("required", [])
    inner: dict[str, None] = {}
    for key, described in record["properties"].items():
        links = {name: _path(path, key, name) for name in referred(described)}
        default = "**required**" if key in required else _default(described)
        text = " ".join(described.get("description", "").split())
        cells = (f"`{key}`", _type(described, links), default, text)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
        inner |= dict.fromkeys(links)
    for name in inner:
        key = next(key for key, described in record["properties"].items() if name in referred(described))
        yield from _sections(_path(path, key, name), records[name], records)


def _path(path: str, key: str, name: str) -> str:
    return TITLES.get(name) or (key if path == "recipe" else f"{path}.{key}")


def referred(described: Schema) -> list[str]:
    """Return the names of the records that a key may hold."""
    if "$ref" in described:
        return [described["$ref"].removeprefix("#/$defs/")]
    parts = [*described.get("anyOf", ()), *described.get("oneOf", ())]
    if isinstance(described.get("items"), Mapping):
        parts.append(described["items"])
    return [name for part in parts for name in referred(part)]


def _type(described: Schema, links: Mapping[str, str]) -> str:
    """Return the type of a key in words, its limits behind it: `whole number, at least 1`."""
    options = [part for part in described.get("anyOf", [described]) if part.get("type") != "null"]
    if len(options) > 1:
        return " or ".join(_type(option, links) for option in options)
    (option,) = options
    names = referred(option)
    if names:
        kinds = " or ".join(f"[{links[name]}](#{_anchor(links[name])})" for name in names)
        what = f"list of {kinds}" if option.get("type") == "array" else kinds
    elif "enum" in option or "const" in option:
        what = _choices(option)
    elif option.get("type") == "array" and "prefixItems" in option:
        what = f"list of {len(option['prefixItems'])}: {_type(option['prefixItems'][0], {})}"
    elif option.get("type") == "array":
        what = f"list of {_type(option['items'], {})}"
    else:
        what = TYPES[option["type"]]
    limits = [
        text.format(_limit(option[name]))
        for name, text in LIMITS.items()
        if name in option and not (name == "minItems" and "prefixItems" in option)
    ]
    return ", ".join([what, *limits])


def _limit(value: object) -> object:
    """Return a limit as people read it: `2^31` for 2147483648."""
    if isinstance(value, int) and abs(value) >= 2**31:
        return f"{'-' if value < 0 else ''}2^{abs(value).bit_length() - 1}"
    return value


def _choices(option: Schema) -> str:
    values = option.get("enum", [option.get("const")])
    return ", ".join(f"`{value}`" for value in values)


def _default(described: Schema) -> str:
    value = described.get("default", {} if described.get("type") == "object" else None)
    if isinstance(value, dict) and described.get("type") != "object":
        return "as below"
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _anchor(heading: str) -> str:
    """Return the id that the site gives to a heading."""
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " _-")
    return "-".join(kept.split())


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(), "utf-8")
    else:
        print(page(), end="")
