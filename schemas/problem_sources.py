"""Where problems come from: files, the Hub, generators, and what is grown of others."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from cotfactory.schemas.grown_rules import WRITTEN_WAYS, GrownWay, References, WrittenDifficulty
from cotfactory.schemas.problem import AnswerKind, Program, TextCompare
from cotfactory.schemas.record import RecipeKeys
from cotfactory.schemas.teacher_spec import PositiveInt

RowFormat = Literal[
    "livecodebench",
    "apps",
    "taco",
    "codecontests",
    "codeforces",
    "humanevalplus",
    "mbppplus",
    "bigcodebench",
    "multipl-e",
    "kodcode",
]


class TextComparison(RecipeKeys):
    """How stated answers are compared with the accepted ones of `text` problems."""

    compare: TextCompare = "words"
    """`words`: without case, articles and the marks of a sentence around it. `exact`: character by character, but for
    outer spaces. `list`, `set`: as the items between commas or lines, in this order or in any."""


class FileSource(RecipeKeys):
    """Problems from a file, one a row; see [the problem file](problems.md)."""

    source: Literal["file"]
    """That they come from a file."""
    path: str
    """A JSONL or CSV file (both also `.gz`), or a Parquet file; a relative path starts at the recipe's folder."""
    limit: PositiveInt | None = None
    """Take only the first so many rows; null: all."""
    name: str | None = None
    """The source of rows that name none; null: the file's name. It is part of a problem's id."""
    license: str | None = None
    """The licence of rows that name none; null: the licence of the release."""
    domain: str | None = None
    """The domain of rows that name none."""
    answer_kind: AnswerKind | None = None
    """The answer kind of rows that name none."""
    text: TextComparison | None = None
    """How the `text` problems that say nothing of their own are compared; null: by `words`."""
    program: Program | None = None
    """`run`: the answers to its `math` problems are computed by [programs](programs.md#computed-answers)."""
    format: RowFormat | None = None
    """The data set whose rows these are, [as its makers publish them](problems.md#rows-of-known-data-sets); null: rows
    of a problem file."""

    @model_validator(mode="after")
    def _a_format_says_the_rest(self) -> Self:
        given = [key for key in ("answer_kind", "text", "program") if getattr(self, key) is not None]
        if self.format is not None and given:
            raise ValueError(f"`format: {self.format}` says how answers are checked: leave {given[0]} out")
        return self


class ColumnMap(RecipeKeys):
    """Which column of a Hub dataset holds which field of a problem; null where there is none."""

    question: str
    """The question."""
    answer: str | None = None
    """The reference answer."""
    answer_tolerance: str | None = None
    """How far a number may be from the reference."""
    answers: str | None = None
    """The list of all accepted forms of a `text` answer."""
    id: str | None = None
    """The row's own id; null: its number is."""
    choices: str | None = None
    """The list of choices."""
    tests: str | None = None
    """The tests of a program."""
    solution: str | None = None
    """A worked solution; a program's is tried on its tests."""
    domain: str | None = None
    """The domain."""
    license: str | None = None
    """The licence."""


class HubSource(RecipeKeys):
    """Problems from a dataset on the Hugging Face Hub."""

    source: Literal["hub"]
    """That they come from the Hub."""
    repo: str
    """The dataset, `org/name`."""
    revision: Annotated[str, Field(min_length=1)]
    """A tag, a branch or a commit; it is resolved to a commit, at which the rows are read."""
    config: str | None = None
    """The dataset's configuration; null: its only one."""
    split: str = "train"
    """The split that is read."""
    format: RowFormat | None = None
    """The data set whose rows these are, [as its makers publish them](problems.md#rows-of-known-data-sets), in place of
    `columns` and `answer_kind`."""
    columns: ColumnMap | None = None
    """Which column holds what."""
    answer_kind: AnswerKind | None = None
    """How all of its answers are checked."""
    text: TextComparison | None = None
    """With `answer_kind: text`: how they are compared; null: by `words`."""
    program: Program | None = None
    """With `answer_kind: math`: `run` where answers are computed by [programs](programs.md#computed-answers)."""
    answer_pattern: str | None = None
    """A regular expression whose first group is the reference answer inside the answer column (GSM8K: `#### (.+)`)."""
    license: str | None = None
    """The licence of rows that name none; null: the licence of the release."""
    domain: str | None = None
    """The domain of rows that name none."""
    limit: PositiveInt | None = None
    """Take only the first so many rows; null: all."""

    @model_validator(mode="after")
    def _columns_or_a_format(self) -> Self:
        keys = ("columns", "answer_kind", "text", "program", "answer_pattern")
        given = [key for key in keys if getattr(self, key) is not None]
        if self.format is None and not {"columns", "answer_kind"} <= set(given):
            raise ValueError("a data set of the Hub needs `columns` and `answer_kind`, or a `format`")
        if self.format is not None and given:
            raise ValueError(f"`format: {self.format}` says how rows are read: leave {given[0]} out")
        return self


class ReasoningGymSource(RecipeKeys):
    """Problems of one reasoning-gym task, graded by the task's own scorer at full marks."""

    source: Literal["reasoning_gym"]
    """That they come from reasoning-gym, which is the extra `reasoning-gym`."""
    task: str
    """The task; `schemas/reasoning_gym_tasks.py` lists those whose scorers can be relied on."""
    count: PositiveInt
    """How many problems."""
    seed: int = 0
    """Another seed gives other problems."""


class ProceduralSource(RecipeKeys):
    """Problems of our own generator families."""

    source: Literal["procedural"]
    """That they are made here."""
    families: Annotated[tuple[str, ...], Field(min_length=1)]
    """Files of `generators/problems/families/`: `arithmetic_stories`, `fractions_decimals`, `linear_equations`,
    `multiple_choice`, `running_totals`, `short_text`, `units_percent`."""
    count: PositiveInt
    """How many problems of each family."""
    seed: int = 0
    """Another seed gives other problems."""
    difficulty: Annotated[int, Field(ge=1, le=5)] = 2
    """From 1 (two small steps) to 5 (many steps, large numbers)."""


class GrownSource(RecipeKeys):
    """Problems grown from others that are solved: by construction, or [written by a teacher](grown.md).

    Licence and domain are the seed's, and so is the side of a hold-out; `source` says how a problem was grown.
    """

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    source: Literal["grown"]
    """That they are grown from others."""
    seeds: Annotated[FileSource | HubSource | ProceduralSource, Field(discriminator="source", alias="from")]
    """Where the seeds come from; they are no problems of the recipe unless it lists them as well."""
    by: str | None = None
    """The name of the teacher that writes; null: nobody has to, for all `ways` are by construction."""
    ways: Annotated[tuple[GrownWay, ...], Field(min_length=1)]
    """`backward`: a number of the seed is asked for, and its answer told; needs seeds with a worked solution.
    `open_from_choice`: the choices are left away, where the right one is a whole number. A teacher writes `rephrase`,
    the same question in other words; `harder`, one that takes more steps; `program`, one that a short program
    answers."""
    count: PositiveInt | None = None
    """How many problems are made or asked for, in the order of seeds and ways, and from the start again where a teacher
    writes; not all of these are of use. null: one of each seed in each way."""
    reference: References | None = None
    """How a written problem gets its reference answer; null: by programs, else by votes, as this key has them."""
    pass_rate: WrittenDifficulty | None = None
    """How hard problems must be; null: any. Then those that are grown by construction are voted on as well."""

    @property
    def written_ways(self) -> tuple[GrownWay, ...]:
        """Those of its ways in which a teacher writes."""
        return tuple(way for way in self.ways if way in WRITTEN_WAYS)

    @property
    def references(self) -> References:
        """How answers are found."""
        return self.reference or References()

    @model_validator(mode="after")
    def _somebody_writes(self) -> Self:
        if bool(self.written_ways) != (self.by is not None):
            raise ValueError(
                f"ways {list(self.ways)} and by {self.by!r}: expected a teacher's name in `by` exactly where one of "
                f"the ways is {', '.join(WRITTEN_WAYS)}"
            )
        if self.by is None and (self.reference is not None or self.pass_rate is not None):
            raise ValueError("`reference` and `pass_rate` are for problems that a teacher writes: expected `by`")
        constructed = [way for way in self.ways if way not in WRITTEN_WAYS]
        if constructed and "construction" not in self.references.by:
            raise ValueError(f"`reference.by` has no `construction`, from which way {constructed[0]} has its answers")
        if self.by is not None and not {"program", "majority"} & set(self.references.by):
            raise ValueError("`reference.by` has neither `program` nor `majority`: nobody would know written answers")
        if self.pass_rate is not None and "majority" not in self.references.by:
            raise ValueError("`pass_rate` is counted among votes: expected `majority` in `reference.by`")
        return self


ProblemSource = Annotated[
    FileSource | HubSource | ReasoningGymSource | ProceduralSource | GrownSource, Field(discriminator="source")
]
