"""Runs cells of Python one after the other as a notebook does, and tells what the last of them shows, or answers.

Sent into the container as text. Cells share one namespace; what a cell prints and the value of its last expression are
what it shows, and an error ends a cell but not those after it. A program is one cell; its answer is the last line that
it shows, or what it left in a variable, or returns from a function, of an agreed name.
"""

import ast
import importlib
import io
import json
import sys
import traceback
import types
from contextlib import redirect_stdout, suppress
from typing import Any

from cotfactory.graders.sandbox.prelude import MODULES, STANDARD, TYPING, names_of

FRAMES = 5
"""How many places an error is told with: those nearest to it."""
SHORT_NAMES = {"np": "numpy", "pd": "pandas", "sp": "sympy"}
"""What everybody calls these modules."""
MATHEMATICS = frozenset({"numpy", "scipy", "sympy", *MODULES})


class Cell:
    """What came of one cell: `raised` is the error as an interpreter tells it, `value` that of its last expression."""

    def __init__(self) -> None:
        self.printed = io.StringIO()
        self.value: Any = None
        self.raised = ""

    def shown(self) -> str:
        """Return what people see below the cell."""
        value = "" if self.value is None else repr(self.value)
        parts = (self.printed.getvalue().rstrip("\n"), value, self.raised)
        return "\n".join(part for part in parts if part)


def run_cells(way: dict[str, Any]) -> bytes:
    """Run all cells; return what the last one shows, and what the names give, as JSON."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    space = module.__dict__
    cell = Cell()
    for number, code in enumerate(way["cells"], start=1):
        cell = run_cell(code, f"<cell {number}>", space, prelude=bool(way["names"]))
    told: dict[str, Any] = {"raised": cell.raised, "answer": None}
    if way["names"] and not cell.raised:
        told["answer"] = answer_of(cell, way["cells"][-1], way["names"], space)
    told["shown"] = shortened(cell.shown(), way["most_characters"])
    return json.dumps(told).encode()


def run_cell(code: str, name: str, space: dict[str, Any], *, prelude: bool) -> Cell:
    """Run one cell. What is no Python is an error of the cell."""
    cell = Cell()
    with redirect_stdout(cell.printed):
        try:
            tree = ast.parse(code, name)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            body = compile(tree, name, "exec", dont_inherit=True)
            if prelude:
                bind_missing(compile(code, name, "exec", dont_inherit=True), space)
            exec(body, space)  # noqa: S102
            if isinstance(last, ast.Expr):
                cell.value = eval(compile(ast.Expression(last.value), name, "eval", dont_inherit=True), space)  # noqa: S307
                repr(cell.value)  # what cannot be shown is an error of the cell too
        except SystemExit:
            pass
        except BaseException as error:
            if isinstance(error, MemoryError) or (prelude and isinstance(error, ModuleNotFoundError)):
                raise  # no fault of the program
            cell.value, cell.raised = None, told_error(error)
    return cell


def told_error(error: BaseException) -> str:
    """Return an error as an interpreter tells it, without the places that are ours."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith("<cell ")]
    places = [f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}' for frame in frames[-FRAMES:]]
    said = "".join(traceback.format_exception_only(error)).rstrip("\n")
    return "\n".join((["Traceback (most recent call last):", *places] if places else []) + [said])


def bind_missing(code: types.CodeType, space: dict[str, Any]) -> None:
    """Bind what programs use as if it were imported: typing, the standard library, mathematics."""
    for name in names_of(code) - space.keys():
        module = SHORT_NAMES.get(name, name)
        with suppress(ImportError):
            if name in TYPING:
                space[name] = getattr(importlib.import_module("typing"), name)
            elif name in STANDARD:
                space[name] = getattr(importlib.import_module(STANDARD[name]), name)
            elif module in MATHEMATICS or name in SHORT_NAMES:
                space[name] = importlib.import_module(module)


def answer_of(cell: Cell, code: str, names: list[str], space: dict[str, Any]) -> str | None:
    """Return what a program that ended well gives as its answer; None where it gives none.

    What it says last counts: an assignment to one of the names as its last statement, else what it shows, else what is
    left in one of the names, else what the function of such a name returns without being asked anything.
    """
    assigned = next((name for name in names if is_assigned_last(code, name)), None)
    shown = cell.shown()
    if assigned is None and shown.strip():
        return shown
    for name in [assigned, *names] if assigned else names:
        value = space.get(name)
        if value is None or isinstance(value, types.ModuleType | type):
            continue
        if not callable(value):
            return str(value)
    for name in names:
        if isinstance(space.get(name), types.FunctionType):
            with redirect_stdout(io.StringIO()) as printed:
                value = space[name]()
            return printed.getvalue() if value is None else str(value)
    return None


def is_assigned_last(code: str, name: str) -> bool:
    """Whether the last statement of a program assigns to a name."""
    body = ast.parse(code).body
    last = body[-1] if body else None
    targets = last.targets if isinstance(last, ast.Assign) else [last.target] if isinstance(last, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def shortened(text: str, most_characters: int) -> str:
    """Return a text, or its beginning and how much was left out."""
    left_out = len(text) - most_characters
    return text if left_out <= 0 else f"{text[:most_characters]}\n... {left_out} more characters"
