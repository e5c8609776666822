"""Print the test files that a change calls for, one a line: what `sh scripts/test.sh --changed [BASE]` runs.

The change is what the working tree holds beyond BASE (default: the last commit), new files included. It calls for

- the tests that mirror each changed module: `tests/ROOM/test_NAME.py`, or all of `tests/ROOM` where there is none;
- the tests that mirror the modules which import it, where there are such;
- a changed test itself, and for anything else below `tests/` the tests of its folder;
- `tests/ROOM` for a template, a contract, a prompt or another file of a room;
- the tests at the top (project, docs, dependencies), always.

It is a first answer, before a commit; `sh scripts/test.sh` is the whole one.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGE = "cotfactory"


def changed_files(base: str) -> list[str]:
    """Return the paths that differ from `base`, deleted ones included, and those that git does not know yet."""
    found: set[str] = set()
    for command in (["git", "diff", "--name-only", base], ["git", "ls-files", "--others", "--exclude-standard"]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
        found |= set(done.stdout.splitlines())
    return sorted(found)


def tests_for(changed: Iterable[str], importers: dict[str, set[str]]) -> list[Path]:
    """Return the test files and folders to run; `importers` holds, by module file, the files that import it."""
    wanted = set(ROOT.glob("tests/test_*.py"))
    for name in changed:
        wanted |= set(_tests_of(Path(name)))
        wanted |= {_mirror(Path(importer)) for importer in importers.get(name, ())}
    folders = {path for path in wanted if path.is_dir()}
    return sorted(path for path in wanted if path.exists() and not folders & set(path.parents))


def module_importers() -> dict[str, set[str]]:
    """Return, for each file of ours, the files that import it, both relative to the repository."""
    graph = grimp.build_graph(PACKAGE)
    return {
        _file(module): {_file(importer) for importer in graph.find_modules_that_directly_import(module)}
        for module in graph.modules
    }


def _file(module: str) -> str:
    path = module.removeprefix(f"{PACKAGE}.").replace(".", "/")
    return f"{path}.py" if (ROOT / f"{path}.py").exists() else f"{path}/__init__.py"


def _mirror(path: Path) -> Path:
    return ROOT / "tests" / path.parent / f"test_{path.stem}.py"


def _tests_of(path: Path) -> Iterator[Path]:
    """Yield the tests that mirror one file."""
    if path.parts[0] == "tests":
        yield ROOT / path if path.name.startswith("test_") else ROOT / path.parent
    elif len(path.parts) > 1 and (ROOT / "tests" / path.parts[0]).is_dir():
        mirror = _mirror(path)
        folder = mirror.parent
        while not folder.is_dir():
            folder = folder.parent
        yield mirror if mirror.exists() else folder


if __name__ == "__main__":
    print(*tests_for(changed_files(sys.argv[1] if len(sys.argv) > 1 else "HEAD"), module_importers()), sep="\n")
