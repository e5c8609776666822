"""Expressions: LaTeX or plain algebra in, a small syntax tree out. Nothing is ever evaluated as code.

The tree is nested tuples: `("num", Fraction)`, `("sym", name)`, `("const", "pi" | "e" | "i")`, `("inf",)`,
`("add", a, b)`, `("neg", a)`, `("mul", a, b)`, `("div", a, b)`, `("pow", base, exponent)`,
`("fn", name, *arguments)`. Length, nesting and number of tokens are bounded before anything is built.
"""

import re
from fractions import Fraction
from typing import Any

Tree = tuple[Any, ...]

MAX_CHARS = 1_000
MAX_TOKENS = 400
MAX_DEPTH = 40
MAX_NUMBER_DIGITS = 400


class Unreadable(Exception):
    """The text is no expression that these rules read; the message says at what."""


class TooLarge(Unreadable):
    """The text is beyond a bound on length, nesting or size."""


_TOKEN = re.compile(
    r"\\[A-Za-z]+|\\[{}|]|[0-9]+(?:\.[0-9]+)?E[-+]?[0-9]{1,2}(?![0-9])|[0-9]+\.[0-9]+|\.[0-9]+|[0-9]+\.?|[A-Za-z]+'*|\\dollar|[-+*/^_!(){}\[\]|,]|\S"
)
_NAMED = {
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "ln", "log",
    "exp", "sqrt", "gcd", "lcm", "max", "min", "abs", "det", "floor", "ceil", "binom",
}  # fmt: skip
_ALIASES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "lg": "log", "cosec": "csc", "ceiling": "ceil"}
_INVERSE = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}
_FIXED_ARGUMENT = {"sqrt", "gcd", "lcm", "max", "min", "abs", "exp", "floor", "ceil", "binom"}
_APPLIED = set("fghFGT")
"""Letters that name a function where a parenthesis follows: `f(x)` is no product."""

_CHOICES = re.compile(r"([CP])\(\s*([0-9]{1,3})\s*,\s*([0-9]{1,3})\s*\)\Z|([0-9]{1,3})\s?([CP])\s?([0-9]{1,3})\Z")
_GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "phi", "varphi", "chi", "psi", "omega", "Gamma", "Delta",
    "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega", "ell", "hbar",
}  # fmt: skip
_CLOSING = {"(": ")", "[": "]", "{": "}", "|": "|", "\\{": "\\}", "\\lfloor": "\\rfloor", "\\lceil": "\\rceil"}
_TIMES = {"*", "\\cdot", "\\times", "\\ast"}
_ENDS = {")", "]", "}", "\\}", "\\rfloor", "\\rceil", ",", "+", "-", "/", "\\div", "\\mod"} | _TIMES

_DEGREE: Tree = ("div", ("const", "pi"), ("num", Fraction(180)))

_SPACED_SLASH = re.compile(r"(?<= )/ ([0-9]{1,20}[A-Za-z])(?![A-Za-z0-9_^({\\])")


def parse_expression(text: str, tight: bool = False) -> tuple[Tree, bool]:
    r"""Parse cleaned text (`graders.math.latex.clean`); return the tree and whether a slash was ambiguous.

    `1/2x` may mean (1/2)x or 1/(2x): `tight` chooses the second reading. Spaces around the slash show which,
    `a / 2x` is a/(2x). Raises Unreadable.

    >>> parse_expression(r"\frac12x")[0]
    ('mul', ('div', ('num', Fraction(1, 1)), ('num', Fraction(2, 1))), ('sym', 'x'))
    """
    if len(text) > MAX_CHARS:
        raise TooLarge("length")
    if chosen := _CHOICES.match(text):
        return _chosen(chosen[1] or chosen[5], int(chosen[2] or chosen[4]), int(chosen[3] or chosen[6])), False
    tokens = _TOKEN.findall(_SPACED_SLASH.sub(r"/(\1)", text))
    if len(tokens) > MAX_TOKENS:
        raise TooLarge("tokens")
    parser = _Parser(tokens, tight)
    tree = parser.sum(0)
    if parser.at < len(parser.tokens):
        raise Unreadable(parser.tokens[parser.at])
    return tree, parser.ambiguous


def _chosen(letter: str, all_of: int, some: int) -> Tree:
    """`C(10, 3)` and `10C3` choose, `P(10, 3)` arranges."""
    chosen: Tree = ("fn", "binom", ("num", Fraction(all_of)), ("num", Fraction(some)))
    return chosen if letter == "C" else ("mul", chosen, ("fn", "factorial", ("num", Fraction(some))))


class _Parser:
    """Recursive descent over a list of tokens; every method takes its depth and stops at MAX_DEPTH."""

    def __init__(self, tokens: list[str], tight: bool) -> None:
        self.tokens = tokens
        self.at = 0
        self.tight = tight
        self.ambiguous = False
        self.bars = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        piece = self.peek()
        if not piece:
            raise Unreadable("end")
        self.at += 1
        return piece

    def expect(self, piece: str) -> None:
        if self.take() != piece:
            raise Unreadable(f"expected {piece}")

    def sum(self, depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise TooLarge("nesting")
        # The sign belongs to the sum, but in "-1 mod 2" to the number.
        sign = self.take() if self.peek() in ("+", "-") and "\\mod" not in self.tokens else ""
        tree = self.product(depth + 1)
        if sign == "-":
            tree = ("neg", tree)
        while self.peek() in ("+", "-"):
            operator = self.take()
            right = self.product(depth + 1)
            tree = ("add", tree, right if operator == "+" else ("neg", right))
        return tree

    def product(self, depth: int) -> Tree:
        tree = self.signed_power(depth)
        divided = False
        while True:
            piece = self.peek()
            if piece in _TIMES:
                self.take()
                tree, divided = ("mul", tree, self.signed_power(depth)), False
            elif piece in ("/", "\\div"):
                self.take()
                divisor = self.signed_power(depth)
                if self.starts_atom() and not self.peek()[0].isdigit():
                    self.ambiguous = True
                    while self.tight and self.starts_atom() and not self.peek()[0].isdigit():
                        divisor = ("mul", divisor, self.power(depth))
                tree, divided = ("div", tree, divisor), True
            elif piece == "\\mod":
                self.take()
                divisor = self.signed_power(depth)
                whole: Tree = ("fn", "floor", ("div", tree, divisor))
                tree = ("add", tree, ("neg", ("mul", divisor, whole)))  # the remainder has the divisor's sign
            elif self.starts_atom():
                tree = self.juxtaposed(tree, depth, divided)
            else:
                return tree

    def juxtaposed(self, left: Tree, depth: int, divided: bool) -> Tree:
        """Two factors side by side: a product, or a mixed number such as `1\\frac{1}{2}`."""
        if self.peek()[0] in "0123456789." and self.tokens[self.at - 1] not in (")", "}", "\\}"):
            raise Unreadable("two numbers side by side")
        is_fraction = self.peek() == "\\frac"
        right = self.power(depth)
        whole = left[1] if left[0] == "num" else None
        if is_fraction and whole is not None and right[0] == "div" and not divided:
            top, bottom = right[1], right[2]
            if top[0] == bottom[0] == "num" and 0 < top[1] < bottom[1] and whole.denominator == 1:
                return ("add", left, right)
        return ("mul", left, right)

    def starts_atom(self) -> bool:
        piece = self.peek()
        if not piece or piece in _ENDS or piece in ("^", "_", "!"):
            return False
        return not (piece == "|" and self.bars)

    def signed_power(self, depth: int) -> Tree:
        if self.peek() in ("+", "-"):
            if depth > MAX_DEPTH:
                raise TooLarge("nesting")
            return ("neg", self.signed_power(depth + 1)) if self.take() == "-" else self.signed_power(depth + 1)
        return self.power(depth)

    def power(self, depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise TooLarge("nesting")
        tree = self.atom(depth)
        while self.peek() == "!":
            self.take()
            tree = ("fn", "factorial", tree)
        if self.peek() == "^":
            self.take()
            if self.peek() == "\\circ":
                self.take()
                return ("mul", tree, _DEGREE)
            tree = ("pow", tree, self.exponent(depth + 1))
        return tree

    def exponent(self, depth: int) -> Tree:
        if self.peek() == "{":
            return self.group(depth)
        if self.peek() == "-":
            self.take()
            return ("neg", self.exponent(depth + 1))
        return self.power(depth)  # 2^3^2 is 2^(3^2)

    def group(self, depth: int) -> Tree:
        opening = self.take()
        closing = _CLOSING.get(opening)
        if closing is None:
            raise Unreadable(opening)
        outer, self.bars = self.bars, 1 if opening == "|" else 0
        tree = self.sum(depth + 1)
        self.bars = outer
        self.expect(closing)
        return tree

    def argument(self, depth: int) -> Tree:
        """The argument of `\\frac`, `\\sqrt`: a group, or the next single character (`\\frac12`)."""
        piece = self.peek()
        if piece == "{":
            return self.group(depth)
        if piece[:1].isdigit() and len(piece) > 1:
            self.tokens[self.at] = piece[1:]
            return ("num", Fraction(int(piece[0])))
        if piece[:1].isalpha() and len(piece) > 1:
            self.tokens[self.at] = piece[1:]
            return _letter(piece[0])
        return self.atom(depth)

    def atom(self, depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise TooLarge("nesting")
        piece = self.peek()
        if not piece:
            raise Unreadable("end")
        if piece[0] in "0123456789.":
            return self.number()
        if piece == "|":
            self.take()
            outer, self.bars = self.bars, 1
            tree = self.sum(depth + 1)
            self.bars = outer
            self.expect("|")
            return ("fn", "abs", tree)
        if piece in ("\\lfloor", "\\lceil"):
            return ("fn", "floor" if piece == "\\lfloor" else "ceil", self.group(depth))
        if piece in _CLOSING:
            return self.group(depth)
        if piece[0] == "\\":
            return self.command(depth)
        if piece[0].isascii() and piece[0].isalpha():
            return self.letters(depth)
        raise Unreadable(piece)

    def number(self) -> Tree:
        piece = self.take()
        if len(piece) > MAX_NUMBER_DIGITS:
            raise TooLarge("digits")
        digits, _, power = piece.partition("E")  # 2.5E-3; a small e is Euler's number
        whole, _, part = digits.partition(".")
        value = Fraction(int((whole + part) or "0"), 10 ** len(part))
        return ("num", value * Fraction(10) ** int(power) if power else value)

    def command(self, depth: int) -> Tree:
        name = self.take()[1:]
        name = _ALIASES.get(name, name)
        if name == "frac":
            top = self.argument(depth + 1)
            bottom = self.argument(depth + 1)
            if top == ("sym", "d") and bottom[:2] == ("mul", ("sym", "d")):
                raise Unreadable("a derivative")  # d/dx is no quotient
            return ("div", top, bottom)
        if name in ("binom", "tbinom", "dbinom"):
            top = self.argument(depth + 1)
            return ("fn", "binom", top, self.argument(depth + 1))
        if name == "sqrt":
            return self.root(depth)
        if name == "pi":
            return ("const", "pi")
        if name == "infty":
            return ("inf",)
        if name in _NAMED:
            return self.function(name, depth)
        if name == "cis":
            return self.turned(depth)
        if name in _GREEK:
            return self.subscripted(name)
        raise Unreadable("\\" + name)

    def turned(self, depth: int) -> Tree:
        r"""`\cis x` is cos x + i sin x."""
        angle = self.function_argument("cis", depth)
        return ("add", ("fn", "cos", angle), ("mul", ("const", "i"), ("fn", "sin", angle)))

    def root(self, depth: int) -> Tree:
        index: Tree = ("num", Fraction(2))
        if self.peek() == "[":
            index = self.group(depth + 1)
        return ("pow", self.argument(depth + 1), ("div", ("num", Fraction(1)), index))

    def letters(self, depth: int) -> Tree:
        run = self.take()
        name = _ALIASES.get(run, run)
        if name in _NAMED:
            return self.root(depth) if name == "sqrt" and self.peek() == "{" else self.function(name, depth)
        if run == "cis":
            return self.turned(depth)
        if run == "pi":
            return ("const", "pi")
        if run in ("inf", "infinity", "oo"):
            return ("inf",)
        if len(run.rstrip("'")) > 3:
            raise Unreadable(run)
        if run[0] in _APPLIED and self.peek() == "(" and len(run.rstrip("'")) == 1:
            return ("fn", "apply_" + run, *self.arguments(depth))
        if run.endswith("'"):
            raise Unreadable(run)
        if len(run) > 1:
            # `xy^2` is x times y^2: the last letter goes on alone, so that it takes the exponent and subscript.
            self.at -= 1
            self.tokens[self.at : self.at + 1] = list(run)
            if len(self.tokens) > 2 * MAX_TOKENS:
                raise TooLarge("tokens")
            return self.letters(depth)
        return self.subscripted(run)

    def subscripted(self, name: str) -> Tree:
        if self.peek() != "_":
            return _letter(name)
        self.take()
        if self.peek() != "{":
            return ("sym", f"{name}_{self.take()}")
        self.take()
        parts = []
        while self.peek() != "}":
            parts.append(self.take())
        self.take()
        return ("sym", f"{name}_{''.join(parts)}")

    def function(self, name: str, depth: int) -> Tree:
        if name == "log" and self.peek() == "_":
            self.take()
            base = self.argument(depth + 1)
            argument = self.function_argument(name, depth)
            return ("div", ("fn", "ln", argument), ("fn", "ln", base))
        exponent = None
        if self.peek() == "^":
            self.take()
            exponent = self.exponent(depth + 1)
        if exponent == ("neg", ("num", Fraction(1))):
            if name not in _INVERSE:
                raise Unreadable(f"inverse {name}")
            name, exponent = _INVERSE[name], None
        if self.peek() == "(" or name in _FIXED_ARGUMENT:
            tree: Tree = ("fn", name, *self.arguments(depth))
        else:
            tree = ("fn", name, self.function_argument(name, depth))
        if name == "sqrt":
            tree = ("pow", tree[2], ("num", Fraction(1, 2)))
        elif name == "exp":
            tree = ("pow", ("const", "e"), tree[2])
        return tree if exponent is None else ("pow", tree, exponent)

    def arguments(self, depth: int) -> list[Tree]:
        if self.peek() not in ("(", "{"):
            return [self.power(depth + 1)]
        closing = _CLOSING[self.take()]
        outer, self.bars = self.bars, 0
        found = [self.sum(depth + 1)]
        while self.peek() == ",":
            self.take()
            found.append(self.sum(depth + 1))
        self.bars = outer
        self.expect(closing)
        return found

    def function_argument(self, name: str, depth: int) -> Tree:
        r"""`\sin 2x` takes the product up to the next sign or function; `\sin(x) y` takes the group only."""
        if self.peek() in ("(", "{"):
            return self.group(depth + 1)
        tree = self.signed_power(depth + 1)
        while self.starts_atom() and not self._is_function(self.peek()) and self.peek() != "(":
            tree = ("mul", tree, self.power(depth + 1))
        return tree

    def _is_function(self, piece: str) -> bool:
        name = piece.lstrip("\\")
        return _ALIASES.get(name, name) in _NAMED and piece not in ("\\sqrt", "sqrt")


def _letter(name: str) -> Tree:
    if name == "i":
        return ("const", "i")
    if name == "e":
        return ("const", "e")
    return ("sym", name)


def symbols(tree: Tree) -> set[str]:
    """Return the names of the symbols in a tree."""
    if tree[0] == "sym":
        return {tree[1]}
    found: set[str] = set()
    for child in tree[1:]:
        if isinstance(child, tuple):
            found |= symbols(child)
    return found
