"""Taking the wrapping off a shape: `x = 5` is 5, `x > 3` an interval, `p = 5, q = 2` a pair of values."""

from cotfactory.graders.math.exact_forms import constant_value, difference, exact_form
from cotfactory.graders.math.expressions import Unreadable, parse_expression, symbols
from cotfactory.graders.math.numbers import quantity, same_quantity
from cotfactory.graders.math.polynomials import Form, NoForm
from cotfactory.graders.math.structures import Shape, rays_around
from cotfactory.graders.math.symbol_names import is_name


def resolve(shape: Shape) -> Shape:
    """Return the shape without its wrapping: `x = 5` is 5, and a plain inequality is its interval."""
    if shape.kind == "equation":
        return _assigned(shape)
    if shape.kind == "inequality":
        return _as_interval(shape)
    if shape.kind == "list" and len(shape.parts) > 1:
        return _assignments(shape)
    return shape


def _assigned(shape: Shape) -> Shape:
    named = is_name(shape.parts[0].text)
    sides = shape.parts[1:] if named else shape.parts
    numbers = [quantity(side.text) for side in sides]
    known = [number for number in numbers if number is not None]
    if not all(same_quantity(known[0], number) for number in known[1:]):
        return Shape("broken", shape.text)  # 5 = 6, but 0.56 = 56% and 5 m = 500 cm
    if named or (known and len(known) == len(sides)):
        return resolve(sides[-1])
    values = [_constant(side.text) for side in sides]
    if all(value is not None for value in values):
        return sides[-1] if len(set(values)) == 1 else Shape("broken", shape.text)
    if is_name(sides[-1].text) and len(sides) == 2 and not has_symbols(sides[0].text):
        return sides[0]  # 5 = x
    return shape


def form_of(text: str) -> Form | None:
    """Return the exact form of cleaned text, or None when it has none."""
    try:
        return exact_form(parse_expression(text)[0])
    except (Unreadable, NoForm):
        return None


def _constant(text: str) -> object:
    """Return a hashable exact value of text without symbols, or None."""
    if has_symbols(text):
        return None
    form = form_of(text)
    return None if form is None else constant_value(form)


def has_symbols(text: str) -> bool:
    """Whether cleaned text holds a symbol; text that cannot be read counts as holding one."""
    try:
        return bool(symbols(parse_expression(text)[0]))
    except Unreadable:
        return True


def _assignments(shape: Shape) -> Shape:
    """Take the names off `x = 1, 2, 3`; `p = 5, q = 2; p = 7, q = 2` becomes a list of pairs."""
    first, *rest = shape.parts
    if all(part.kind == "list" and all(inner.kind == "equation" for inner in part.parts) for part in shape.parts):
        pairs = (Shape("tuple", part.text, tuple(map(resolve, part.parts)), "()") for part in shape.parts)
        return Shape("list", shape.text, tuple(pairs), shape.marks)
    if all(part.kind == "list" and not part.marks for part in shape.parts):
        groups = (Shape("tuple", part.text, part.parts, "()") for part in shape.parts)
        return Shape("list", shape.text, tuple(groups), shape.marks)
    turns = _turns(shape)
    if turns:
        return Shape("list", shape.text, turns, shape.marks)
    if first.kind == "equation" and all(part.kind != "equation" for part in rest):
        return Shape("list", shape.text, (resolve(first), *rest), shape.marks)
    return shape


def _turns(shape: Shape) -> tuple[Shape, ...]:
    """`p = 5, q = 2 and p = 7, q = 2`: the names come round again, so these are two pairs."""
    names = [part.parts[0].text for part in shape.parts if part.kind == "equation" and is_name(part.parts[0].text)]
    width = len(set(names))
    if len(names) != len(shape.parts) or not 1 < width < len(names) or names != names[:width] * (len(names) // width):
        return ()
    values = [resolve(part) for part in shape.parts]
    groups = [tuple(values[start : start + width]) for start in range(0, len(values), width)]
    return tuple(Shape("tuple", ",".join(value.text for value in group), group, "()") for group in groups)


def gap_of(shape: Shape) -> Form | None:
    """Return left minus right of an equation or inequality with two sides, as a polynomial over a denominator."""
    if len(shape.parts) != 2:
        return None
    forms = [form_of(part.text) for part in shape.parts]
    if forms[0] is None or forms[1] is None:
        return None
    return difference(forms[0], forms[1]), forms[0][1]


TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!="}


def _as_interval(shape: Shape) -> Shape:
    r"""Turn `x > 3`, `-1 < x \le 2`, `x \ne 3` into intervals; anything else stays an inequality."""
    operators, sides = shape.marks.split(), shape.parts
    if len(sides) == 3 and is_name(sides[1].text):
        if operators[0] in (">", ">=") and operators[1] in (">", ">="):
            sides, operators = sides[::-1], [TURNED[operator] for operator in operators[::-1]]
        if all(operator in ("<", "<=") for operator in operators):
            marks = ("(" if operators[0] == "<" else "[") + (")" if operators[1] == "<" else "]")
            return Shape("tuple", shape.text, (sides[0], sides[2]), marks)
        return shape
    if len(sides) != 2:
        return shape
    name, operator, bound = sides[0], operators[0], sides[1]
    if not is_name(name.text):
        name, operator, bound = bound, TURNED[operator], name
    if not is_name(name.text):
        return _solved(shape)
    if has_symbols(bound.text) or bound.kind != "value":
        return shape
    return _ray(operator, bound, shape.text)


def _ray(operator: str, bound: Shape, text: str) -> Shape:
    if operator == "!=":
        return rays_around(bound, text)
    infinity = Shape("value", "\\infty")
    if operator in (">", ">="):
        return Shape("tuple", text, (bound, infinity), ("(" if operator == ">" else "[") + ")")
    minus = Shape("value", "-\\infty")
    return Shape("tuple", text, (minus, bound), "(" + (")" if operator == "<" else "]"))


def _solved(shape: Shape) -> Shape:
    """Solve `-x > -1`: one symbol, linear, rational coefficients."""
    gap = gap_of(shape)
    if gap is None or set(gap[1]) != {frozenset()}:
        return shape
    linear = {monomial: value for monomial, value in gap[0].items() if monomial}
    if len(linear) != 1:
        return shape
    (monomial, slope), constant = next(iter(linear.items())), gap[0].get(frozenset(), 0)
    if [(atom[0], exponent) for atom, exponent in monomial] != [("sym", 1)]:
        return shape
    operator = shape.marks if slope > 0 else TURNED[shape.marks]
    return _ray(operator, Shape("value", str(-constant / slope)), shape.text)
