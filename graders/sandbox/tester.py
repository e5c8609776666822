"""Runs a problem's own test code without the program it tests: every call of the entry point is answered from outside.

Sent into the container as text. The test code runs beside stand-ins for the entry point. A stand-in gives back what the
program returned for the same arguments in a container of its own; where that is not known yet, it notes the arguments
and goes on speculating, with a value that agrees with everything, to note as many calls as it can in one go. So the
program never shares a process with the test code, and of it only plain values come in.
"""

import ast
import builtins
import json
import sys
import types
from collections.abc import Callable, Container
from contextlib import suppress
from typing import Any

from cotfactory.graders.sandbox.values import decode, encode

MOST_CALLS = 2000
MODULES = ("solution", "main", "program", "answer")
"""Under these names test code may import the entry point."""


class LeftError(BaseException):
    """The test code cannot go on: what it does next depends on a result that is not known yet."""


class NotApartError(Exception):
    """The test code needs more of the program than calls with plain values."""


class NotPlainError(Exception):
    """The program returned something that is no plain value."""


class Agreeable:
    """A result that is not known yet; it agrees with whatever is said of it, and of other uses it knows nothing."""

    def __eq__(self, other: object) -> bool:
        return True

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __eq__
    __hash__ = None  # type: ignore[assignment]

    def __float__(self) -> float:
        return 1.0

    def __int__(self) -> int:
        return 1

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Any:
        return iter(())

    def __add__(self, _: object) -> "Agreeable":
        return self

    __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __neg__ = __abs__ = __round__ = __add__
    __getitem__ = __add__


class Tester:
    """The state of one run of the test code."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known
        self.wanted: dict[str, Any] = {}
        self.assertions = self.calls = 0

    @property
    def speculating(self) -> bool:
        """Whether a result was asked for that is not known."""
        return bool(self.wanted)

    def tick(self) -> None:
        """Count an assertion that is about to be made."""
        self.assertions += 1

    def stand_in(self, name: str) -> Callable[..., Any]:
        """Return what takes the place of a function of the program."""

        def call(*args: Any, **kwargs: Any) -> Any:
            return self.call(name, args, kwargs)

        call.__name__ = name
        return call

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return or raise what the program did with these arguments, or note them."""
        self.calls += 1
        if any(isinstance(value, Agreeable) for value in (*args, *kwargs.values())):
            raise LeftError
        asked = {
            "name": name,
            "args": encode(list(args)),
            "kwargs": {key: encode(item) for key, item in kwargs.items()},
        }
        key = json.dumps(asked)
        if '{"o": ' in key or '{"g": ' in key:
            if self.speculating:
                raise LeftError
            raise NotApartError("an argument that is no plain value")
        if self.speculating or key not in self.known:
            if key not in self.known:
                self.wanted[key] = asked
            if len(self.wanted) >= MOST_CALLS:
                raise LeftError
            return Agreeable()
        return answer_of(self.known[key], args)


def answer_of(answer: dict[str, Any], args: tuple[Any, ...]) -> Any:
    """Return the value, or raise the exception, that a call came to; arguments it changed are changed here."""
    if "raised" in answer:
        kinds = [kind for name in answer["raised"] if isinstance(kind := getattr(builtins, name, None), type)]
        raise next((kind for kind in kinds if issubclass(kind, Exception)), Exception)(answer["message"])
    try:
        value = decode(answer["value"])
        changed = decode(answer["args"]) if answer["args"] is not None else None
    except (AttributeError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise NotPlainError from error
    for given, after in zip(args, changed or (), strict=False):
        if isinstance(given, list):
            given[:] = after
        elif isinstance(given, dict | set):
            given.clear()
            given.update(after)
    return value


class Counted(ast.NodeTransformer):
    """Makes every `assert` count, and pass while its outcome is not known."""

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """Wrap one assertion."""
        (wrapped,) = ast.parse(
            "try:\n    _tester.tick()\n    pass\nexcept BaseException as _error:\n"
            "    if not _tester.speculating or type(_error).__name__ == 'LeftError': raise"
        ).body
        assert isinstance(wrapped, ast.Try)
        wrapped.body[1] = node
        return ast.copy_location(wrapped, node)


def run_tests(way: dict[str, Any]) -> bytes:
    """Run test code; return what is still to be called, or how it ended, as JSON."""
    tester = Tester(way["known"])
    ended: dict[str, Any] = {"outcome": "passed", "detail": None}
    try:
        _run_code(tester, way)
    except LeftError:
        ended = {"outcome": "left", "detail": None}
    except NotPlainError:
        ended = {"outcome": "not_a_value", "detail": None}
    except (NameError, ImportError, NotApartError) as error:
        ended = {"outcome": "not_apart", "detail": f"{type(error).__name__}: {error}"[:200]}
    except BaseException as error:
        ended = {"outcome": "failed", "detail": f"{type(error).__name__}: {error}"[:200]}
    counted = {"assertions": tester.assertions, "calls": tester.calls}
    return json.dumps({**ended, **counted, "wanted": list(tester.wanted.values())}).encode()


def _run_code(tester: Tester, way: dict[str, Any]) -> None:
    module = types.ModuleType("__main__")
    space = module.__dict__
    sys.modules["__main__"] = module
    if "random" in way["code"]:
        import random

        random.seed(0)
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            numpy.random.seed(0)
    for name in ("math", "sys", "re"):
        space[name] = __import__(name)
    with suppress(Exception):
        exec(compile(way["given"], "question.py", "exec", dont_inherit=True), space)  # noqa: S102
    entry_point = way["entry_point"]
    space["_tester"] = tester
    space[entry_point] = _class_stand_in(tester) if entry_point == "Solution" else tester.stand_in(entry_point)
    for name in MODULES:
        imported = types.ModuleType(name)
        imported.__dict__[entry_point] = space[entry_point]
        sys.modules[name] = imported
    _run_all(tester, way["code"], space, entry_point)


def run_beside(space: dict[str, Any], way: dict[str, Any]) -> bool:
    """Run test code in the program's own namespace; whether it asserted anything. Raises what the test code raises."""
    tester = Tester({})
    for name in MODULES:
        sys.modules[name] = sys.modules["program"]
    space["_tester"] = tester
    space["__name__"] = "__main__"
    before = set(space)
    _run_all(tester, way["code"], space, way["entry_point"], before)
    return tester.assertions > 0


def _run_all(
    tester: Tester, code: str, space: dict[str, Any], entry_point: str | None, before: Container[str] = ()
) -> None:
    """Run test code, its `check`, and what unittest and pytest would collect of it."""
    tree = ast.fix_missing_locations(Counted().visit(ast.parse(code)))
    if "unittest" in code:
        _count_methods(tester)
    with suppress(SystemExit):
        exec(compile(tree, "tests.py", "exec", dont_inherit=True), space)  # noqa: S102
    check = space.get("check")
    if entry_point is not None and callable(check) and not _calls_check(tree):
        check(space[entry_point])
    _run_functions_and_classes({name: item for name, item in space.items() if name not in before})


def _class_stand_in(tester: Tester) -> type:
    """Return what takes the place of LeetCode's `class Solution`: a call of a method makes an instance of its own."""

    class Solution:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            if name.startswith("__"):
                raise AttributeError(name)
            return tester.stand_in(f"Solution.{name}")

    return Solution


def _calls_check(tree: ast.AST) -> bool:
    """Whether the test code calls its `check` itself."""
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"
        for node in ast.walk(tree)
    )


def _count_methods(tester: Tester) -> None:
    """Make the assertions of unittest count, and pass while their outcome is not known."""
    import unittest

    unittest.main = lambda *_, **__: None  # type: ignore[assignment]

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def made(*args: Any, **kwargs: Any) -> Any:
            tester.tick()
            try:
                return method(*args, **kwargs)
            except Exception:
                if not tester.speculating:
                    raise

        return made

    for name in dir(unittest.TestCase):
        if name.startswith("assert") and name not in ("assertRaises", "assertRaisesRegex", "assertWarns", "assertLogs"):
            setattr(unittest.TestCase, name, counted(getattr(unittest.TestCase, name)))
    for name in ("assertRaises", "assertRaisesRegex"):
        plain = getattr(unittest.TestCase, name)

        def ticking(*args: Any, plain: Callable[..., Any] = plain, **kwargs: Any) -> Any:
            tester.tick()
            return plain(*args, **kwargs)

        setattr(unittest.TestCase, name, ticking)


def _run_functions_and_classes(space: dict[str, Any]) -> None:
    """Run what unittest and pytest would collect."""
    unittest = sys.modules.get("unittest")
    for name, item in list(space.items()):
        if isinstance(item, type) and unittest is not None and issubclass(item, unittest.TestCase):
            unittest.defaultTestLoader.loadTestsFromTestCase(item).debug()
        elif isinstance(item, type) and name.startswith("Test"):
            for method in [method for method in vars(item) if method.startswith("test")]:
                instance = item()
                if hasattr(instance, "setup_method"):
                    instance.setup_method()
                _run_function(getattr(instance, method))
        elif isinstance(item, types.FunctionType) and name.startswith("test"):
            _run_function(item)


def _run_function(function: Callable[..., Any]) -> None:
    """Run a test function, once for each row of pytest's `parametrize`; one with fixtures cannot be run."""
    rows: list[dict[str, Any]] = [{}]
    for mark in getattr(function, "pytestmark", ()):
        if mark.name == "parametrize":
            names = mark.args[0] if not isinstance(mark.args[0], str) else mark.args[0].replace(" ", "").split(",")
            values = [row if len(names) > 1 else (row,) for row in mark.args[1]]
            rows = [{**row, **dict(zip(names, value, strict=False))} for row in rows for value in values]
    code = getattr(function, "__code__", None) or function.__func__.__code__  # type: ignore[attr-defined]
    needed = code.co_varnames[: code.co_argcount]
    defaults = len(getattr(function, "__defaults__", None) or ())
    needed = [name for name in needed[: len(needed) - defaults] if name != "self" and name not in rows[0]]
    if needed:
        raise NotApartError(f"a test that takes arguments: {', '.join(needed)}")
    for row in rows:
        function(**row)
