"""Linear equations: bare ones, number riddles, tariffs, ages, tickets and consecutive numbers.

Difficulty moves from `3x + 5 = 20` over unknowns on both sides and brackets to solutions that are fractions.
"""

from collections.abc import Callable
from random import Random

from cotfactory.generators.problems.chains import Ref, Worked
from cotfactory.generators.problems.families.item import Item, Notepad, fraction, number
from cotfactory.generators.problems.families.story_words import NAMES, counted


def linear_equations(rng: Random, difficulty: int) -> Item:
    """Draw one of the templates below."""
    return rng.choice(TEMPLATES)(rng, difficulty)


def _item(question: str, template: str, notes: Notepad, ref: Ref, *, as_fraction: bool = False) -> Item:
    worked = Worked(notes.chain(), fraction(ref) if as_fraction else number(ref))
    return Item(question, "math", "algebra", template, worked)


def _side(slope: int, letter: str, constant: int) -> str:
    """Write one side: `3x + 5`, `-x - 2`, `7`."""
    if slope == 0:
        return str(constant)
    unknown = {1: letter, -1: f"-{letter}"}.get(slope, f"{slope}{letter}")
    return f"{unknown} {'+' if constant > 0 else '-'} {abs(constant)}" if constant else unknown


def _nonzero(rng: Random, largest: int) -> int:
    return rng.choice((-1, 1)) * rng.randint(1, largest)


def _bare(rng: Random, difficulty: int) -> Item:
    """`a x + b = c x + d`; the left side is in brackets from difficulty 4, the solution a fraction at 5."""
    largest = 9 + 8 * difficulty
    letter = rng.choice("abckmnpqrtuvwxyz")
    right = 0 if difficulty < 3 else _nonzero(rng, 9)
    left = right
    while left == right or left in (0, 1):
        left = rng.randint(2, largest) if difficulty == 1 else _nonzero(rng, largest)
    add = rng.randint(1, 3 * largest) if difficulty == 1 else _nonzero(rng, 3 * largest)
    solution = rng.randint(1, largest) if difficulty == 1 else _nonzero(rng, largest)
    end = (left - right) * solution + add if difficulty < 5 else _nonzero(rng, 5 * largest)
    notes = Notepad(as_fraction=True)
    text = f"{_side(left, letter, add)} = {_side(right, letter, end)}"
    constant: int | Ref = add
    if difficulty >= 4:
        factor, inside = rng.choice([n for n in range(2, 10) if n != -right]), _nonzero(rng, 20)
        outside = add - factor * inside
        bracket = f"{factor}({_side(1, letter, inside)})"
        left_side = f"{_side(left, letter, 0)} + {_side(1, bracket, outside)}"
        text = f"{left_side} = {_side(right + factor, letter, end)}"
        opened = notes.step("Open the bracket; the constant in it becomes", factor, "*", inside)
        constant = notes.step("The constants on the left:", outside, "+", opened) if outside else opened
        slope = notes.step(f"The coefficient of {letter} on the left:", left, "+", factor)
        slope = notes.step(f"Bring all {letter} to the left:", slope, "-", right + factor)
    elif right:
        slope = notes.step(f"Bring all {letter} to the left:", left, "-", right)
    else:
        slope = None
    moved = notes.step("Bring the constants to the right:", end, "-", constant)
    result = notes.step(f"Divide by the coefficient of {letter}:", moved, "/", slope or left)
    question = rng.choice(
        (
            f"Solve for ${letter}$: ${text}$.",
            f"Find the value of ${letter}$ that satisfies ${text}$.",
            f"Which number ${letter}$ makes the equation ${text}$ true?",
            f"If ${text}$, what is ${letter}$?",
        )
    )
    return _item(question, f"bare-{difficulty}", notes, result, as_fraction=True)


def _riddle(rng: Random, difficulty: int) -> Item:
    """A number is changed step by step; the steps are undone from the end."""
    largest = 8 + 6 * difficulty
    number_now = rng.randint(2, 3 * largest)
    name = rng.choice(NAMES)
    told: list[str] = []
    undo: list[tuple[str, int]] = []
    for _ in range(1 + difficulty):
        operator = rng.choice("+-*") if not undo or undo[-1][0] != "/" else rng.choice("+-")
        n = rng.randint(2, 9) if operator == "*" else rng.randint(2, largest)
        told.append({"+": f"adds {n}", "-": f"subtracts {n}", "*": f"multiplies by {n}"}[operator])
        undo.append(({"+": "-", "-": "+", "*": "/"}[operator], n))
        number_now = {"+": number_now + n, "-": number_now - n, "*": number_now * n}[operator]
    notes = Notepad(as_fraction=True)
    at: int | Ref = number_now
    for operator, n in reversed(undo):
        at = notes.step(f"Undo {UNDONE[operator]}:", at, operator, n)
    steps = ", then ".join(told)
    question = rng.choice(
        (
            f"{name} thinks of a number, {steps}, and ends at {number_now}. What was the number?",
            f"Starting from a secret number, {name} {steps}. The result is {number_now}. Find the secret number.",
        )
    )
    assert isinstance(at, Ref)
    return _item(question, "riddle-" + "".join(operator for operator, _ in undo), notes, at)


UNDONE = {"+": "the subtraction", "-": "the addition", "/": "the multiplication"}


def _tariffs(rng: Random, difficulty: int) -> Item:
    """Two offers with a fixed fee and a rate: where do they cost the same?"""
    largest = 6 + 6 * difficulty
    equal_at = rng.randint(2, 2 * largest)
    cheap_rate = rng.randint(2, largest)
    dear_rate = cheap_rate + rng.randint(1, largest)
    low_fee = rng.randint(1, 5 * largest)
    high_fee = low_fee + (dear_rate - cheap_rate) * equal_at
    first, second = rng.sample(NAMES, 2)
    what, unit = rng.choice(HIRED)
    notes = Notepad()
    fees = notes.step("Difference of the fees:", high_fee, "-", low_fee, after=" dollars.")
    rates = notes.step(f"Difference of the rates for one {unit}:", dear_rate, "-", cheap_rate, after=" dollars.")
    result = notes.step(f"The {unit}s until they cost the same:", fees, "/", rates)
    offers = [
        f"{first} hires out {what} for a fee of {high_fee} dollars plus {cheap_rate} dollars per {unit}.",
        f"{second} asks a fee of {low_fee} dollars plus {dear_rate} dollars per {unit} for the same.",
    ]
    asked = f"After how many {unit}s do both offers cost the same?"
    if difficulty >= 4:
        cost = notes.step("That long at the lower rate costs", result, "*", cheap_rate, after=" dollars.")
        result = notes.step("With the fee:", cost, "+", high_fee, after=" dollars.")
        asked = "For one length of hire both offers cost the same. How many dollars does each offer cost then?"
    return _item(" ".join([*offers, asked]), f"tariffs-{difficulty >= 4}", notes, result)


HIRED = (("a boat", "hour"), ("a van", "day"), ("a tent", "night"), ("a bicycle", "day"), ("a crane", "hour"))


def _consecutive(rng: Random, difficulty: int) -> Item:
    """The sum of some consecutive (odd, even) numbers is given; one of them is asked for."""
    count = rng.randint(3, 3 + difficulty)
    kind, gap = rng.choice((("integers", 1), ("odd integers", 2), ("even integers", 2)))
    smallest = rng.randint(2, 20 * 3**difficulty)
    if gap == 2 and smallest % 2 != (kind == "odd integers"):
        smallest += 1
    shift = gap * count * (count - 1) // 2
    total = count * smallest + shift
    notes = Notepad()
    bare = notes.step(f"Without their distances from the smallest, {shift} in all:", total, "-", shift)
    low = notes.step("The smallest number:", bare, "/", count)
    which = rng.choice(("smallest", "largest"))
    result = low
    if which == "largest":
        result = notes.step("The largest number:", low, "+", gap * (count - 1))
    question = rng.choice(
        (
            f"The sum of {count} consecutive {kind} is {total}. What is the {which} of them?",
            f"{count} consecutive {kind} add up to {total}. Find the {which} one.",
        )
    )
    return _item(question, f"consecutive-{gap}-{which}", notes, result)


def _ages(rng: Random, difficulty: int) -> Item:
    """One person is a multiple of the other's age; after some years it is another multiple."""
    now = rng.randint(3, 4 + difficulty)
    later = rng.randint(2, now - 1)
    young = rng.randint(2 * difficulty, 4 * difficulty + 3) * (now - later)
    # now * young + years = later * (young + years), with years a whole number
    while (now - later) * young % (later - 1) != 0:
        young += now - later
    years = (now - later) * young // (later - 1)
    old_name, young_name = rng.sample(("tree", "bridge", "tower", "mill", "statue", "fountain", "chapel"), 2)
    name = rng.choice(NAMES)
    notes = Notepad()
    gap_now = notes.step("Difference of the two factors:", now, "-", later)
    per_year = notes.step("Take 1 from the later factor:", later, "-", 1)
    needed = notes.step("Times the years that pass:", years, "*", per_year)
    age = notes.step(f"Age of the {young_name} now:", needed, "/", gap_now)
    asked = young_name
    if difficulty >= 3:
        asked, age = old_name, notes.step(f"Age of the {old_name} now:", now, "*", age)
    question = (
        f"In the village where {name} lives, the {old_name} is {now} times as old as the {young_name}. "
        f"In {counted(years, 'year')} it will be {later} times as old as the {young_name} is then. "
        f"How many years old is the {asked} now?"
    )
    return _item(question, f"ages-{difficulty >= 3}", notes, age)


def _tickets(rng: Random, difficulty: int) -> Item:
    """Two kinds of tickets, their number and the takings: how many of one kind?"""
    largest = 10 * 2**difficulty
    adults, children = rng.randint(3, largest), rng.randint(3, largest)
    child = rng.randint(2, 6 + 2 * difficulty)
    adult = child + rng.randint(1, 5 + 2 * difficulty)
    count, takings = adults + children, adults * adult + children * child
    name = rng.choice(NAMES)
    place = rng.choice(("a museum", "a zoo", "a swimming pool", "a school play", "a cinema", "a fair"))
    notes = Notepad()
    cheap = notes.step("If all were child tickets:", count, "*", child, after=" dollars.")
    missing = notes.step("Missing from the takings:", takings, "-", cheap, after=" dollars.")
    extra = notes.step("What an adult ticket brings more:", adult, "-", child, after=" dollars.")
    result = notes.step("The adult tickets:", missing, "/", extra)
    asked = "adult"
    if rng.random() < 0.5:
        asked, result = "child", notes.step("The child tickets:", count, "-", result)
    question = (
        f"{name} sells tickets for {place}: {adult} dollars for an adult and {child} dollars for a child. "
        f"Altogether {count} tickets are sold for {takings} dollars. How many {asked} tickets are sold?"
    )
    return _item(question, f"tickets-{asked}", notes, result)


TEMPLATES: tuple[Callable[[Random, int], Item], ...] = (
    _bare,
    _bare,
    _riddle,
    _tariffs,
    _consecutive,
    _ages,
    _tickets,
)
