"""What is imported is declared, and what is declared is imported: a user installs neither too little nor too much."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = sorted((ROOT / "src" / "cotfactory").iterdir())

IN_ANOTHER = {"pydantic_core": "pydantic"}
"""Imported module -> the declared package that pins it."""
AS_TEXT = {"vl-convert-python"}
"""`publishing/charts.py` runs it in a process of its own, whose code is a text."""
EXTRAS = {"reasoning-gym", "math-verify", "torch", "ray"}
"""Imported where they are installed, else told: extras of their own."""
RELEASED = {"verifiers"}
"""Imported by a file that releases carry, where a trainer runs it."""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {canonical(re.split(r"[<>=\[;~! ]", requirement)[0]) for requirement in project["dependencies"]}


def imported() -> set[str]:
    """Return the packages that our code imports, anywhere in a file."""
    distributions = packages_distributions()
    found: set[str] = set()
    for path in (file for room in ROOMS for file in ([room] if room.suffix == ".py" else room.rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for top in {name.partition(".")[0] for name in names} - {"cotfactory", *sys.stdlib_module_names}:
                found |= {canonical(name) for name in distributions.get(top, [IN_ANOTHER.get(top, top)])}
    return {IN_ANOTHER.get(name.replace("-", "_"), name) for name in found} - EXTRAS - RELEASED


def test_what_is_imported_is_declared() -> None:
    assert imported() - declared() == set()


def test_what_is_declared_is_imported() -> None:
    assert declared() - imported() == AS_TEXT


@pytest.mark.parametrize("lock", ["reasoning-gym.lock", "ray.lock"])
def test_the_lock_of_an_extra_repeats_nothing(lock: str) -> None:
    main, extra = (
        {re.split(r"[=\[]", line)[0] for line in (ROOT / name).read_text("utf-8").splitlines() if "==" in line}
        for name in ("requirements.lock", lock)
    )
    assert extra
    assert main & extra == set()
