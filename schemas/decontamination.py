"""Contamination: a hit of a text on a benchmark, with evidence; how well each method finds what was planted."""

from typing import Literal

from cotfactory.schemas.record import Record

Method = Literal["exact", "words_8", "words_13", "masked_8", "covered_7", "characters"]
METHODS: tuple[Method, ...] = ("exact", "words_8", "words_13", "masked_8", "covered_7", "characters")
Planting = Literal[
    "verbatim", "digits_swapped", "paraphrased", "embedded", "first_half", "second_half", "look_alike", "unseen"
]


class BenchmarkText(Record):
    """One text of a benchmark: the question of a row, say."""

    benchmark: str
    row: str
    column: str
    text: str


class Hit(Record):
    """A text that repeats a benchmark's: which row, by which method, and the share of it that was met again."""

    benchmark: str
    row: str
    column: str
    method: Method
    overlap: float

    def evidence(self, where: str) -> str:
        """Return the hit in words, for a decision: `math.jsonl row test/7 question, words_8 0.93, in chain`."""
        return f"{self.benchmark} row {self.row} {self.column}, {self.method} {self.overlap:.2f}, in {where}"


class BenchmarkShare(Record):
    """What was compared with one benchmark: its texts, and the problems and candidates that were hit."""

    benchmark: str
    texts: int
    problems: int
    candidates: int


class PlantedRecall(Record):
    """How many of `planted` benchmark texts, changed in one way, one method (or `any` of them) found."""

    planting: Planting
    method: Method | Literal["any"]
    found: int
    planted: int


class Decontamination(Record):
    """The decontamination of a release, for its card: benchmarks, hits, and the test of the methods themselves.

    `clean` benchmark texts were taken out of the index and looked up: `false_alarms` counts, per method, those that
    were called contaminated all the same (two rows of one benchmark that are near-twins are among them).
    """

    benchmarks: tuple[BenchmarkShare, ...]
    planted: tuple[PlantedRecall, ...]
    clean: int
    false_alarms: dict[str, int]
