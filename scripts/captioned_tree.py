"""Print the captioned tree: every module with the first line of its docstring.

`--write` puts it into docs/files.md. `tests/test_project.py` fails while the two differ.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("schemas", "generators", "graders", "curation", "warehouse", "data_contracts", "publishing", "flows")
PAGE = ROOT / "docs" / "files.md"
HEAD = """\
<!-- Made by scripts/captioned_tree.py --write from the first lines of docstrings: edit those. -->
# Every file

One idea a file, and what it is in the first line of its docstring. [Architecture](architecture.md) follows one chain
through these files. Beside the rooms: `recipes/` (one YAML file a dataset), `scripts/` (set-up, demo, tests, and what
makes this page), `tests/` (mirrors the rooms), `benchmarks/` ([measured by hand](benchmarks.md)), `docs/` (these
pages), `src/cotfactory/` (the import name: what is public, and a link to each room), `requirements.lock` (what is
installed, with hashes).

"""


def tree() -> str:
    """Return the tree as a Markdown code block."""
    lines = [line for room in ROOMS for line in _folder(ROOT / room, 0)]
    return "```text\n" + "\n".join(lines) + "\n```\n"


def page() -> str:
    """Return the whole page as Markdown."""
    return HEAD + tree()


def _folder(folder: Path, depth: int) -> Iterator[str]:
    yield _line(depth, f"{folder.name}/", _caption(folder / "__init__.py"))
    for path in sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.is_dir() and (path / "__init__.py").exists():
            yield from _folder(path, depth + 1)
        elif path.suffix == ".py" and path.name != "__init__.py":
            yield _line(depth + 1, path.name, _caption(path))


def _line(depth: int, name: str, caption: str) -> str:
    return f"{'  ' * depth + name:<30}{caption}"


def _caption(module: Path) -> str:
    text = ast.get_docstring(ast.parse(module.read_text("utf-8"))) or ""
    return text.partition("\n")[0]


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(), "utf-8")
    else:
        print(page(), end="")
