"""Units and percent: discounts, shares, growth, speeds, lengths, weights and volumes, always exact.

Difficulty adds a second or third change and makes the numbers larger and less round.
"""

from collections.abc import Callable
from fractions import Fraction
from random import Random

from cotfactory.generators.problems.chains import Ref, Worked, write_number
from cotfactory.generators.problems.families.item import Item, Notepad, number
from cotfactory.generators.problems.families.story_words import NAMES, TOWNS, counted


def units_percent(rng: Random, difficulty: int) -> Item:
    """Draw one of the templates below."""
    return rng.choice(TEMPLATES)(rng, difficulty)


def _item(question: str, domain: str, template: str, notes: Notepad, ref: Ref) -> Item:
    return Item(question, "math", domain, template, Worked(notes.chain(), number(ref)))


def _rate(rng: Random, difficulty: int) -> int:
    """Draw a percentage: round at low difficulty, any from 2 to 95 at high."""
    if difficulty == 1:
        return rng.choice((10, 20, 25, 50, 75))
    return 5 * rng.randint(1, 19) if difficulty < 4 else rng.randint(2, 95)


def _discounts(rng: Random, difficulty: int) -> Item:
    """A price goes down, then down again (from 3), then tax is added (from 4); always whole cents."""
    price = 20 * rng.randint(2, 20 * difficulty) if difficulty < 3 else 100 * rng.randint(2, 30)
    name, thing = rng.choice(NAMES), rng.choice(DEAR_THINGS)
    rate = _rate(rng, difficulty)
    notes = Notepad()
    cut = notes.step(f"{rate}% of the price:", price, "*", rate, "/", 100, after=" dollars.")
    now = notes.step("Price after the discount:", price, "-", cut, after=" dollars.")
    told = [f"{name} wants to buy a {thing} that costs {price} dollars.", f"It is reduced by {rate}%."]
    if difficulty >= 3:
        again = rng.choice((10, 20, 25, 50) if difficulty == 3 else (10, 20, 50))
        cut = notes.step(f"{again}% of the reduced price:", now, "*", again, "/", 100, after=" dollars.")
        now = notes.step("Price after the second discount:", now, "-", cut, after=" dollars.")
        told.append(f"A week later the reduced price is lowered by another {again}%.")
    if difficulty >= 4:
        tax = rng.choice((10, 20))
        added = notes.step(f"{tax}% tax:", now, "*", tax, "/", 100, after=" dollars.")
        now = notes.step("Price with tax:", now, "+", added, after=" dollars.")
        told.append(f"At the till {tax}% tax is added to the price.")
    told.append(rng.choice((f"How many dollars does {name} pay?", f"What does the {thing} cost then, in dollars?")))
    return _item(" ".join(told), "percent", f"discounts-{min(difficulty, 4)}", notes, now)


DEAR_THINGS = (
    "laptop",
    "sofa",
    "bicycle",
    "camera",
    "piano",
    "tent",
    "telescope",
    "carpet",
    "guitar",
    "freezer",
)


def _what_percent(rng: Random, difficulty: int) -> Item:
    """Which share of a group is left, in percent, after some of it is taken away."""
    base = {1: (10, 20, 50), 2: (20, 25, 40, 50), 3: (80, 125, 160, 200)}.get(difficulty, (250, 320, 400, 500, 800))
    whole = rng.choice(base) * rng.randint(1, 3 + difficulty)
    taken = rng.randint(1, whole - 1)
    while (Fraction(100 * taken, whole) * 1000).denominator != 1:
        taken = rng.randint(1, whole - 1)
    name, town = rng.choice(NAMES), rng.choice(TOWNS)
    key, sentence, asked = rng.choice(GROUPS)
    notes = Notepad()
    left = notes.step("The others:", whole, "-", taken)
    share = notes.step("As a part of all:", left, "/", whole)
    percent = notes.step("In percent:", share, "*", 100)
    question = f"{sentence.format(whole=whole, taken=taken, name=name, town=town)} {asked.format(name=name)}"
    return _item(question, "percent", f"what-percent-{key}", notes, percent)


GROUPS = (
    (
        "pupils",
        "The school in {town} has {whole} pupils, and {taken} of them walk to school.",
        "What percent of the pupils do not walk to school?",
    ),
    (
        "houses",
        "There are {whole} houses in {town}. {taken} of them are built of brick.",
        "What percent of the houses are not built of brick?",
    ),
    (
        "shots",
        "{name} shoots {whole} times at a target and misses {taken} times.",
        "What percent of the shots hit the target?",
    ),
    (
        "mail",
        "{name} has received {whole} messages and answered {taken} of them.",
        "What percent of the messages has {name} not answered?",
    ),
    (
        "trees",
        "A storm in {town} breaks {taken} of the {whole} trees in the park.",
        "What percent of the trees are still unharmed?",
    ),
)


def _growth(rng: Random, difficulty: int) -> Item:
    """A number grows (or shrinks) by a percentage, `difficulty` times up to 3; the start makes it exact."""
    years = min(3, 1 + difficulty // 2)
    rates = [rng.choice((-20, -10, -5, 5, 10, 20, 25, 30, 40, 50)) for _ in range(years)]
    whole = 1
    for rate in rates:
        whole *= (1 + Fraction(rate, 100)).denominator
    start = whole * rng.randint(2, 10 + 10 * difficulty) * (10 if whole < 100 else 1)
    what = rng.choice(("people live", "birds nest", "bees are kept", "cars are registered", "trees grow"))
    town = rng.choice(TOWNS)
    notes = Notepad()
    now: int | Ref = start
    told = [f"In {town}, {start} {what} this year."]
    for place, rate in enumerate(rates):
        change = notes.step(f"{abs(rate)}% of that:", now, "*", abs(rate), "/", 100)
        now = notes.step("At the end of the year:", now, "+" if rate > 0 else "-", change)
        when = ("Over the next year", "In the year after that", "In the third year")[place]
        told.append(f"{when} the number {'rises' if rate > 0 else 'falls'} by {abs(rate)}%.")
    told.append("What is the number then?")
    assert isinstance(now, Ref)
    return _item(" ".join(told), "percent", f"growth-{years}", notes, now)


def _before_change(rng: Random, difficulty: int) -> Item:
    """The value after a change in percent is given, the one before it is asked for."""
    rate = _rate(rng, difficulty)
    falls = rng.random() < 0.5
    name = rng.choice(NAMES)
    thing = rng.choice(("monthly rent", "salary", "electricity bill", "insurance premium", "pension"))
    before = 100 * rng.randint(3, 12 * difficulty + 8) if difficulty < 4 else 50 * rng.randint(7, 150)
    notes = Notepad()
    after = Fraction(before * (100 - rate if falls else 100 + rate), 100)
    percent = notes.step("The new amount in percent of the old one:", 100, "-" if falls else "+", rate)
    one_percent = notes.step("One percent of the old amount:", after, "/", percent, after=" dollars.")
    result = notes.step("The whole old amount:", one_percent, "*", 100, after=" dollars.")
    change = "cut" if falls else "rise"
    question = (
        f"After a {change} of {rate}%, {name}'s {thing} is {write_number(after)} dollars. "
        f"How many dollars was it before?"
    )
    return _item(question, "percent", f"before-{change}", notes, result)


def _pieces(rng: Random, difficulty: int) -> Item:
    """Metres and centimetres, litres and millilitres, ...: how many equal parts, with nothing left over?"""
    (big, small, factor, grain), text = rng.choice(DIVIDED)
    whole = rest = 0
    while whole == 0 or rest == 0:
        each = rng.randint(2, 8 + 6 * difficulty) * grain
        whole, rest = divmod(each * rng.randint(3, 12 + 14 * difficulty), factor)
    notes = Notepad()
    converted = notes.step(f"The {big}s in {small}s:", whole, "*", factor)
    total = notes.step(f"All of it in {small}s:", converted, "+", rest)
    result = notes.step("Divided by the size of one part:", total, "/", each)
    size = f"{counted(whole, big)} and {counted(rest, small)}"
    question = text.format(name=rng.choice(NAMES), size=size, each=counted(each, small))
    return _item(question, "units", f"pieces-{small}", notes, result)


DIVIDED = (
    (
        ("metre", "centimetre", 100, 1),
        "A ribbon is {size} long. {name} cuts all of it into pieces of {each}. How many pieces are there?",
    ),
    (
        ("litre", "millilitre", 1000, 25),
        "A barrel holds {size} of juice. {name} pours all of it into bottles of {each} each. "
        "How many bottles are filled?",
    ),
    (
        ("kilogram", "gram", 1000, 25),
        "{name} has {size} of flour and needs {each} for one loaf. For how many loaves is it enough?",
    ),
    (
        ("hour", "minute", 60, 1),
        "{name} watches a machine for {size}. It finishes one part every {each}. "
        "How many parts does it finish in that time?",
    ),
    (
        ("minute", "second", 60, 1),
        "{name} listens to the same tune again and again for {size}. It lasts {each}. "
        "How many times does {name} hear it?",
    ),
    (
        ("kilometre", "metre", 1000, 25),
        "Along a track of {size} {name} sets up a post every {each}, the first one {each} after the start. "
        "How many posts are there up to the end of the track?",
    ),
)


def _journey(rng: Random, difficulty: int) -> Item:
    """Speeds and times in minutes: the distance of one leg, or of several added up."""
    legs = 1 + difficulty // 2
    name, (start, end) = rng.choice(NAMES), rng.sample(TOWNS, 2)
    vehicle, slow, fast = rng.choice((("bicycle", 12, 30), ("train", 60, 160), ("car", 40, 120), ("boat", 12, 40)))
    notes = Notepad()
    told, total = [], None
    for place in range(legs):
        speed = rng.randint(slow // 6, fast // 6) * 6
        minutes = 10 * rng.randint(2, 5 + 6 * difficulty)
        where = "first" if place == 0 else "then"
        told.append(f"{where} {minutes} minutes at {speed} km per hour")
        per_minute = notes.step("Kilometres per minute:", speed, "/", 60)
        leg = notes.step("Distance of this part:", per_minute, "*", minutes, after=" km.")
        total = leg if total is None else notes.step("Together:", total, "+", leg, after=" km.")
    assert total is not None
    if legs == 1:
        told = [told[0].removeprefix("first ")]
    question = (
        f"{name} travels from {start} to {end} by {vehicle}: {', '.join(told)}. "
        f"How many kilometres long is the way from {start} to {end}?"
    )
    return _item(question, "units", f"journey-{legs}", notes, total)


def _fuel(rng: Random, difficulty: int) -> Item:
    """Litres per 100 km, what they cost (from 2), and that shared (from 4); always whole cents."""
    per_hundred = Fraction(rng.randint(40, 60 + 20 * difficulty), 10)
    distance = (50 if difficulty < 4 else 100) * rng.randint(2, 6 + 6 * difficulty)
    name, (start, end) = rng.choice(NAMES), rng.sample(TOWNS, 2)
    notes = Notepad()
    hundreds = notes.step("Hundreds of kilometres:", distance, "/", 100)
    result = notes.step("Litres used:", hundreds, "*", per_hundred)
    told = [
        f"{name}'s car uses {write_number(per_hundred)} litres of petrol per 100 km.",
        f"The way from {start} to {end} is {distance} km.",
    ]
    asked = "How many litres does the car use on the way?"
    if difficulty >= 2:
        price = Fraction(2 * rng.randint(6, 12), 10)
        result = notes.step("Cost:", result, "*", price, after=" dollars.")
        told.append(f"A litre costs {write_number(price)} dollars.")
        asked = "How many dollars does the petrol for the way cost?"
    if difficulty >= 4:
        people = rng.choice([n for n in (2, 3, 4, 5) if (100 * notes.value(result) / n).denominator == 1])
        result = notes.step("Shared:", result, "/", people, after=" dollars.")
        told.append(f"The {people} people in the car share the cost equally.")
        asked = "How many dollars does each of them pay?"
    return _item(" ".join([*told, asked]), "units", f"fuel-{difficulty}", notes, result)


TEMPLATES: tuple[Callable[[Random, int], Item], ...] = (
    _discounts,
    _what_percent,
    _growth,
    _before_change,
    _pieces,
    _journey,
    _fuel,
)
