"""Curation: which correct candidates are worth publishing; every threshold has its source beside it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cotfactory.schemas.drop_reasons import Flag
from cotfactory.schemas.record import RecipeKeys

PositiveInt = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Preference = Literal["first", "shortest", "median", "most_different"]


class Repetition(RecipeKeys):
    """How often a chain may say the same."""

    sentences: PositiveInt = 10
    """The same sentence so many times (Olmo 3's filter: 10)."""
    phrases: PositiveInt = 50
    """The same 5 words so many times (Olmo 3's filter: 50)."""
    passages: PositiveInt = 20
    """The same 20 words so many times (DeepDistill: 20)."""
    repeated: Share = 0.5
    """The share of a chain that sentences make up which come four times and more (Gopher: 0.2 to 0.3 of pages)."""
    in_a_row: Annotated[int, Field(ge=2)] = 10
    """The same words so many times with nothing in between."""
    counted_up: Annotated[int, Field(ge=2)] = 35
    """The same so many times but for its numbers: `Case 7: 7 + 7 = 14, no.`"""
    min_compressed: Share = 0.06
    """The share of its bytes that zlib must leave at least: a loop is squeezed to nearly nothing."""


class NearDuplicates(RecipeKeys):
    """Chains that are nearly the same, by MinHash over runs of 5 words; the first of them is kept.

    Chains that are the same but for their numbers are different chains, and carry the label `other_numbers`.
    """

    within: Literal["problem", "release", "off"] = "release"
    """Which chains are compared: those of one problem, of the whole release, or none."""
    similarity: Annotated[float, Field(ge=0.8, le=1)] = 0.95
    """The share of runs that two chains have in common (estimated Jaccard) from which on one of them is dropped."""
    contained: Annotated[float, Field(ge=0.8, le=1)] = 0.92
    """The share of the shorter one's runs that are in the longer (estimated containment) from which on one of them is
    dropped: a sentence before or after changes nothing. A chain with a number that the other has not stays."""
    min_words: PositiveInt = 40
    """Only chains of so many words and more are compared: short ones are alike because there are few ways to write
    them."""


class BenchmarkFile(RecipeKeys):
    """Benchmark texts from a file."""

    source: Literal["file"]
    """That they come from a file."""
    path: str
    """A JSONL (also `.gz`), Parquet or CSV file; a relative path starts at the recipe's folder."""
    columns: Annotated[tuple[str, ...], Field(min_length=1)] = ("question",)
    """The columns whose texts must not be repeated."""
    id: str | None = "id"
    """The column that names a row; null: its number does."""
    name: str | None = None
    """What the evidence calls the benchmark; null: the file's name."""


class BenchmarkHub(RecipeKeys):
    """Benchmark texts from a dataset on the Hugging Face Hub."""

    source: Literal["hub"]
    """That they come from the Hub."""
    repo: str
    """The dataset, `org/name`."""
    revision: Annotated[str, Field(min_length=1)]
    """A tag, a branch or a commit; it is resolved to a commit, which the manifest names."""
    config: str | None = None
    """The dataset's configuration; null: its only one."""
    split: str = "test"
    """The split that is read."""
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    """The columns whose texts must not be repeated."""


Benchmark = Annotated[BenchmarkFile | BenchmarkHub, Field(discriminator="source")]


class Overlap(RecipeKeys):
    """What share of a benchmark text must be met again, per method, for a hit."""

    words_8: Share = 0.5
    """Of its runs of 8 words (Tulu 3 and Olmo 3: 0.5)."""
    words_13: Share = 0.4
    """Of its runs of 13 words."""
    masked_8: Share = 0.8
    """Of its runs of 8 words with every number masked, which finds the twin with other numbers; only runs that are
    mostly words count."""
    covered_7: Share = 0.35
    """Of its words, counted by the runs of 7 that are met: half of a question is found so."""
    characters: Share = 0.85
    """Indel similarity of two short texts (OpenThoughts: 0.75; higher here, because of its 1.4 % false alarms)."""


class Difficulty(RecipeKeys):
    """Only problems that a named model solves this often (its pass rate in this recipe) are kept, in `rl` too."""

    model: str
    """The `model` of one of the recipe's teachers."""
    min: Share = 0.0
    """The lowest pass rate."""
    max: Share = 1.0
    """The highest pass rate. RL sets keep 0 < rate <= 0.625 (Olmo 3) to 0.75 (Llama Nemotron)."""

    @model_validator(mode="after")
    def _min_is_below_max(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"difficulty from {self.min} to {self.max}: expected min <= max")
        return self


class HeldOut(RecipeKeys):
    """Hold some problem groups back as the `test` split, by a seeded hash of the group; near-twins stay together."""

    share: Annotated[float, Field(gt=0, lt=1)]
    """About which share of the groups."""
    seed: int = 0
    """Another seed holds back others."""


class Curation(RecipeKeys):
    """Which correct candidates are worth publishing.

    What a check finds drops the candidate, unless the check is in `label_only`: then the candidate carries a flag.
    """

    require_reasoning: bool = False
    """Drop chains without separate thinking."""
    keep_hinted: bool = False
    """Publish chains of the strategy `hint` too, whose prompt held the reference answer."""
    drop_wrong_steps: bool = True
    """Drop chains that state `6 * 7 = 44` on their way, however right the answer; false: only flag them."""
    personal_data: Literal["drop", "mask", "label"] = "drop"
    """What becomes of right chains with an e-mail address, telephone number, IBAN or card number that their question
    does not have: they are dropped, published with `[email]` in its place, or published as they are with a flag. Wrong
    chains that a product shows are masked, unless it is `label`."""
    label_only: tuple[Flag, ...] = ("answer_first", "answer_from_prompt")
    """Findings that flag a chain and do not drop it; `[]`: all of them drop."""
    repetition: Repetition = Repetition()
    """From how many repetitions on a chain is a loop, and dropped."""
    max_foreign_letters: Share = 0.05
    """The share of letters in a script that the prompt does not use (Olmo 3: 0.05)."""
    near_duplicates: NearDuplicates = NearDuplicates()
    """Which chains are too alike."""
    decontaminate: tuple[Benchmark, ...] = ()
    """Benchmarks: problems that repeat one are not asked, chains that do are dropped."""
    overlap: Overlap = Overlap()
    """How much of a benchmark text must be met again for a hit."""
    difficulty: Difficulty | None = None
    """Keep only problems that a model solves neither too seldom nor too often."""
    max_per_problem: PositiveInt | None = None
    """The most chains of a problem that are kept; null: all of them."""
    prefer: Preference = "first"
    """Which those are: the first, the shortest, those of median length, or those most different from each other."""
    max_per_domain: PositiveInt | None = None
    """The most chains of a domain that are kept."""
    max_domain_share: Annotated[float, Field(gt=0, le=1)] | None = None
    """The largest share of all kept chains that one domain may have."""
    held_out: HeldOut | None = None
    """Problem groups whose rows are the `test` split; null: all are `train`."""
