"""What two releases were made with that differs: products, licences, teachers, prompts, problems, rules, graders."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cotfactory.schemas.manifest import Manifest

LONGEST_VALUE = 60
OF_TEACHERS = ("model", "license", "strategy", "prompt", "system", "sampling", "think_tokens", "max_calls")
"""Keys of a teacher that change what it says, or under which terms."""


def changed_making(before: Manifest, after: Manifest) -> tuple[str, ...]:
    """Return a line of Markdown for each thing that the two recipes, or the graders, do not have in common.

    Recipes are read as they were published: one that an older version wrote lacks keys, which say nothing then.
    """
    old, new = (json.loads(manifest.recipe) for manifest in (before, after))
    return (
        *_products(_of(old, "release"), _of(new, "release")),
        *_values("", _of(old, "release"), _of(new, "release"), ("license",)),
        *_teachers(old, new),
        *(["problems: other sources, or other keys of them"] if old.get("problems") != new.get("problems") else []),
        *_values("", old, new, ("attempts", "grader", "rounds")),
        *_values("curation.", _of(old, "curation"), _of(new, "curation")),
        *_graders(before.graders, after.graders),
    )


def _products(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    had, has = old.get("products", ()), new.get("products", ())
    yield from (f"product `{name}` is new in the recipe" for name in has if name not in had)
    yield from (f"product `{name}` left the recipe" for name in had if name not in has)


def _teachers(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    had, has = ({teacher.get("name"): teacher for teacher in recipe.get("teachers", ())} for recipe in (old, new))
    yield from (f"teacher {_code(name)} is new in the recipe" for name in has if name not in had)
    yield from (f"teacher {_code(name)} left the recipe" for name in had if name not in has)
    for name in has:
        if name in had:
            yield from _values(f"teacher {_code(name)}, ", had[name], has[name], OF_TEACHERS)


def _values(
    where: str, old: Mapping[str, Any], new: Mapping[str, Any], names: tuple[str, ...] | None = None
) -> Iterator[str]:
    for name in names or sorted(old.keys() | new.keys()):
        had, has = old.get(name), new.get(name)
        if isinstance(had, dict) and isinstance(has, dict):
            yield from _changes(f"{where}{name}.", had, has)  # no deeper: a stranger's recipe may have no bottom
        elif had != has:
            yield f"{where}{name}: {_code(had)} -> {_code(has)}"


def _changes(where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{where}{name}: {_code(old.get(name))} -> {_code(new.get(name))}"


def _graders(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(old.keys() & new.keys()):
        if old[name] != new[name]:
            yield f"grader {_code(name)}: {_code(old[name])} -> {_code(new[name])}"


def _of(recipe: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = recipe.get(name)
    return found if isinstance(found, dict) else {}


def _code(value: object) -> str:
    """Return a value as code, on one line and cut short: a recipe may come from a stranger, and hold Markdown.

    >>> _code({"max": 4}), _code("a`b"), _code(None)
    ('`{"max": 4}`', "`a'b`", '`none`')
    """
    told = value if isinstance(value, str) else "none" if value is None else json.dumps(value, ensure_ascii=False)
    line = " ".join(told.replace("`", "'").split())
    return f"`{line if len(line) <= LONGEST_VALUE else line[:LONGEST_VALUE] + '...'}`"
