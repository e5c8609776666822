"""Arithmetic stories: things are packed, added, sold and shared out; how many are there in the end?

Difficulty is the number of events after the first and the size of the numbers: at 1 two steps with numbers
up to 12, at 5 six or more steps with numbers up to 250.
"""

from collections.abc import Callable
from random import Random

from cotfactory.generators.problems.chains import Ref, Worked
from cotfactory.generators.problems.families.item import Item, Notepad, number
from cotfactory.generators.problems.families.story_settings import SETTINGS, Setting
from cotfactory.generators.problems.families.story_words import NAMES

LARGEST = {1: 12, 2: 25, 3: 40, 4: 90, 5: 250}


def arithmetic_stories(rng: Random, difficulty: int) -> Item:
    """Draw a story of `difficulty` events between its start and its question."""
    setting = rng.choice(SETTINGS)
    largest = LARGEST[difficulty]
    words = {"name": rng.choice(NAMES), "things": rng.choice(setting.things)}
    notes = Notepad()
    a, b = rng.randint(1 + difficulty, largest), rng.randint(1 + difficulty, largest)
    total = notes.step("At the start there are", a, "*", b, after=f" {words['things']}.")
    told = [setting.start.format(a=a, b=b, **words)]
    kinds = rng.sample(("gain", "loss") if difficulty == 1 else ("gain", "loss", "batch") * 2, difficulty)
    for place, kind in enumerate(kinds):
        sentence, numbers, total = EVENTS[kind](rng, notes, total, largest)
        told.append(sentence(setting)[kinds[:place].count(kind)].format(**numbers, **words))
    asked, question, total = _ask(rng, notes, total, setting, difficulty)
    told.append(question.format(**words))
    return Item(
        question=" ".join(told),
        answer_kind="math",
        domain="arithmetic",
        template="-".join([setting.key, *kinds, asked]),
        worked=Worked(notes.chain(), number(total)),
    )


Event = tuple[Callable[[Setting], tuple[str, str]], dict[str, int], Ref]
"""Which of a setting's sentences tell it, the numbers for their blanks, and the new total."""


def _gain(rng: Random, notes: Notepad, total: Ref, largest: int) -> Event:
    n = rng.randint(2, 4 * largest)
    return lambda setting: setting.gain, {"n": n}, notes.step("With the new ones that makes", total, "+", n)


def _loss(rng: Random, notes: Notepad, total: Ref, largest: int) -> Event:
    n = rng.randint(2, min(4 * largest, int(notes.value(total)) // 2))
    return lambda setting: setting.loss, {"n": n}, notes.step("Taking some away leaves", total, "-", n)


def _batch(rng: Random, notes: Notepad, total: Ref, largest: int) -> Event:
    a, b = rng.randint(2, max(6, largest // 3)), rng.randint(3, largest)
    added = notes.step("The next lot has", a, "*", b)
    return lambda setting: setting.batch, {"a": a, "b": b}, notes.step("Together that is", total, "+", added)


EVENTS: dict[str, Callable[[Random, Notepad, Ref, int], Event]] = {
    "gain": _gain,
    "loss": _loss,
    "batch": _batch,
}


def _ask(rng: Random, notes: Notepad, total: Ref, setting: Setting, difficulty: int) -> tuple[str, str, Ref]:
    """Return how the story ends: with the plain number, shared out (where that comes out even), or sold."""
    shares = [n for n in range(2, 21) if notes.value(total) % n == 0 and notes.value(total) > n]
    how = rng.choice(("share", "price")) if difficulty >= 3 else "plain"
    if how == "plain":
        return how, setting.ask, total
    if how == "share" and shares:
        n = rng.choice(shares)
        return how, setting.share.replace("{n}", str(n)), notes.step("Each part is", total, "/", n)
    n = rng.randint(2, 9)
    return "price", setting.price.replace("{n}", str(n)), notes.step("At that rate it is", total, "*", n)
