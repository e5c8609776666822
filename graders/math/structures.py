"""Structures: what shape an answer has - list, tuple, interval, set, union, matrix, cases, equation, inequality, words.

`read_shape` only splits; what stands in the leaves is compared by `expression_answers`.
"""

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from cotfactory.graders.math.expression_answers import has_prose
from cotfactory.graders.math.latex import plain_words
from cotfactory.graders.math.matrices import combine, determinant, read_block
from cotfactory.graders.math.numbers import exact_number, quantity
from cotfactory.graders.math.symbol_names import is_name

Kind = Literal[
    "value", "list", "tuple", "set", "union", "matrix", "cases", "equation", "inequality", "ratio", "words", "broken"
]

MAX_PARTS = 64
MAX_NESTING = 8


@dataclass(frozen=True)
class Shape:
    """One level of an answer.

    `marks` holds what the kind needs: the two brackets of a tuple, `or` for a list of alternatives, the operators
    of an inequality, the columns of a matrix, am or pm of a clock time. `text` is the cleaned source. The parts of
    `cases` are pairs of value and condition. `name` is the symbol of `x \\in ...`.
    """

    kind: Kind
    text: str
    parts: tuple["Shape", ...] = ()
    marks: str = ""
    name: str = ""


_OPEN = {"(", "[", "{", "\\{", "\\langle", "\\lfloor", "\\lceil"}
_CLOSE = {")", "]", "}", "\\}", "\\rangle", "\\rfloor", "\\rceil"}
_PIECE = re.compile(r"\\begin\s*\{[^{}]*\}|\\end\s*\{[^{}]*\}|\\[A-Za-z]+|\\.|\b(?:and|or)\b|[A-Za-z]+|.", re.DOTALL)
_RELATIONS = {
    "=": "=", "<": "<", ">": ">", "\\le": "<=", "\\ge": ">=", "\\ne": "!=", "\\in": "in", "\\approx": "~",
    "\\equiv": "==", "\\to": "->", "\\notin": "notin", "\\subseteq": "subseteq", "\\supseteq": "supseteq",
    "\\subset": "subset", "\\supset": "supset",
}  # fmt: skip
_ALL_TEXT = re.compile(r"\\text\{([^{}]*)\}\Z")
_CLOCK = re.compile(r"(.*?[0-9])\s*(?:\\text\{\s*)?([ap])\.?\s*m\.?\s*\}?\.?\Z", re.IGNORECASE)
_LEAD_IN = re.compile(
    r"(?:\\text\{)?\s*(?:(?:so |thus |therefore )?(?:the )?(?:final |correct )?answer is:?|exactly|precisely)\s*\}?",
    re.I,
)
_TO = re.compile(r"([0-9]+)\s*(?:\\text\{\s*to\s*\}|to)\s*([0-9]+)\Z")
"""`7 to 32` is a ratio, which a range between whole numbers is compared as, too."""
_REALS = "\\mathbb{R}"
_SHORT_WORDS = {"yes", "no", "odd"}
"""Words of fewer letters than prose has; without them they would be products."""


_SEPARATORS = {",", ";", "and", "or", "\\cup", "\\setminus", ":"}
_LISTED = {",", ";", "and", "or"}
_ALL = _SEPARATORS | set(_RELATIONS)


def split_top(text: str, separators: set[str] = _ALL) -> list[tuple[str, str]]:
    """Split cleaned text at `separators` outside all brackets into pairs: the separator before a piece, the piece."""
    pieces: list[tuple[str, str]] = []
    depth, start, before = 0, 0, ""
    for match in _PIECE.finditer(text):
        token = match[0]
        if token in _OPEN or token.startswith("\\begin"):
            depth += 1
        elif token in _CLOSE or token.startswith("\\end"):
            depth -= 1
        elif depth == 0 and token in separators:
            pieces.append((before, text[start : match.start()].strip()))
            before, start = token, match.end()
    pieces.append((before, text[start:].strip()))
    return pieces


def read_shape(text: str, depth: int = 0) -> Shape:
    r"""Return the shape of a cleaned answer; text that closes what it never opened is `broken`.

    >>> read_shape("(1, 2]").marks, [part.text for part in read_shape("1, x and 3").parts]
    ('(]', ['1', 'x', '3'])
    """
    text = _trim(text)
    if depth > MAX_NESTING:
        return Shape("broken", text)
    if quantity(text) is not None:
        return Shape("value", text)
    if _is_words(text):
        return _words(text, depth)
    if match := _ALL_TEXT.match(text):
        return read_shape(match[1], depth + 1)
    if matrix := _matrix(text, depth):
        return matrix
    pieces = split_top(text)
    if len(pieces) > MAX_PARTS:
        return Shape("broken", text)
    separators = {before for before, _ in pieces[1:]}
    if separators & _LISTED:
        return _list(text, depth)
    if "\\setminus" in separators:
        return _without(text, pieces, depth)
    if separators & set(_RELATIONS):
        return _relation(text, depth)
    if "\\cup" in separators:
        parts = tuple(read_shape(piece, depth + 1) for _, piece in pieces)
        return Shape("union", text, parts)
    if ":" in separators:
        return _ratio(text, depth)
    if match := _TO.match(text):
        return Shape("ratio", text, tuple(Shape("value", term) for term in match.groups()))
    return _bracketed(text, depth) or _plus_minus(text, depth) or _leaf(text)


def _trim(text: str) -> str:
    text = text.strip()
    while text and text[-1] in ".,;:" and not text.endswith("\\,"):
        text = text[:-1].rstrip()
    while text.startswith("{") and text.endswith("}") and _encloses(text):
        text = text[1:-1].strip()
    return text


def _encloses(text: str) -> bool:
    depth = 0
    for match in _PIECE.finditer(text):
        if match[0] in _OPEN:
            depth += 1
        elif match[0] in _CLOSE:
            depth -= 1
            if depth == 0:
                return match.end() == len(text)
    return False


def _is_words(text: str) -> bool:
    if "\\text{" in text:
        opened = plain_words(text)
        outside = re.sub(r"\\text\{[^{}]*\}", "", text)
        return not any(character.isdigit() for character in opened) and not outside.strip(" ,.;()'\"!?-&")
    if text.casefold().rstrip(".") in _SHORT_WORDS:
        return True
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z '\"!?.,-]*", text)) and has_prose(text)


def _words(text: str, depth: int) -> Shape:
    opened = plain_words(text)
    names = [name for name in re.split(r"\s*(?:,|;|\band\b|\bor\b)\s*", opened.strip(" .")) if name]
    if len(names) > 1 and all(len(name.split()) <= 3 for name in names):
        marks = "or" if re.search(r"\bor\b", opened) else ""
        return Shape("list", text, tuple(Shape("words", name) for name in names), marks)
    return Shape("words", opened)


def _list(text: str, depth: int) -> Shape:
    pieces = split_top(text, _LISTED)
    separators = {before for before, _ in pieces}
    if {";", ","} <= separators:
        # A semicolon separates more than a comma does: "p=5, q=2; p=7, q=2" are two pairs.
        pieces = split_top(text, {";"})
    choices = [piece.strip(" ,;") for _, piece in split_top(text, {"or"})]
    if len(choices) > 1 and "and" in separators and all(quantity(choice) is not None for choice in choices):
        # "2.5 hours, or 2 hours and 30 minutes"
        return Shape("list", text, tuple(Shape("value", choice) for choice in choices), "or")
    parts = tuple(read_shape(piece, depth + 1) for _, piece in pieces if piece.strip(" .:"))
    if len(parts) < 2:
        return parts[0] if parts else Shape("broken", text)
    return Shape("list", text, parts, "or" if "or" in separators else "")


def _relation(text: str, depth: int) -> Shape:
    pieces = split_top(text, set(_RELATIONS))
    operators = [_RELATIONS.get(before, before) for before, _ in pieces[1:]]
    sides = [piece for _, piece in pieces]
    if operators == ["~"] and not sides[0]:
        return read_shape(sides[1], depth + 1)  # "\\approx 8.24"
    if not all(sides):
        return Shape("broken", text)
    while len(sides) > 1 and operators[-1] == "~" and not (len(sides) == 2 and is_name(sides[0])):
        # An approximation after the exact value says nothing more: "\frac{1}{3} \approx 0.33".
        operators.pop()
        sides.pop()
    if not operators:
        return read_shape(sides[0], depth + 1)
    operators = ["=" if operator == "~" else operator for operator in operators]
    if operators == ["in"]:
        if not is_name(sides[0]):
            return Shape("broken", text)
        return replace(read_shape(sides[1], depth + 1), name=sides[0].replace(" ", ""))
    if len(operators) == 1 and operators[0].startswith(("sub", "sup")):
        return _set_relation(text, sides, operators[0], depth)
    parts = tuple(Shape("value", side) if is_name(side) else read_shape(side, depth + 1) for side in sides)
    if set(operators) == {"="}:
        return Shape("equation", text, parts)
    if set(operators) <= {"<", ">", "<=", ">=", "!="}:
        return Shape("inequality", text, parts, " ".join(operators))
    return Shape("value", text)


def _set_relation(text: str, sides: list[str], operator: str, depth: int) -> Shape:
    r"""`\{1\} \subseteq \{1, 2\}` is true: a relation of two sets of literal numbers is its truth value."""
    members: list[set[Fraction]] = []
    for side in sides:
        shape = read_shape(side, depth + 1)
        numbers = [exact_number(part.text) for part in (shape.parts or (shape,))]
        known = {number for number in numbers if number is not None}
        if shape.kind not in ("set", "list", "value") or len(known) != len(set(numbers)) or "{" not in side:
            return Shape("value", text)
        members.append(known)
    small, large = members if operator.startswith("sub") else members[::-1]
    return Shape("words", str(small <= large and (operator.endswith("eq") or small != large)))


def _ratio(text: str, depth: int) -> Shape:
    match = _CLOCK.match(text)
    body, marks = (match[1], match[2].lower()) if match else (text, "")
    parts = tuple(read_shape(piece, depth + 1) for _, piece in split_top(body))
    return Shape("ratio", text, parts, marks) if all(part.text for part in parts) else Shape("broken", text)


def _without(text: str, pieces: list[tuple[str, str]], depth: int) -> Shape:
    r"""`\mathbb{R} \setminus \{3\}` is the union of the two open rays."""
    if len(pieces) == 2 and pieces[0][1] == _REALS:
        removed = read_shape(pieces[1][1], depth + 1)
        points = removed.parts if removed.kind == "set" else (removed,)
        if removed.kind in ("set", "value") and len(points) == 1:
            return rays_around(points[0], text)
    return Shape("value", text)


def rays_around(point: Shape, text: str) -> Shape:
    """Return all real numbers but one as a union of two open rays."""
    below = Shape("tuple", text, (_infinity("-"), point), "()")
    above = Shape("tuple", text, (point, _infinity("")), "()")
    return Shape("union", text, (below, above))


def _infinity(sign: str) -> Shape:
    return Shape("value", sign + "\\infty")


def _bracketed(text: str, depth: int) -> Shape | None:
    if text == _REALS:
        return Shape("tuple", text, (_infinity("-"), _infinity("")), "()")
    if text in ("\\emptyset", "\\{\\}", "\\{ \\}"):
        return Shape("set", text)
    for opening, closing in (("\\{", "\\}"), ("\\langle", "\\rangle"), ("(", ")"), ("[", "]"), ("(", "]"), ("[", ")")):
        if not (text.startswith(opening) and text.endswith(closing) and _encloses(text)):
            continue
        inner = text[len(opening) : len(text) - len(closing)].strip()
        pieces = split_top(inner)
        listed = {before for before, _ in pieces[1:]} & _LISTED
        if opening == "\\{":
            if any(before in (":", "\\in") or "\\mid" in piece for before, piece in pieces) or "|" in inner:
                return Shape("value", text)
            content = read_shape(inner, depth + 1)
            return Shape("set", text, content.parts if content.kind == "list" else (content,))
        if not listed:
            if opening == "(" and closing == ")":
                content = read_shape(inner, depth + 1)
                return content if content.kind != "value" else None
            return Shape("tuple", text, (read_shape(inner, depth + 1),), opening + closing) if opening == "[" else None
        parts = [piece for _, piece in pieces]
        if not all(parts):
            return Shape("broken", text)
        marks = "()" if opening == "\\langle" else opening + closing
        if marks == "[]" and {",", ";"} <= listed:  # [1, 0; 0, 1]
            parts = [f"[{row}]" for _, row in split_top(inner, {";"})]
        shapes = tuple(read_shape(part, depth + 1) for part in parts)
        widths = {len(shape.parts) for shape in shapes if shape.kind == "tuple" and shape.marks == "[]"}
        if marks == "[]" and len(widths) == 1 and all(shape.kind == "tuple" for shape in shapes):
            return Shape("matrix", text, tuple(cell for row in shapes for cell in row.parts), str(widths.pop()))
        return Shape("tuple", text, shapes, marks)
    return None


def _plus_minus(text: str, depth: int) -> Shape | None:
    if "\\pm" not in text or "\\mp" in text:
        return None
    both = tuple(read_shape(re.sub(r"\\pm(?![A-Za-z])", sign, text), depth + 1) for sign in "+-")
    return Shape("list", text, both)


def _leaf(text: str) -> Shape:
    match = _LEAD_IN.match(text)
    if match and match.end() and match.end() < len(text):
        return Shape("value", text[match.end() :].strip())
    return Shape("value", text)


def _matrix(text: str, depth: int) -> Shape | None:
    """A matrix, or a sum of multiples of matrices that has become one."""
    if "\\begin" not in text:
        return None
    if text[0] in "([" and text[-1] in ")]" and _encloses(text) and text[1:].lstrip().startswith("\\begin"):
        text = text[1:-1].strip()  # brackets around an array
    head, named, body = text.partition("\\begin")
    stated = read_block(named + body) if head.strip() in ("", "\\det") else None
    if stated is not None and (head.strip() or stated.name == "vmatrix"):
        value = determinant(stated.rows)
        return None if value is None else Shape("value", value)
    block = read_block(text) or combine([piece for piece in split_top(text, {"+", "-"}) if piece != ("", "")])
    if block is None:
        return None
    if block.name == "cases":
        return _cases(text, block.rows, depth)
    if not block.is_regular:
        return Shape("broken", text)
    cells = [[read_shape(cell, depth + 1) for cell in row] for row in block.rows]
    marks = f"{'det' if block.name[0] in 'vV' else ''}{len(cells[0])}"
    return Shape("matrix", text, tuple(cell for row in cells for cell in row), marks)


OTHERWISE = "otherwise"
_IF = re.compile(
    r"^[\s,;]*(?:\\text\{[\s,;]*(?:if|when|for|where|provided that|in case)\b([^{}]*)\}|(?:if|when|for|where)\b)", re.I
)
_IF_INSIDE = re.compile(r"\\text\{[\s,;]*(?:if|when|for|where|otherwise|else)\b[^{}]*\}", re.IGNORECASE)
_ELSE = re.compile(r"(?:otherwise|else|elsewhere|in all other cases|for all other [a-z])\Z", re.IGNORECASE)


def _cases(text: str, rows: tuple[tuple[str, ...], ...], depth: int) -> Shape:
    """Read branches with their conditions; rows without any are a system of equations, which is a list."""
    branches = [_branch(row) for row in rows]
    if not branches or not all(value for value, _ in branches):
        return Shape("broken", text)
    if not any(condition for _, condition in branches):
        return Shape("list", text, tuple(read_shape(value, depth + 1) for value, _ in branches))
    if not all(condition for _, condition in branches[:-1]):
        return Shape("broken", text)
    pairs = (
        Shape("tuple", value, (read_shape(value, depth + 1), Shape("value", condition or OTHERWISE)), "()")
        for value, condition in branches
    )
    return Shape("cases", text, tuple(pairs))


def _branch(row: tuple[str, ...]) -> tuple[str, str]:
    """Return value and condition of one row, the condition empty where there is none."""
    value, condition = row[0], " ".join(row[1:]).strip()
    if condition.startswith("="):
        return f"{value} {condition}", ""  # an aligned equation
    if not condition and (inside := _IF_INSIDE.search(value)):
        value, condition = value[: inside.start()], value[inside.start() :]
    condition = _IF.sub(r"\1", condition).strip(" ,;.")
    if _ELSE.match(plain_words(condition)):
        condition = OTHERWISE
    return value.strip(" ,;"), condition
