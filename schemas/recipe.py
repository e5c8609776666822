"""Recipe: the validated YAML file, the only configuration object."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from cotfactory.schemas.alarm import AlarmKind
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.problem import AnswerKind
from cotfactory.schemas.record import Record
from cotfactory.schemas.teacher_spec import PositiveInt, Share, TeacherSpec

Product = Literal[
    "sft",
    "sft_chat_reasoning_content",
    "sft_chat_no_reasoning",
    "preference",
    "kto",
    "rl",
    "self_correction",
    "all_graded",
    "steps",
]


class FileSource(Record):
    """Problems from a JSONL (also `.gz`), Parquet or CSV file; a relative path starts at the recipe's folder.

    `license`, `domain` and `answer_kind` fill what a row leaves out; `name` is the source of rows that name none
    (default: the file's name).
    """

    source: Literal["file"]
    path: str
    limit: PositiveInt | None = None
    name: str | None = None
    license: str | None = None
    domain: str | None = None
    answer_kind: AnswerKind | None = None


class ColumnMap(Record):
    """Which column of a Hub dataset holds which field of a problem; None where there is none."""

    question: str
    answer: str | None = None
    answer_tolerance: str | None = None
    id: str | None = None
    choices: str | None = None
    tests: str | None = None
    solution: str | None = None
    domain: str | None = None
    license: str | None = None


class HubSource(Record):
    """Problems from a dataset on the Hugging Face Hub, pinned to a revision (a tag or a commit).

    `answer_pattern`, when given, is a regular expression whose first group is the reference answer
    inside the answer column (GSM8K: `#### (.+)`).
    """

    source: Literal["hub"]
    repo: str
    revision: Annotated[str, Field(min_length=1)]
    config: str | None = None
    split: str = "train"
    columns: ColumnMap
    answer_kind: AnswerKind
    answer_pattern: str | None = None
    license: str | None = None
    domain: str | None = None
    limit: PositiveInt | None = None


class ReasoningGymSource(Record):
    """Problems of one reasoning-gym task, graded by the task's own scorer at full marks."""

    source: Literal["reasoning_gym"]
    task: str
    count: PositiveInt
    seed: int = 0


class ProceduralSource(Record):
    """Problems of our own generator families; `count` is per family, `difficulty` from 1 to 5."""

    source: Literal["procedural"]
    families: Annotated[tuple[str, ...], Field(min_length=1)]
    count: PositiveInt
    seed: int = 0
    difficulty: Annotated[int, Field(ge=1, le=5)] = 2


ProblemSource = Annotated[FileSource | HubSource | ReasoningGymSource | ProceduralSource, Field(discriminator="source")]


RL_BAND = (0.2, 0.8)
"""Pass rates that teach most: easier problems are nearly always solved, harder ones nearly never."""
BAND_CONFIDENCE = 0.9


class Attempts(Record):
    """How many samples of a problem each teacher is asked for.

    `max` alone is a plain fixed number. With `stop_after_correct` or `give_up_after` (that many without
    a correct one) samples are asked one after the other and decided in the order of their index. `mode: band` is for RL
    sets: asking stops as soon as the pass rate lies in `band`, or outside it, with probability `confidence`.
    """

    max: PositiveInt = 4
    stop_after_correct: PositiveInt | None = None
    give_up_after: PositiveInt | None = None
    mode: Literal["count", "band"] = "count"
    band: tuple[Share, Share] = RL_BAND
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = BAND_CONFIDENCE

    @property
    def is_fixed(self) -> bool:
        """Whether every problem simply gets `max` samples."""
        return self.mode == "count" and self.stop_after_correct is None and self.give_up_after is None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if self.mode == "band":
            if self.stop_after_correct is not None or self.give_up_after is not None:
                raise ValueError(
                    "`mode: band` decides by the pass rate: leave stop_after_correct and give_up_after out"
                )
            if self.band[0] >= self.band[1]:
                raise ValueError(f"the band is {list(self.band)}: expected its lower end first")
        elif (self.band, self.confidence) != (RL_BAND, BAND_CONFIDENCE):
            raise ValueError("`band` and `confidence` mean something only with `mode: band`")
        return self


class Rollouts(Record):
    """Label the steps of some chains by what comes of them (Math-Shepherd, arXiv 2312.08935): for `steps`.

    Of each teacher and problem up to `chains_per_problem` chains are cut into at most `max_steps` steps, and the
    teacher goes on from the end of every step but the last, `per_step` times: up to `(max_steps - 1) * per_step`
    requests for a chain. Teachers that are asked to `solve` at an endpoint take part.
    """

    per_step: PositiveInt = 4
    chains_per_problem: PositiveInt = 2
    max_steps: Annotated[int, Field(ge=2)] = 12


class Budget(Record):
    """The most this recipe may ever spend, over all its runs; what is in flight counts at its worst case."""

    usd: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    tokens: PositiveInt | None = None


class Alarms(Record):
    """When a teacher's answers look wrong as a whole: shares of its newest samples, judged from `min_samples` on.

    A share must lie above its limit by more than luck explains. Every alarm is told at once and stands in the run's
    summary and in the manifest; those in `stop_on` stop the run. `repeated_share` is of the samples that have an
    earlier one of their problem to be compared with; `times_usual` compares mean tokens and latency with those of the
    recipe's earlier runs. `no_reasoning` is watched where curation requires reasoning.
    """

    stop_on: tuple[AlarmKind, ...] = ()
    min_samples: PositiveInt = 50
    truncated_share: Share = 0.2  # what published sets of long chains lost to their token limits: 20 to 25 %
    refusal_share: Share = 0.05  # problems with a checkable answer are hardly ever refused
    no_reasoning_share: Share = 0.2  # reasoning models leave easy questions unthought now and then
    repeated_share: Share = 0.5  # chains of easy problems do repeat; where nothing is sampled, all of them do
    times_usual: Annotated[float, Field(gt=1)] = 3.0  # other problems and busy hours make a factor of two


class PreferencePairs(Record):
    """Which pairs `preference` holds.

    With `max_length_ratio` the longer chain of a pair has at most that many times the characters of the shorter, so
    that length alone tells nothing; `one_per_rejection_type` takes the first pair of each type from a teacher's
    attempts at a problem.
    """

    max_length_ratio: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = None
    one_per_rejection_type: bool = False


class StopAbove(Record):
    """Shares above which the contract stops a release; 1 never stops.

    `truncated`: attempts cut at their token limit. `ungraded`: attempts that we could not judge. `rows_lost`: rows of
    a product that the last release of the very same recipe had more.
    """

    truncated: Share = 0.5
    ungraded: Share = 0.5
    rows_lost: Share = 0.5


class Release(Record):
    """What a release holds. `license` is the data set's own; `repo` its name on the Hub.

    With `min_new_rows` a release that would only bring fewer new rows than that (or change some) waits for the next
    run; rows that must go make a release at once.
    """

    products: Annotated[tuple[Product, ...], Field(min_length=1)] = ("sft", "rl")
    license: str
    repo: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    min_new_rows: PositiveInt | None = None
    preference: PreferencePairs = PreferencePairs()
    stop_above: StopAbove = StopAbove()


class Recipe(Record):
    """Everything that decides what a run makes. Nothing else is configuration."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    problems: Annotated[tuple[ProblemSource, ...], Field(min_length=1)]
    teachers: Annotated[tuple[TeacherSpec, ...], Field(min_length=1)]
    attempts: Attempts = Attempts()
    rollouts: Rollouts | None = None
    budget: Budget = Budget()
    alarms: Alarms = Alarms()
    curation: Curation = Curation()
    release: Release
    shard_problems: PositiveInt = 500

    @field_validator("attempts", mode="before")
    @classmethod
    def _a_number_is_a_fixed_maximum(cls, value: object) -> object:
        return {"max": value} if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _teachers_have_names_of_their_own(self) -> Self:
        names = [teacher.name for teacher in self.teachers]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"two teachers are called {repeated[0]!r}: expected a name of its own for each")
        return self

    @model_validator(mode="after")
    def _teachers_ask_different_things(self) -> Self:
        asked: dict[str, str] = {}
        for teacher in self.teachers:
            for request in teacher.first_requests():
                twin = asked.setdefault(request, teacher.name)
                if twin != teacher.name:
                    raise ValueError(
                        f"teachers {twin!r} and {teacher.name!r} ask for the very same samples: same model, prompt and "
                        "sampling; expected them to differ in one of the three, if only in `sampling: {seed: ...}`"
                    )
        return self

    @model_validator(mode="after")
    def _difficulty_is_of_a_teacher(self) -> Self:
        difficulty, models = self.curation.difficulty, sorted({teacher.model for teacher in self.teachers})
        if difficulty is not None and difficulty.model not in models:
            raise ValueError(
                f"curation.difficulty names the model {difficulty.model!r}: expected a teacher's, {' or '.join(models)}"
            )
        return self

    @model_validator(mode="after")
    def _steps_are_labelled_by_rollouts(self) -> Self:
        if ("steps" in self.release.products) != (self.rollouts is not None):
            raise ValueError(
                "the product `steps` and `rollouts: {per_step: ...}` belong together: expected both or none"
            )
        if self.rollouts is not None and not any(teacher.can_go_on for teacher in self.teachers):
            raise ValueError(
                "`rollouts` need a teacher that can go on from a chain of its own: expected one with `strategy: solve` "
                "that does not replay recordings"
            )
        return self

    @model_validator(mode="after")
    def _money_is_decided(self) -> Self:
        for teacher in self.teachers:
            if teacher.price is not None and self.budget.usd is None:
                raise ValueError(
                    f"teacher {teacher.name!r} has a price but the recipe has no money budget: "
                    "add `budget: {usd: ...}`"
                )
            if self.budget.usd is not None and teacher.price is None:
                raise ValueError(
                    f"the recipe has a money budget but teacher {teacher.name!r} has no price: "
                    "add `price: {input: ..., output: ...}` in USD per million tokens"
                )
            counted = self.budget.usd is not None or self.budget.tokens is not None
            if counted and teacher.sampling.max_tokens is None:
                raise ValueError(
                    f"a budget needs the worst case of a request: add `sampling: {{max_tokens: ...}}` "
                    f"to teacher {teacher.name!r}"
                )
        return self
