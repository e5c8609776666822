"""Curation: which correct candidates are worth publishing; every threshold has its source beside it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cotfactory.schemas.grade import Flag
from cotfactory.schemas.record import Record

PositiveInt = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Preference = Literal["first", "shortest", "median", "most_different"]


class Repetition(Record):
    """How often a chain may say the same: sentences and 5-word phrases as in Olmo 3's filter (10 and 50 times),
    20-word passages as in DeepDistill (20 times), and what zlib must leave of its bytes at least.
    """

    sentences: PositiveInt = 10
    phrases: PositiveInt = 50
    passages: PositiveInt = 20
    min_compressed: Share = 0.06


class NearDuplicates(Record):
    """Chains that are nearly the same, by MinHash over runs of 5 words.

    `within` says which are compared: those of one problem, of the whole release, or none. `similarity` is the share of
    runs two chains have in common (estimated Jaccard), and only chains of `min_words` words and more are compared:
    short ones are alike because there are few ways to write them.
    """

    within: Literal["problem", "release", "off"] = "release"
    similarity: Annotated[float, Field(ge=0.8, le=1)] = 0.95
    min_words: PositiveInt = 40


class BenchmarkFile(Record):
    """Benchmark texts from a JSONL (also `.gz`), Parquet or CSV file; a relative path starts at the recipe's folder.

    `name` is what the evidence calls it (default: the file's name), `id` the column that names a row.
    """

    source: Literal["file"]
    path: str
    columns: Annotated[tuple[str, ...], Field(min_length=1)] = ("question",)
    id: str | None = "id"
    name: str | None = None


class BenchmarkHub(Record):
    """Benchmark texts from a dataset on the Hugging Face Hub, pinned to a revision (a tag or a commit)."""

    source: Literal["hub"]
    repo: str
    revision: Annotated[str, Field(min_length=1)]
    config: str | None = None
    split: str = "test"
    columns: Annotated[tuple[str, ...], Field(min_length=1)]


Benchmark = Annotated[BenchmarkFile | BenchmarkHub, Field(discriminator="source")]


class Overlap(Record):
    """What share of a benchmark text must be met again, per method, for a hit.

    `words_8`: of its runs of 8 words (Tulu 3 and Olmo 3: 0.5). `words_13`: of its runs of 13 words. `masked_8`: of its
    runs of 8 words with every number masked, which finds the twin with other numbers; only runs that are mostly words
    count. `characters`: Indel similarity of two short texts (OpenThoughts: 0.75; higher here, because of its 1.4 %
    false alarms).
    """

    words_8: Share = 0.5
    words_13: Share = 0.4
    masked_8: Share = 0.8
    characters: Share = 0.85


class Difficulty(Record):
    """Only problems that a named model solves this often (its pass rate in this recipe) are kept, in `rl` too.

    RL sets keep 0 < rate <= 0.625 (Olmo 3) to 0.75 (Llama Nemotron).
    """

    model: str
    min: Share = 0.0
    max: Share = 1.0

    @model_validator(mode="after")
    def _min_is_below_max(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"difficulty from {self.min} to {self.max}: expected min <= max")
        return self


class HeldOut(Record):
    """The share of problem groups that go into the `test` split, by a seeded hash of the group."""

    share: Annotated[float, Field(gt=0, lt=1)]
    seed: int = 0


class Curation(Record):
    """Which correct candidates are worth publishing.

    What a check finds drops the candidate, unless the check is in `label_only`: then the candidate carries a flag.
    `drop_wrong_steps: false` is the same for steps. Chains of the strategy `hint`, whose prompt held the reference
    answer, are published only with `keep_hinted`. `max_foreign_letters` is the share of letters in a script that the
    prompt does not use (Olmo 3: 0.05). At most `max_per_problem` chains of a problem are kept, chosen by `prefer`;
    `max_per_domain` chains of a domain, and no domain more than `max_domain_share` of all.
    """

    require_reasoning: bool = False
    keep_hinted: bool = False
    drop_wrong_steps: bool = True
    label_only: tuple[Flag, ...] = ("answer_first", "answer_from_prompt")
    repetition: Repetition = Repetition()
    max_foreign_letters: Share = 0.05
    near_duplicates: NearDuplicates = NearDuplicates()
    decontaminate: tuple[Benchmark, ...] = ()
    overlap: Overlap = Overlap()
    difficulty: Difficulty | None = None
    max_per_problem: PositiveInt | None = None
    prefer: Preference = "first"
    max_per_domain: PositiveInt | None = None
    max_domain_share: Annotated[float, Field(gt=0, le=1)] | None = None
    held_out: HeldOut | None = None
