"""The syntax tree of Python text, made for one thread at a time: in older interpreters two would disturb each other."""

import ast
import threading

_MAKING = threading.RLock()
"""CPython before 3.11.8 and 3.12.2 counts the depth of a tree once for all threads. Where a second thread makes one in
between, the first has `SystemError: AST constructor recursion depth mismatch`, and its chain no verdict."""


def syntax_tree(text: str) -> ast.Module:
    """Return the tree of a program. Raises SyntaxError, ValueError, RecursionError or MemoryError."""
    with _MAKING:
        return ast.parse(text)


def expression_tree(text: str) -> ast.expr:
    """Return the tree of one expression. Raises SyntaxError, ValueError, RecursionError or MemoryError."""
    with _MAKING:
        return ast.parse(text, mode="eval").body
