"""A recipe file as plain YAML values, with the line that each stands on; what could hang or mislead is refused.

YAML lets the last of two equal keys win, reads `2024-13-45` as a date, and lets ten lines stand for a billion: a
recipe from a stranger is read without any of it.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from cotfactory.schemas.errors import RecipeError, one_line

LARGEST_FILE = 1 << 20
"""Bytes. A recipe is written by hand; 1,000 teachers fit."""
MOST_VALUES = 50_000
"""With what aliases repeat."""
DEEPEST = 50
LONGEST_NUMBER = 400
"""Signs: no float has more, and Python refuses whole numbers of more than 4,300."""
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_TAGS = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map"))
_NUMBERS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})
_MERGE = "tag:yaml.org,2002:merge"

Place = tuple[Hashable, ...]
"""Keys and positions from the top, as pydantic names a place: `("teachers", 0, "model")`."""

Refuse = Callable[..., RecipeError]
"""`_refuse` of one file: (what it has, line) -> the error."""


class _RecipeLoader(yaml.SafeLoader):
    """YAML's plain values alone: dates stay text, and there is no way to name another type."""


_RecipeLoader.yaml_implicit_resolvers = {
    sign: [(tag, pattern) for tag, pattern in resolvers if tag in (*_TAGS, _MERGE)]
    for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_recipe_file(path: Path) -> tuple[dict[str, Any], Mapping[Place, int]]:
    """Return the values of a recipe file, and the line (from 1) of each place in it.

    Raises RecipeError for a file that is not there, too large, no YAML, no mapping, or that has a key twice, a type
    that is none of YAML's plain ones, a value that holds itself, or signs that no table can store.
    """
    refuse = partial(_refuse, path)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError as error:
        raise RecipeError(f"Recipe {path.resolve()} does not exist", "give the path of a YAML file") from error
    except (OSError, ValueError) as error:
        raise RecipeError(f"Recipe {path} cannot be read: {one_line(error)}", "give the path of a YAML file") from error
    if len(content) > LARGEST_FILE:
        raise refuse(f"larger than {LARGEST_FILE:,} bytes")
    lines: dict[Place, int] = {}
    try:
        loader = _RecipeLoader(content.decode("utf-8"))
        top = loader.get_single_node()
        if not isinstance(top, MappingNode):
            raise RecipeError(f"Recipe {path} holds no keys: expected name, problems, teachers, release", "see README")
        _walk(top, (), lines, [], refuse)
        values = loader.construct_document(top)
    except RecursionError as error:
        raise refuse(f"nested deeper than {DEEPEST} levels") from error
    except (yaml.YAMLError, ValueError, KeyError) as error:  # `!!int abc` is a ValueError, `!!bool abc` a KeyError
        said = one_line(error)
        if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
            said = f"line {error.problem_mark.line + 1}: {error.problem}"
        raise RecipeError(f"Recipe {path} is not readable YAML: {said}", "fix the file; indent with spaces") from error
    return values, lines


def line_of(place: Sequence[Hashable], lines: Mapping[Place, int]) -> int | None:
    """Return the line of a place, or of what it lies in where it is missing itself.

    A union's own words in a place of pydantic's (`("problems", 0, "file", "path")`) are passed over.
    """
    found: Place = ()
    for part in place:
        if (*found, part) in lines:
            found = (*found, part)
    return lines.get(found)


def _walk(node: Node, place: Place, lines: dict[Place, int], above: list[Node], refuse: Refuse) -> None:
    line = node.start_mark.line + 1
    if len(lines) >= MOST_VALUES:
        raise refuse(f"more than {MOST_VALUES:,} values, with what its aliases repeat", line)
    if any(node is holder for holder in above):
        raise refuse("a value that holds itself", line)
    if len(above) >= DEEPEST:
        raise refuse(f"nested deeper than {DEEPEST} levels", line)
    if node.tag not in _TAGS:
        raise refuse(f"the type {node.tag!r}: expected texts, numbers, true, false, null, lists and keys", line)
    lines[place] = line
    above.append(node)
    if isinstance(node, ScalarNode):
        _check_scalar(node, line, refuse)
    elif isinstance(node, SequenceNode):
        for position, item in enumerate(node.value):
            _walk(item, (*place, position), lines, above, refuse)
    elif isinstance(node, MappingNode):
        _walk_keys(node, place, lines, above, refuse)
    above.pop()


def _walk_keys(node: MappingNode, place: Place, lines: dict[Place, int], above: list[Node], refuse: Refuse) -> None:
    first: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, ScalarNode):
            raise refuse("a list or mapping as a key", line)
        if key.tag == _MERGE:
            _walk(value, (*place, "<<"), lines, above, refuse)
            continue
        _check_scalar(key, line, refuse)
        if key.value in first:
            raise refuse(f"the key {key.value!r} on line {first[key.value]} and again: expected once", line)
        first[key.value] = line
        _walk(value, (*place, key.value), lines, above, refuse)
        lines[(*place, key.value)] = line


def _check_scalar(node: ScalarNode, line: int, refuse: Refuse) -> None:
    sign = _UNSTORABLE.search(node.value)
    if sign:
        raise refuse(f"the sign U+{ord(sign[0]):04X}, which no file name, table or request can hold", line)
    if node.tag in _NUMBERS and len(node.value) > LONGEST_NUMBER:
        raise refuse(f"a number of {len(node.value):,} signs", line)


def _refuse(path: Path, has: str, line: int | None = None) -> RecipeError:
    where = f"Recipe {path}" + (f", line {line}," if line else "")
    return RecipeError(f"{where} has {has}" if line else f"{where} is {has}", "fix the file")
