"""Short text: weekdays, months, letters, patterns and orderings, answered with one word of a closed set.

Difficulty makes the way to the word longer: larger counts, several moves, more people to put in order.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from random import Random

from cotfactory.generators.problems.chains import Ref, Values, Worked
from cotfactory.generators.problems.families.item import Item, Notepad
from cotfactory.generators.problems.families.story_words import NAMES, counted

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def short_text(rng: Random, difficulty: int) -> Item:
    """Draw one of the templates below."""
    return rng.choice(TEMPLATES)(rng, difficulty)


def _cycle(question: str, template: str, notes: Notepad, result: Ref, words: Sequence[str], says: str) -> Item:
    """Return the item whose answer is `words[result]`, counted around; `says` closes the chain with it."""

    def word(values: Values) -> str:
        return words[int(values[result.step]) % len(words)]

    worked = Worked(notes.chain(), word, lambda values: says.format(word=word(values)))
    return Item(question, "text", "logic", template, worked)


def _weekday(rng: Random, difficulty: int) -> Item:
    """The weekday a number of days ahead; whole weeks are taken out first."""
    start = rng.randrange(7)
    days = rng.randint(8, 30 * 3 ** (difficulty - 1) + 20)
    name, event = (
        rng.choice(NAMES),
        rng.choice(("concert", "wedding", "exam", "race", "trip", "interview", "party")),
    )
    weeks, _ = divmod(days, 7)
    notes = Notepad()
    whole = notes.step(
        f"{counted(weeks, 'whole week')} make", weeks, "*", 7, after=" days and end on the same weekday."
    )
    rest = notes.step("Days beyond them:", days, "-", whole)
    if difficulty >= 3:
        past = rng.randint(2, 6)
        place = notes.step(
            f"Today is {past} days after a {WEEKDAYS[start]}, so count from there:",
            rest,
            "+",
            past,
            after=" days.",
        )
        today = f"{past} days ago it was {WEEKDAYS[start]}."
    else:
        place, today = rest, f"Today is {WEEKDAYS[start]}."
    turned = WEEKDAYS[start:] + WEEKDAYS[:start]
    question = rng.choice(
        (
            f"{today} {name}'s {event} is in {days} days. On which day of the week is it?",
            f"{today} Exactly {days} days from now {name} has {'an' if event[0] in 'aei' else 'a'} {event}. "
            f"Name the day of the week.",
        )
    )
    says = f"Counting on from {WEEKDAYS[start]} gives {{word}}."
    return _cycle(question, f"weekday-{difficulty >= 3}", notes, place, turned, says)


def _month(rng: Random, difficulty: int) -> Item:
    """The month a number of months ahead, or at the end of several periods."""
    start = rng.randrange(12)
    periods = [rng.randint(2, 9 + 9 * difficulty) for _ in range(1 + difficulty // 2)]
    while sum(periods) < 13:
        periods[0] += rng.randint(3, 12)
    name = rng.choice(NAMES)
    work = rng.choice(("a voyage", "a building project", "a course", "an apprenticeship", "a study"))
    notes = Notepad()
    first, *others = periods
    total: int | Ref = first
    for period in others:
        total = notes.step("Months together:", total, "+", period)
    years = sum(periods) // 12
    whole = notes.step(
        f"{counted(years, 'whole year')} make", years, "*", 12, after=" months and end in the same month."
    )
    rest = notes.step("Months beyond them:", total, "-", whole)
    takes = f"takes {first} months" + "".join(f", then {period} months more" for period in others)
    question = (
        f"{name} begins {work} in {MONTHS[start]}. It {takes}. In which month, counted from the month of the "
        f"beginning, is it over?"
    )
    turned = MONTHS[start:] + MONTHS[:start]
    says = f"Counting on from {MONTHS[start]} gives {{word}}."
    return _cycle(question, f"month-{len(periods)}", notes, rest, turned, says)


def _letter(rng: Random, difficulty: int) -> Item:
    """Moves back and forth in the alphabet that never leave it."""
    place = start = rng.randint(4, 22)
    moves: list[int] = []
    while len(moves) < difficulty + 1:
        move = rng.choice((-1, 1)) * rng.randint(2, 9)
        if 1 <= place + move <= 26:
            moves.append(move)
            place += move
    notes = Notepad()
    at: int | Ref = start
    for move in moves:
        at = notes.step(
            f"{'Forward' if move > 0 else 'Back'} {abs(move)}: place", at, "+" if move > 0 else "-", abs(move)
        )
    assert isinstance(at, Ref)
    name = rng.choice(NAMES)
    way = ", then ".join(f"{abs(move)} letters {'forward' if move > 0 else 'back'}" for move in moves)
    question = rng.choice(
        (
            f"{name} points at the letter {ALPHABET[start - 1]} of the English alphabet and moves {way}. "
            f"Which letter is {name} pointing at now?",
            f"In the English alphabet, start at the letter {ALPHABET[start - 1]} and go {way}. "
            f"On which letter do you end?",
        )
    )
    turned = ALPHABET[-1] + ALPHABET[:-1]
    return _cycle(question, f"letter-{len(moves)}", notes, at, turned, "The letter at that place is {word}.")


def _pattern(rng: Random, difficulty: int) -> Item:
    """The colour at a far place of a repeating pattern."""
    colours = rng.sample(COLOURS, rng.randint(3, 4 + difficulty))
    place = rng.randint(2 * len(colours) + 1, 40 * 2**difficulty)
    if place % len(colours) == 0:
        place += 1
    name = rng.choice(NAMES)
    thing = rng.choice(("bead", "flag", "tile", "lantern", "balloon"))
    rounds = place // len(colours)
    notes = Notepad()
    whole = notes.step(f"{rounds} whole rounds take up", rounds, "*", len(colours), after=f" {thing}s.")
    rest = notes.step("Place within the next round:", place, "-", whole)
    question = (
        f"{name} hangs up {thing}s in the order {', '.join(colours)} and keeps repeating this order. "
        f"Which colour has {thing} number {place}?"
    )
    turned = [colours[-1], *colours[:-1]]
    return _cycle(question, f"pattern-{len(colours)}", notes, rest, turned, "The colour at that place is {word}.")


COLOURS = ("red", "blue", "green", "yellow", "white", "black", "orange", "purple", "pink", "brown", "silver")


def _ordering(rng: Random, difficulty: int) -> Item:
    """Who is the oldest, tallest, fastest, ...: each person is compared with the one before."""
    people = rng.sample(NAMES, 3 + difficulty)
    unit, more, less, most, least, low, high, is_known = rng.choice(COMPARED)
    start = rng.randint(low, high)
    gaps: list[int] = []
    amounts = [start]
    while len(amounts) < len(people):
        gap = rng.choice((-1, 1)) * rng.randint(2, 4 + 2 * difficulty)
        if amounts[-1] + gap > 1 and amounts[-1] + gap not in amounts:
            gaps.append(gap)
            amounts.append(amounts[-1] + gap)
    notes = Notepad()
    told = [is_known.format(name=people[0], n=start)]
    places: list[Ref] = []
    at: int | Ref = start
    for (before, person), gap in zip(pairwise(people), gaps, strict=True):
        told.append(f"{person} is {abs(gap)} {unit} {more if gap > 0 else less} than {before}.")
        at = notes.step(f"{person}:", at, "+" if gap > 0 else "-", abs(gap), after=f" {unit}.")
        places.append(at)
    best, word = rng.choice(((max, most), (min, least)))

    def winner(values: Values) -> str:
        ranked = [Fraction(start), *(values[ref.step] for ref in places)]
        return people[ranked.index(best(ranked))]

    question = f"{' '.join(told)} Who is the {word} of the {len(people)}?"
    worked = Worked(notes.chain(), winner, lambda values: f"So the {word} is {winner(values)}.")
    return Item(question, "text", "logic", f"ordering-{word}", worked)


COMPARED = (
    ("years", "older", "younger", "oldest", "youngest", 8, 40, "{name} is {n} years old."),
    ("cm", "taller", "shorter", "tallest", "shortest", 120, 180, "{name} is {n} cm tall."),
    ("kg", "heavier", "lighter", "heaviest", "lightest", 35, 80, "{name} weighs {n} kg."),
    ("seconds", "slower", "faster", "slowest", "fastest", 40, 90, "{name} runs a lap in {n} seconds."),
)


def _seat(rng: Random, difficulty: int) -> Item:
    """People stand in a line; who is so many places before or behind someone?"""
    line = rng.sample(NAMES, 5 + 2 * difficulty)
    place = rng.randint(1, len(line))
    moves: list[int] = []
    at_place = place
    while len(moves) < 1 + difficulty // 2 or len(moves) < 2:
        move = rng.choice((-1, 1)) * rng.randint(1, len(line) - 1)
        if 1 <= at_place + move <= len(line):
            moves.append(move)
            at_place += move
    notes = Notepad()
    at: int | Ref = place
    for move in moves:
        at = notes.step(
            f"{_passed(move)}: place",
            at,
            "+" if move > 0 else "-",
            abs(move),
        )
    assert isinstance(at, Ref)
    way = ", then ".join(map(_passed, moves))
    question = (
        f"From front to back, these people stand in a line: {', '.join(line)}. A ball starts with "
        f"{line[place - 1]} and is passed {way}. Who holds the ball at the end?"
    )
    turned = [line[-1], *line[:-1]]
    return _cycle(question, f"line-{len(moves)}", notes, at, turned, "The person at that place is {word}.")


def _passed(move: int) -> str:
    """Write one pass: `1 place to the front`, `3 places back`."""
    return f"{counted(abs(move), 'place')} {'back' if move > 0 else 'to the front'}"


TEMPLATES: tuple[Callable[[Random, int], Item], ...] = (
    _weekday,
    _month,
    _letter,
    _pattern,
    _ordering,
    _seat,
)
