"""Recompute the equations in a text, with nothing shared with the code that wrote them."""

import ast
import re
from fractions import Fraction
from itertools import pairwise

LEFT = re.compile(r"[-\d.(][-+*/().\d ]*$")
RIGHT = re.compile(r"-?\d+(?:\.\d+|/\d+)?")


def equations(text: str) -> list[tuple[str, str]]:
    """Every `left = right` of a text with an operation on its left side."""
    found = []
    for line in text.splitlines():
        pieces = line.split(" = ")
        for before, after in pairwise(pieces):
            left, right = LEFT.search(before), RIGHT.match(after)
            if left and right and re.search(r"\d\)? [-+*/] ", left[0]):
                found.append((left[0].strip(), right[0]))
    return found


def wrong_equations(text: str) -> list[tuple[str, str]]:
    return [(left, right) for left, right in equations(text) if value(left) != Fraction(right)]


def value(expression: str) -> Fraction:
    def of(node: ast.expr) -> Fraction:
        if isinstance(node, ast.UnaryOp):
            return -of(node.operand)
        if isinstance(node, ast.BinOp):
            left, right = of(node.left), of(node.right)
            match node.op:
                case ast.Add():
                    return left + right
                case ast.Sub():
                    return left - right
                case ast.Mult():
                    return left * right
                case _:
                    return left / right
        return Fraction(ast.get_source_segment(expression, node) or "")

    return of(ast.parse(expression, mode="eval").body)
