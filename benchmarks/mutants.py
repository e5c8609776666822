"""Would the tests notice a wrong change? Random changes of a module's code, each against the tests that mirror it.

    python -m benchmarks.mutants [MODULE ...] [--seed S] [--per-module N]

Run by hand. A change is one of: a comparison turned (`<` to `<=`), a constant moved, `and` for `or`, a `not` dropped,
an operator swapped, two arguments swapped, `min` for `max`, `any` for `all`, a statement deleted. MODULE is a path such
as `curation/choose.py`; without any those of DEFAULT are taken. N changes of each are drawn with the seed.

No source is written: every change runs in a forked process, into whose imports the changed code is put. Tests that
start a process of their own therefore see the code as it is, and tests edited during a run are met by the changes that
come after. What takes five times as long as the unchanged tests counts as killed. Prints, by module, how many were
killed, and every survivor as a diff: whether a survivor changes anything is for people to say, and the score is of
those that do.
"""

import argparse
import ast
import copy
import difflib
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
DEFAULT = (
    "publishing/versions.py", "publishing/licenses.py", "curation/chain_checks/arithmetic_steps.py",
    "curation/choose.py", "graders/code/compare.py", "graders/extract.py", "generators/teacher/reasoning.py",
    "publishing/products/preference.py", "graders/choices.py", "publishing/products/rl.py",
    "generators/teacher/completions.py", "graders/math/numbers.py", "curation/decontaminate.py",
    "generators/teacher/rate_headers.py", "generators/teacher/limiter.py", "generators/teacher/budget.py",
    "warehouse/journal_reader.py",
    "generators/ask/stopping.py", "warehouse/seal.py", "schemas/ids.py", "data_contracts/violations.py",
)  # fmt: skip
MIRRORS: dict[str, tuple[str, ...]] = {
    "generators/teacher/reasoning.py": (
        "tests/generators/teacher/test_reasoning.py",
        "tests/schemas/test_reasoning_tags.py",
    ),
    "warehouse/journal_reader.py": ("tests/warehouse/test_journal_reader.py", "tests/warehouse/test_ledger.py"),
}
"""Where more than `tests/ROOM/test_NAME.py` mirrors a module."""
WARM = (
    "hypothesis",
    "pydantic",
    "numpy",
    "pyarrow.parquet",
    "pyarrow.json",
    "duckdb",
    "aiohttp.web",
    "rapidfuzz",
    "yaml",
)
"""Imported before the first fork: a change then costs the time of its tests."""
SWAPPED: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
TIMES, AT_LEAST_S = 5.0, 30.0


def main() -> None:
    """Draw changes, run their tests, print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", default=DEFAULT, metavar="MODULE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--per-module", type=int, default=10)
    options = parser.parse_args()
    for name in WARM:
        importlib.import_module(name)
    killed = made = 0
    for module in options.modules:
        source = (ROOT / module).read_text("utf-8")
        tests = MIRRORS.get(module) or (f"tests/{Path(module).parent}/test_{Path(module).stem}.py",)
        started = time.monotonic()
        if run_tests(module, source, tests, 600.0) != 0:
            print(f"{module}: its tests fail without any change, or there are none: {', '.join(tests)}")
            continue
        limit_s = max(AT_LEAST_S, TIMES * (time.monotonic() - started))
        changes = sorted(set(mutants(source)) - {ast.unparse(ast.parse(source))})
        drawn = random.Random(f"{options.seed} {module}").sample(changes, min(options.per_module, len(changes)))  # noqa: S311
        survivors = [changed for changed in drawn if run_tests(module, changed, tests, limit_s) == 0]
        made, killed = made + len(drawn), killed + len(drawn) - len(survivors)
        print(f"{module}: {len(drawn) - len(survivors)} of {len(drawn)} killed", flush=True)
        for changed in survivors:
            print("\n".join(difference(source, changed)), flush=True)
    print(f"all: {killed} of {made} killed = {killed / max(made, 1):.1%}, seed {options.seed}")


def mutants(source: str) -> Iterator[str]:
    """Yield the code of a module with one change each."""
    tree = ast.parse(source)
    places = [node for node in ast.walk(tree) if not isinstance(node, ast.Module)]
    skipped = {id(inner) for node in places for outside in _not_run(node) for inner in ast.walk(outside)}
    for place, node in enumerate(ast.walk(tree)):
        if id(node) in skipped:
            continue
        for number in range(3):
            changed = copy.deepcopy(tree)
            twin = next(found for at, found in enumerate(ast.walk(changed)) if at == place)
            if not _change(twin, number):
                break
            yield ast.unparse(ast.fix_missing_locations(changed))


def _not_run(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what of a node is no behaviour: annotations, docstrings, decorators."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield from node.decorator_list
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
        yield node.returns
    if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
        yield node.annotation
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node
    if isinstance(node, ast.JoinedStr | ast.Raise | ast.Import | ast.ImportFrom):
        yield node


def _change(node: ast.AST, number: int) -> bool:
    """Make the change of that number at a node; return whether there is one."""
    if isinstance(node, ast.Compare) and number == 0 and type(node.ops[0]) in SWAPPED:
        node.ops[0] = SWAPPED[type(node.ops[0])]()
        return True
    if isinstance(node, ast.BoolOp | ast.BinOp) and number == 0 and type(node.op) in SWAPPED:
        node.op = SWAPPED[type(node.op)]()
        return True
    if isinstance(node, ast.UnaryOp) and number == 0 and isinstance(node.op, ast.Not):
        node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
        return True
    if isinstance(node, ast.Constant) and number == 0 and isinstance(node.value, bool | int | float):
        node.value = (not node.value) if isinstance(node.value, bool) else node.value + 1
        return True
    if isinstance(node, ast.Call) and number == 0 and isinstance(node.func, ast.Name) and node.func.id in NAMES:
        node.func.id = NAMES[node.func.id]
        return True
    if (
        isinstance(node, ast.Call)
        and number == 0
        and len(node.args) > 1
        and ast.dump(node.args[0]) != ast.dump(node.args[1])
    ):
        node.args[:2] = node.args[1::-1]
        return True
    body = getattr(node, "body", None)
    if isinstance(body, list) and isinstance(
        node, ast.FunctionDef | ast.AsyncFunctionDef | ast.If | ast.For | ast.While
    ):
        statements = [
            at for at, found in enumerate(body) if isinstance(found, ast.AugAssign | ast.Return | ast.Expr | ast.If)
        ]
        statements = [
            at for at in statements if not (isinstance(body[at], ast.Expr) and isinstance(body[at].value, ast.Constant))
        ]
        if number < len(statements):
            body[statements[number]] = ast.Pass()
            return True
    return False


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another source."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, str(self._path), "exec"), module.__dict__)  # noqa: S102 - our own code, changed


def run_tests(module: str, source: str, tests: tuple[str, ...], limit_s: float) -> int:
    """Return pytest's exit code for the tests with that source of the module; 99 when it took too long."""
    process_id = os.fork()
    if process_id == 0:
        os.setpgid(0, 0)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        name = "cotfactory." + module.removesuffix(".py").replace("/", ".")
        sys.meta_path.insert(0, _Changed(name, ROOT / module, source))
        os._exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]))
    ends_at = time.monotonic() + limit_s
    while time.monotonic() < ends_at:
        found, status = os.waitpid(process_id, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(process_id, signal.SIGKILL)
    os.waitpid(process_id, 0)
    return 99


def difference(source: str, changed: str) -> list[str]:
    """Return the lines that differ, without what unparsing alone changes."""
    before = ast.unparse(ast.parse(source)).splitlines()
    lines = difflib.unified_diff(before, changed.splitlines(), lineterm="", n=0)
    return [f"    {line}" for line in lines if not line.startswith(("---", "+++"))]


if __name__ == "__main__":
    main()
