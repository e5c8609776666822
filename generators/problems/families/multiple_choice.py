"""Multiple choice: sequences, remainders, areas, averages, times of day and best offers.

The wrong options are what usual mistakes lead to. Difficulty adds options (4 to 8) and makes numbers larger.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from random import Random

from cotfactory.generators.problems.chains import Ref, Values, Worked, write_number
from cotfactory.generators.problems.families.item import Item, Notepad
from cotfactory.generators.problems.families.story_words import NAMES, TOWNS
from cotfactory.schemas.problem import CHOICE_LETTERS

OPTIONS = {1: 4, 2: 4, 3: 5, 4: 6, 5: 8}


def multiple_choice(rng: Random, difficulty: int) -> Item:
    """Draw one of the templates below."""
    return rng.choice(TEMPLATES)(rng, difficulty)


def _numeric(
    rng: Random,
    difficulty: int,
    question: str,
    template: str,
    notes: Notepad,
    result: Ref,
    mistakes: Sequence[Fraction],
    write: Callable[[Fraction], str] = write_number,
) -> Item:
    """Return the item whose options are the right number, `mistakes` and numbers close by, shuffled.

    A result that is no option (a slipped chain's) leads to the option nearest to it.
    """
    right = notes.value(result)
    options = {right}
    wanted = [value for value in mistakes if value > 0]
    step = max(Fraction(1), Fraction(int(right) // 20))
    while len(options) < OPTIONS[difficulty]:
        value = wanted.pop(0) if wanted else right + rng.choice((-1, 1)) * step * rng.randint(1, 9)
        if value > 0:
            options.add(value)
    shuffled = sorted(options)
    rng.shuffle(shuffled)

    def nearest(values: Values) -> str:
        distances = [abs(option - values[result.step]) for option in shuffled]
        return CHOICE_LETTERS[distances.index(min(distances))]

    def closing(values: Values) -> str:
        letter = nearest(values)
        option = shuffled[CHOICE_LETTERS.index(letter)]
        how = "is" if option == values[result.step] else "comes closest to"
        return f"Option {letter}, {write(option)}, {how} the result."

    choices = tuple(write(option) for option in shuffled)
    return Item(question, "choice", "mixed", template, Worked(notes.chain(), nearest, closing), choices)


def _sequence(rng: Random, difficulty: int) -> Item:
    """The n-th term of an arithmetic sequence; a usual mistake takes n steps instead of n - 1."""
    first = rng.randint(1, 10 * difficulty)
    gap = rng.randint(2, 5 + 4 * difficulty)
    place = rng.randint(8, 10 + 20 * difficulty)
    shown = ", ".join(str(first + gap * i) for i in range(4))
    notes = Notepad()
    steps = notes.step("Steps after the first term:", place, "-", 1)
    total = notes.step("They add", steps, "*", gap)
    term = notes.step("With the first term:", total, "+", first)
    right = notes.value(term)
    mistakes = [right + gap, right - gap, right - first, right + 1]
    question = rng.choice(
        (
            f"The sequence {shown}, ... goes on in the same way. What is term number {place}?",
            f"A row of numbers begins {shown} and always grows by the same amount. Which number stands at "
            f"place {place}?",
        )
    )
    return _numeric(rng, difficulty, question, "sequence", notes, term, mistakes)


def _remainder(rng: Random, difficulty: int) -> Item:
    """Things are packed into equal boxes; how many are left over?"""
    size = rng.randint(6 + difficulty, 12 + 12 * difficulty)
    boxes = rng.randint(3, 10 * difficulty + 5)
    rest = rng.randint(1, size - 1)
    name = rng.choice(NAMES)
    thing = rng.choice(("eggs", "bottles", "tiles", "pencils", "candles", "bulbs", "cans"))
    notes = Notepad()
    packed = notes.step(f"{boxes} full boxes hold", boxes, "*", size)
    left = notes.step("Left over:", boxes * size + rest, "-", packed)
    mistakes = [Fraction(size - rest), Fraction(boxes), Fraction(rest + 1), Fraction(size)]
    question = (
        f"{name} packs {boxes * size + rest} {thing} into boxes of {size} and fills as many boxes as "
        f"possible. How many {thing} are left over?"
    )
    return _numeric(rng, difficulty, question, "remainder", notes, left, mistakes)


def _garden(rng: Random, difficulty: int) -> Item:
    """The fence around a rectangle or the area inside a border; usual mistakes swap the two."""
    long, wide = sorted((rng.randint(5, 12 + 12 * difficulty) for _ in range(2)), reverse=True)
    name = rng.choice(NAMES)
    place = rng.choice(("garden", "field", "playground", "car park", "courtyard", "vineyard"))
    notes = Notepad()
    if rng.random() < 0.5:
        half = notes.step("Length and width together:", long, "+", wide, after=" m.")
        result = notes.step("Twice that:", 2, "*", half, after=" m.")
        question = (
            f"{name} puts a fence all around a rectangular {place} that is {long} m long and {wide} m wide. "
            f"How many metres of fence are needed?"
        )
        mistakes = [Fraction(long * wide), notes.value(half), Fraction(2 * long + wide)]
        return _numeric(rng, difficulty, question, "fence", notes, result, mistakes, _unit("m"))
    border = rng.randint(1, 1 + difficulty)
    both = notes.step("The path takes from both sides:", 2, "*", border, after=" m.")
    inner_long = notes.step("Length inside:", long + 2 * border, "-", both, after=" m.")
    inner_wide = notes.step("Width inside:", wide + 2 * border, "-", both, after=" m.")
    result = notes.step("Area inside:", inner_long, "*", inner_wide, after=" square metres.")
    question = (
        f"A rectangular {place} is {long + 2 * border} m long and {wide + 2 * border} m wide. Along its "
        f"edge, inside it, runs a path that is {border} m wide everywhere. How large is the part within "
        f"the path?"
    )
    mistakes = [
        Fraction((long + 2 * border) * (wide + 2 * border)),
        Fraction((long + border) * (wide + border)),
        Fraction(2 * (long + wide)),
    ]
    return _numeric(rng, difficulty, question, "path", notes, result, mistakes, _unit("square metres"))


def _unit(unit: str) -> Callable[[Fraction], str]:
    return lambda value: f"{write_number(value)} {unit}"


def _missing_score(rng: Random, difficulty: int) -> Item:
    """Which score brings the average to a given value?"""
    count = rng.randint(3, 3 + difficulty)
    scores = [rng.randint(20 * difficulty, 20 * difficulty + 40) for _ in range(count - 1)]
    goal = sum(scores) // (count - 1) + rng.randint(1, 5)
    name = rng.choice(NAMES)
    sport = rng.choice(("darts", "bowling", "archery", "riddles", "gymnastics", "spelling"))
    notes = Notepad()
    needed = notes.step(f"All {count} rounds together must give", count, "*", goal)
    so_far = notes.step("So far there are", scores[0], "+", scores[1])
    for score in scores[2:]:
        so_far = notes.step("And with the next round", so_far, "+", score)
    missing = notes.step("Missing:", needed, "-", so_far)
    mistakes = [Fraction(goal), Fraction(sum(scores), count - 1), notes.value(missing) + count]
    question = (
        f"In a contest of {sport}, {name} scores {', '.join(map(str, scores[:-1]))} and {scores[-1]} points "
        f"in the first {count - 1} rounds. Which score in the next round brings the average of all {count} "
        f"rounds to exactly {goal}?"
    )
    whole = [Fraction(round(value)) for value in mistakes]
    return _numeric(rng, difficulty, question, f"missing-score-{count}", notes, missing, whole)


def _clock(rng: Random, difficulty: int) -> Item:
    """A time of day some hours and minutes later, from several parts of a journey."""
    start = rng.randint(5 * 60, 11 * 60)
    parts = [rng.randint(11, 60 + 25 * difficulty) for _ in range(1 + (difficulty + 1) // 2)]
    name, (here, there) = rng.choice(NAMES), rng.sample(TOWNS, 2)
    notes = Notepad()
    hours = notes.step("Minutes from midnight to the full hour:", start // 60, "*", 60)
    now = notes.step("With the minutes of the clock:", hours, "+", start % 60)
    for part in parts:
        now = notes.step("After the next part:", now, "+", part)
    ways = [f"{part} minutes by {by}" for part, by in zip(parts, rng.sample(VEHICLES, len(parts)), strict=True)]
    question = (
        f"{name} leaves {here} at {_time(Fraction(start))} and travels {', then '.join(ways)} without any "
        f"break to {there}. At what time does {name} arrive?"
    )
    right = notes.value(now)
    mistakes = [right + 60, right - 60, right - parts[-1], right + 40, right - 10, right + 10]
    return _numeric(rng, difficulty, question, f"clock-{len(parts)}", notes, now, mistakes, _time)


VEHICLES = ("bus", "train", "tram", "ferry", "taxi", "bicycle", "coach")


def _time(minutes: Fraction) -> str:
    """Write minutes since midnight as a time of day: `14:05`."""
    return f"{int(minutes) // 60 % 24:02d}:{int(minutes) % 60:02d}"


def _best_offer(rng: Random, difficulty: int) -> Item:
    """Which shop is the cheapest (or dearest) per piece? The options are the shops."""
    count = OPTIONS[difficulty]
    shops = rng.sample(NAMES, count)
    prices = rng.sample(range(11, 30 + 30 * difficulty), count)
    sizes = [rng.randint(2, 6 + 5 * difficulty) for _ in range(count)]
    thing, pack = rng.choice((("pens", "packs"), ("eggs", "boxes"), ("batteries", "packs"), ("candles", "bundles")))
    notes = Notepad()
    each = [
        notes.step(f"{shop}, cents for one:", price * size, "/", size)
        for shop, price, size in zip(shops, prices, sizes, strict=True)
    ]
    best, word = rng.choice(((min, "least"), (max, "most")))

    def chosen(values: Values) -> str:
        costs = [values[ref.step] for ref in each]
        return CHOICE_LETTERS[costs.index(best(costs))]

    offers = [
        f"{shop} sells {pack} of {size} for {price * size} cents"
        for shop, price, size in zip(shops, prices, sizes, strict=True)
    ]
    question = f"{count} traders sell {thing}: {'; '.join(offers)}. Whose {thing} cost the {word} for a single one?"
    worked = Worked(
        notes.chain(),
        chosen,
        lambda values: f"So {shops[CHOICE_LETTERS.index(chosen(values))]} asks the {word}.",
    )
    return Item(question, "choice", "mixed", f"best-offer-{word}", worked, tuple(shops))


TEMPLATES: tuple[Callable[[Random, int], Item], ...] = (
    _sequence,
    _remainder,
    _garden,
    _missing_score,
    _clock,
    _best_offer,
)
