"""What a text binds and uses as a Python module, by its syntax tree; nothing is run.

A model's text of any size and depth: what is too long or no Python binds nothing.
"""

import ast
import builtins
from collections.abc import Iterator

from cotfactory.schemas.syntax_tree import syntax_tree

MOST_CHARACTERS = 100_000


def tree_of(text: str) -> ast.Module | None:
    """Return the syntax tree of a text, None for one that is no Python or too long to be read here."""
    if len(text) > MOST_CHARACTERS:
        return None
    try:
        return syntax_tree(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def is_program(text: str) -> bool:
    """Whether a text is Python that does something: `1 2 3`, `yes` and `[1, 2]` do nothing."""
    tree = tree_of(text)
    return tree is not None and any(
        not isinstance(statement, ast.Expr) or any(isinstance(part, ast.Call) for part in ast.walk(statement))
        for statement in tree.body
    )


def reads_input(text: str) -> bool:
    """Whether a text reads standard input, as far as its words tell."""
    return any(sign in text for sign in ("input(", "stdin", "open(0"))


def module_names(tree: ast.Module) -> set[str]:
    """Return the names that a module binds when it is loaded, also below `if`, `try`, `with` and loops."""
    return {name for statement in _loaded(tree.body) for name in _bound(statement)}


def free_names(tree: ast.Module) -> set[str]:
    """Return the names that a module uses and binds nowhere, built-in ones aside."""
    used: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            bound |= set(_bound(node))
    return {name for name in used - bound if not hasattr(builtins, name)}


def returns_at_top(tree: ast.Module) -> bool:
    """Whether a module returns outside any function: then it is the body of one."""
    return any(isinstance(statement, ast.Return) for statement in _loaded(tree.body))


def _loaded(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a module is loaded."""
    waiting = list(reversed(body))
    while waiting:
        statement = waiting.pop()
        yield statement
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for name in ("body", "orelse", "finalbody"):
                waiting += getattr(statement, name, [])
            for handler in getattr(statement, "handlers", []):
                waiting += handler.body


def _bound(statement: ast.AST) -> Iterator[str]:
    """Yield the names that one statement binds."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            yield alias.asname or alias.name.partition(".")[0]
    else:
        for name in ("targets", "target"):
            targets = getattr(statement, name, [])
            for target in targets if isinstance(targets, list) else [targets]:
                yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))
