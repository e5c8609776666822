"""Fractions and decimals: sums, shares of a whole, prices and lengths, always exact.

Difficulty is the number of operations and the size of denominators and decimals.
"""

from collections.abc import Callable
from fractions import Fraction
from math import lcm
from random import Random

from cotfactory.generators.problems.chains import Ref, Worked, write_latex, write_number
from cotfactory.generators.problems.families.item import Item, Notepad, fraction, number
from cotfactory.generators.problems.families.story_words import NAMES

LARGEST_DENOMINATOR = {1: 8, 2: 10, 3: 10, 4: 12, 5: 15}


def fractions_decimals(rng: Random, difficulty: int) -> Item:
    """Draw one of the templates below."""
    return rng.choice(TEMPLATES)(rng, difficulty)


def _proper(rng: Random, largest: int) -> Fraction:
    """Draw a fraction strictly between 0 and 1 that is in lowest terms."""
    while True:
        denominator = rng.randint(2, largest)
        drawn = Fraction(rng.randint(1, denominator - 1), denominator)
        if drawn.denominator > 1:
            return drawn


def _item(question: str, template: str, notes: Notepad, ref: Ref, *, as_fraction: bool = False) -> Item:
    conclude = fraction(ref) if as_fraction else number(ref)
    domain = "fractions" if as_fraction else "decimals"
    return Item(question, "math", domain, template, Worked(notes.chain(), conclude))


def _common_denominator(rng: Random, difficulty: int) -> Item:
    """`2/3 + 1/4`, worked over the common denominator: `2 * 4 = 8`, `1 * 3 = 3`, `8 + 3 = 11`."""
    largest = 9 + 5 * difficulty
    left, right = sorted((_proper(rng, largest), _proper(rng, largest)), reverse=True)
    while left.denominator == right.denominator:
        right = _proper(rng, largest)
    sign = rng.choice("+-") if left > right else "+"
    shared = lcm(left.denominator, right.denominator)
    notes = Notepad()
    first = notes.step(f"Over {shared}, the first numerator:", left.numerator, "*", shared // left.denominator)
    second = notes.step(f"Over {shared}, the second numerator:", right.numerator, "*", shared // right.denominator)
    total = notes.step("The numerators together:", first, sign, second)
    asked = rng.choice(
        (
            "Work out ${}$. Give the answer as a fraction in lowest terms.",
            "What is ${}$ as a fraction in lowest terms?",
            "Calculate ${}$ and simplify your answer as far as possible.",
        )
    )
    question = asked.format(f"{write_latex(left)} {sign} {write_latex(right)}")
    worked = Worked(
        notes.chain(),
        lambda values: write_latex(values[total.step] / shared),
        lambda values: (
            f"That is {write_number(values[total.step])}/{shared}, "
            f"in lowest terms {write_number(values[total.step] / shared, as_fraction=True)}."
        ),
    )
    return Item(question, "math", "fractions", "common-denominator", worked)


def _expression(rng: Random, difficulty: int) -> Item:
    r"""`(\frac{1}{2} + \frac{2}{3}) \cdot \frac{3}{5}`: 2 to 4 operations, innermost first."""
    largest = LARGEST_DENOMINATOR[difficulty]
    start = _proper(rng, largest)
    notes = Notepad(as_fraction=True)
    text, result, last = write_latex(start), None, ""
    for place in range(2 + (difficulty - 1) // 2):
        operator, operand = rng.choice("+-*/"), _proper(rng, largest)
        current = notes.value(result) if result else start
        if operator == "-" and current <= operand:
            operator = "+"
        if last in ("+", "-") and operator in ("*", "/"):
            text = rf"\left({text}\right)"
        text += f" {LATEX_OPERATORS[operator]} {write_latex(operand)}"
        says = "First:" if place == 0 else rng.choice(("Next:", "Then:", "After that:"))
        result, last = notes.step(says, result or start, operator, operand), operator
    assert result is not None
    question = rng.choice(
        ("Calculate ${}$ exactly.", "Find the exact value of ${}$.", "Simplify ${}$ to a single fraction.")
    )
    return _item(question.format(text), "expression", notes, result, as_fraction=True)


LATEX_OPERATORS = {"+": "+", "-": "-", "*": r"\cdot", "/": r"\div"}


def _share_of_whole(rng: Random, difficulty: int) -> Item:
    """A whole number of pages, of which a fraction is read, then a fraction of the rest, and so on."""
    parts = [_proper(rng, 6 if difficulty < 4 else 5) for _ in range(1 + (difficulty + 1) // 2)]
    whole, left_over = 1, Fraction(1)
    for part in parts:
        whole = lcm(whole, (left_over * part).denominator)
        left_over -= left_over * part
    whole *= rng.randint(2, 6 + 3 * difficulty)
    name = rng.choice(NAMES)
    key, opening, first_use, next_use, asked = rng.choice(WHOLES)
    notes = Notepad(as_fraction=True)
    told = [opening.format(name=name, n=whole)]
    left: Ref | Fraction = Fraction(whole)
    rest = None
    for place, part in enumerate(parts):
        use = first_use if place == 0 else next_use
        told.append(use.format(name=name, part=f"{part.numerator}/{part.denominator}"))
        used = notes.step("That takes" if place == 0 else "The next part takes", part, "*", left)
        left = rest = notes.step("What is left:", left, "-", used)
    assert rest is not None
    told.append(asked.format(name=name))
    return _item(" ".join(told), f"share-{key}", notes, rest, as_fraction=True)


WHOLES = (
    (
        "book",
        "{name} is reading a book of {n} pages.",
        "On the first day {name} reads {part} of it.",
        "The next day {name} reads {part} of the pages that are left.",
        "How many pages are still unread?",
    ),
    (
        "tank",
        "A water tank holds {n} litres and is full.",
        "In the first week {part} of the water is used.",
        "In the following week {part} of the remaining water is used.",
        "How many litres are left in the tank?",
    ),
    (
        "prize",
        "{name} wins {n} dollars.",
        "{name} gives {part} of it to charity.",
        "Then {name} spends {part} of what remains.",
        "How many dollars does {name} still have?",
    ),
    (
        "ferry",
        "There are {n} passengers on a ferry.",
        "At the first stop {part} of them get off.",
        "At the next stop {part} of those still on board get off.",
        "Nobody gets on. How many passengers remain?",
    ),
    (
        "field",
        "A field of {n} square metres is to be planted.",
        "{name} plants {part} of it with wheat.",
        "Of the rest, {name} plants {part} with another crop.",
        "How many square metres are left empty?",
    ),
)


def _shopping(rng: Random, difficulty: int) -> Item:
    """Weights times prices, which come out in whole cents, added up; and the change from a larger sum."""
    name = rng.choice(NAMES)
    goods = rng.sample(GOODS, 1 + (difficulty + 1) // 2)
    tenths, per_dollar = (1, 10) if difficulty < 4 else (2, 20)
    notes = Notepad()
    told, total = [], None
    for good in goods:
        price = Fraction(rng.randint(11, 60 + 30 * difficulty), per_dollar)
        weight = Fraction(tenths * rng.randint(3, 40), 10)
        told.append(f"{write_number(weight)} kg of {good} at {write_number(price)} dollars per kg")
        cost = notes.step(f"The {good} cost", weight, "*", price, after=" dollars.")
        total = cost if total is None else notes.step("Together that is", total, "+", cost, after=" dollars.")
    assert total is not None
    paid = 10 * (int(notes.value(total)) // 10 + rng.randint(1, 5))
    change = notes.step("The change is", paid, "-", total, after=" dollars.")
    question = (
        f"{name} buys {' and '.join([', '.join(told[:-1]), told[-1]] if told[:-1] else told)}, "
        f"and pays with {paid} dollars. How many dollars does {name} get back?"
    )
    return _item(question, "shopping", notes, change)


GOODS = (
    "apples",
    "cherries",
    "grapes",
    "lentils",
    "mushrooms",
    "nuts",
    "olives",
    "onions",
    "pears",
    "potatoes",
)


def _decimal_to_fraction(rng: Random, difficulty: int) -> Item:
    """A sum or product of decimals as a fraction in lowest terms."""
    places = 10 ** (1 if difficulty == 1 else 2 if difficulty < 5 else 3)
    factor = 1 if difficulty < 3 else rng.randint(3, 9)
    left = right = Fraction(1)
    while (factor * (left + right)).denominator == 1:
        left, right = (Fraction(rng.randint(1, 3 * places - 1), places) for _ in range(2))
    notes = Notepad()
    total = notes.step("In decimals:", left, "+", right)
    text = f"{write_number(left)} + {write_number(right)}"
    if difficulty >= 3:
        total = notes.step("Multiplied:", factor, "*", total)
        text = f"{factor} \\cdot ({text})"
    whole = notes.step(f"As a number of parts of 1/{places}:", total, "*", places)
    question = rng.choice(
        (
            f"Write ${text}$ as a fraction in lowest terms.",
            f"Which fraction in lowest terms is equal to ${text}$?",
            f"Evaluate ${text}$. Give the result as a reduced fraction.",
        )
    )
    worked = Worked(
        notes.chain(),
        lambda values: write_latex(values[whole.step] / places),
        lambda values: f"Reduced, this is {write_number(values[whole.step] / places, as_fraction=True)}.",
    )
    return Item(question, "math", "fractions", "decimal-to-fraction", worked)


def _average(rng: Random, difficulty: int) -> Item:
    """The average of decimal measurements; the count divides a power of ten, so the result is exact."""
    count = {1: 2, 2: 4, 3: 4, 4: 5, 5: 8}[difficulty]
    places = 10 if difficulty < 3 else 100
    amounts = [Fraction(rng.randint(places, 30 * places), places) for _ in range(count)]
    key, what, unit = rng.choice(MEASURED)
    notes = Notepad()
    total = notes.step("Added up:", amounts[0], "+", amounts[1])
    for amount in amounts[2:]:
        total = notes.step("And the next:", total, "+", amount)
    mean = notes.step(f"Divided by the {count} values:", total, "/", count)
    listed = ", ".join(write_number(amount) for amount in amounts[:-1]) + f" and {write_number(amounts[-1])}"
    question = rng.choice(
        (
            f"{what} are measured as {listed} {unit}. What is the average in {unit}?",
            f"Find the mean, in {unit}, of these measurements: {what.lower()} of {listed} {unit}.",
        )
    )
    return _item(question, f"average-{key}", notes, mean)


MEASURED = (
    ("fish", "The lengths of some fish", "cm"),
    ("parcels", "The weights of some parcels", "kg"),
    ("rain", "The rainfalls on some days", "mm"),
    ("sprint", "The running times of some sprinters", "seconds"),
    ("plants", "The heights of some young plants", "cm"),
)


def _rope(rng: Random, difficulty: int) -> Item:
    """A rope, part of which is used, is cut into equal pieces without a remainder."""
    places = 10 if difficulty < 4 else 100
    piece = Fraction(rng.randint(2, 9 + 8 * difficulty), places)
    pieces = rng.randint(3, 12 + 10 * difficulty)
    used = [Fraction(rng.randint(2, 40 * difficulty), 10) for _ in range(1 + difficulty // 3)]
    length = piece * pieces + sum(used)
    name = rng.choice(NAMES)
    thing = rng.choice(("rope", "ribbon", "cable", "wooden beam", "hose"))
    notes = Notepad()
    left: Ref | Fraction = length
    told = [f"{name} has a {thing} that is {write_number(length)} metres long."]
    for place, cut in enumerate(used):
        told.append(f"{name} {'first' if place == 0 else 'then'} cuts off {write_number(cut)} metres for a neighbour.")
        left = notes.step("Left over:", left, "-", cut, after=" metres.")
    count = notes.step("The number of pieces:", left, "/", piece)
    told.append(
        f"The rest of the {thing} is cut into pieces of {write_number(piece)} metres each, with nothing left "
        f"over. How many pieces are there?"
    )
    return _item(" ".join(told), f"cut-{len(used)}", notes, count)


TEMPLATES: tuple[Callable[[Random, int], Item], ...] = (
    _common_denominator,
    _expression,
    _share_of_whole,
    _shopping,
    _decimal_to_fraction,
    _average,
    _rope,
)
