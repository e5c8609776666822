"""Print the README's captioned tree: every module with the first line of its docstring.

`--write` puts it into README.md between its two markers. `tests/test_project.py` fails while the two differ.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("schemas", "generators", "graders", "curation", "warehouse", "data_contracts", "publishing", "flows")
START, END = "<!-- tree: scripts/captioned_tree.py --write -->\n", "<!-- end of tree -->\n"


def tree() -> str:
    """Return the tree as a Markdown code block."""
    lines = [line for room in ROOMS for line in _folder(ROOT / room, 0)]
    return "```text\n" + "\n".join(lines) + "\n```\n"


def readme_with_tree(readme: str) -> str:
    """Return the README's text with the tree between the markers renewed."""
    before, _, rest = readme.partition(START)
    return before + START + tree() + END + rest.partition(END)[2]


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
        readme = ROOT / "README.md"
        readme.write_text(readme_with_tree(readme.read_text("utf-8")), "utf-8")
    else:
        print(tree(), end="")
