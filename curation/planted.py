"""The test of decontamination itself: plant benchmark texts, changed in known ways, and count what is found.

Planted are texts of the recipe's own benchmarks: as they are, with every number changed, paraphrased by rules,
embedded in a longer text, halved, in look-alike letters, and with signs between the letters that nobody sees.
Clean texts are benchmark texts too: half of them is looked up in an index of the other
half, so what is found there are twins within the benchmarks, and the rest of the false alarms.
"""

import random
import re
from collections.abc import Sequence
from typing import get_args

from cotfactory.curation.decontaminate import BenchmarkIndex, benchmark_index, contaminations
from cotfactory.schemas.decontamination import METHODS, BenchmarkText, Hit, Method, PlantedRecall, Planting
from cotfactory.schemas.ids import seed_from

MOST = 1_000
"""How many texts are planted at most."""

MIN_HALVED = 12
"""Words: half of a shorter text is a phrase of anybody's."""

_LOOK_ALIKES = str.maketrans("aceopxy", "\u0430\u0441\u0435\u043e\u0440\u0445\u0443")
_LETTER = re.compile(r"[a-z](?=[a-z])")
_PARAPHRASES = (
    (r"\bhow many\b", "what number of"), (r"\bhow much\b", "what amount of"), (r"\bwhat is\b", "determine"),
    (r"\bfind\b", "work out"), (r"\bcompute\b", "calculate"), (r"\bevaluate\b", "give the value of"),
    (r"\beach\b", "every"), (r"\bbuys?\b", "purchases"), (r"\bbought\b", "purchased"), (r"\bhas\b", "owns"),
    (r"\bhave\b", "own"), (r"\bif\b", "suppose that"), (r"\bthen\b", "after that"), (r"\bper\b", "for every"),
    (r"\btotal\b", "overall"), (r"\blet\b", "set"), (r"\bsuch that\b", "for which"), (r"\band\b", "as well as"),
    (r"\bwhich\b", "that"), (r"\bmore than\b", "above"), (r"\bless than\b", "below"), (r"\bevery day\b", "daily"),
)  # fmt: skip
_FILLER = (
    "Here is a warm-up that I keep coming back to in class before we turn to the harder part of the sheet.",
    "Take your time, draw a picture where it helps, and write down what you know before you start.",
    "When you are done, compare with your neighbour and explain the step that you found most surprising.",
    "The sheet goes on overleaf with a second part about something else entirely, which is for the next lesson.",
)


def plantings(text: str) -> dict[Planting, str]:
    """Return a text in every way it is planted; the same text always gives the same."""
    draw = random.Random(seed_from("planted", text))  # noqa: S311 - a test's variation, no secret
    swapped = re.sub(r"\d", lambda match: str((int(match.group()) + draw.randint(1, 9)) % 10), text)
    paraphrased = text
    for pattern, other in _PARAPHRASES:
        paraphrased = re.sub(pattern, other, paraphrased, flags=re.IGNORECASE)
    embedded = "\n".join((*_FILLER[:2], text, *_FILLER[2:]))
    words = text.split(" ")
    found: dict[Planting, str] = {"verbatim": text, "embedded": embedded}
    if len(words) >= MIN_HALVED:
        found["first_half"] = " ".join(words[: (len(words) + 1) // 2])
        found["second_half"] = " ".join(words[len(words) // 2 :])
    disguised: dict[Planting, str] = {
        "look_alike": text.translate(_LOOK_ALIKES),
        "unseen": _LETTER.sub("\\g<0>\u200b", text),
    }
    # A text that a change leaves as it is would be counted twice.
    if swapped != text:
        found["digits_swapped"] = swapped
    if paraphrased != text:
        found["paraphrased"] = paraphrased
    found |= {way: other for way, other in disguised.items() if other != text}
    return found


def planted_recall(index: BenchmarkIndex) -> list[PlantedRecall]:
    """Return, for each way of planting, what each method finds, and any of them; at most 1,000 texts are planted."""
    texts = [plantings(text.text) for text in _sample(index.texts)]
    recalls = []
    for way in get_args(Planting):
        hits = contaminations([text[way] for text in texts if way in text], index, by_characters=True)
        for method in METHODS:
            found = _found_by(method, hits)
            recalls.append(PlantedRecall(planting=way, method=method, found=found, planted=len(hits)))
        recalls.append(PlantedRecall(planting=way, method="any", found=sum(map(bool, hits)), planted=len(hits)))
    return recalls


def false_alarms(index: BenchmarkIndex) -> tuple[int, dict[str, int]]:
    """Return how many clean texts were looked up, and how many of them each method, and any, calls contaminated."""
    ordered = sorted(index.texts, key=lambda text: seed_from("clean", text.benchmark, text.row, text.column))
    half = len(ordered) // 2
    clean = ordered[half:][:MOST]
    hits = contaminations(
        [text.text for text in clean], benchmark_index(ordered[:half], index.overlap), by_characters=True
    )
    alarms = {str(method): _found_by(method, hits) for method in METHODS}
    return len(clean), {**alarms, "any": sum(map(bool, hits))}


def _found_by(method: Method, hits: Sequence[Sequence[Hit]]) -> int:
    return sum(any(hit.method == method for hit in ones) for ones in hits)


def _sample(texts: Sequence[BenchmarkText]) -> list[BenchmarkText]:
    return sorted(texts, key=lambda text: seed_from("plant", text.benchmark, text.row, text.column))[:MOST]
