"""Recipe: the validated YAML file, the only configuration object."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from cotfactory.schemas.alarm import AlarmKind
from cotfactory.schemas.code import Code
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.grown_rules import WRITTEN_WAYS, GrownWay, References, WrittenDifficulty
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.judge_rules import JudgeRules
from cotfactory.schemas.problem import AnswerKind, Program, TextCompare
from cotfactory.schemas.record import RecipeKeys
from cotfactory.schemas.review_rules import ReviewRules
from cotfactory.schemas.rounds import Rounds
from cotfactory.schemas.sandbox_packages import SandboxKeys
from cotfactory.schemas.teacher_spec import PositiveInt, Share, TeacherSpec

NAME = r"^[a-z0-9][a-z0-9._-]*$"
"""Of a recipe, of what it releases, and of a budget: it names files and folders, and titles commits."""

Product = Literal[
    "sft",
    "sft_chat_reasoning_content",
    "sft_chat_no_reasoning",
    "sft_tools",
    "sft_turns",
    "sft_policy",
    "preference",
    "preference_conversations",
    "preference_text",
    "kto",
    "kto_text",
    "rl",
    "self_correction",
    "all_graded",
    "steps",
    "reviews",
]


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


RL_BAND = (0.2, 0.8)
"""Pass rates that teach most: easier problems are nearly always solved, harder ones nearly never."""
BAND_CONFIDENCE = 0.9


class Attempts(RecipeKeys):
    """How many samples of a problem each teacher is asked for.

    `max` alone is a plain fixed number. With `stop_after_correct` or `give_up_after` samples are asked one after the
    other and decided in the order of their index.
    """

    max: PositiveInt = 4
    """The most samples of a problem."""
    stop_after_correct: PositiveInt | None = None
    """Enough: stop once so many are correct."""
    give_up_after: PositiveInt | None = None
    """Hopeless: stop after so many without a correct one."""
    mode: Literal["count", "band"] = "count"
    """`band` is for RL sets: asking stops as soon as the pass rate lies in `band`, or outside it, with probability
    `confidence`. It leaves out the two keys above."""
    band: tuple[Share, Share] = RL_BAND
    """Pass rates that are worth training on, the lower end first."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = BAND_CONFIDENCE
    """How sure to be of the side of the band on which a problem lies."""

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


class Rollouts(RecipeKeys):
    """Label the steps of some chains by what comes of them (Math-Shepherd, arXiv 2312.08935): for `steps`.

    The teacher goes on from the end of every step of a chain but the last: up to `(max_steps - 1) * per_step` requests
    for a chain. Teachers that are asked to `solve` at an endpoint take part.
    """

    per_step: PositiveInt = 4
    """How often the teacher goes on from each step."""
    chains_per_problem: PositiveInt = 2
    """Of how many chains, at most, of each teacher and problem."""
    max_steps: Annotated[int, Field(ge=2)] = 12
    """Into how many steps a chain is cut at most."""


class Budget(RecipeKeys):
    """The most this recipe may ever spend, over all its runs; what is in flight counts at its worst case."""

    usd: Annotated[float, Field(gt=0)] | None = None
    """USD, by the teachers' prices; then each teacher needs one."""
    tokens: PositiveInt | None = None
    """Tokens, of prompts and answers together."""
    id: Annotated[str, Field(pattern=NAME)] | None = None
    """What it is counted under; null: the recipe's name. Recipes of a workspace that name the same id share what was
    spent, and a renamed recipe goes on with what it had under its old name."""


class Alarms(RecipeKeys):
    """When a teacher's answers look wrong as a whole: shares of its newest samples.

    A share must lie above its limit by more than luck explains. Every alarm is told at once and stands in the run's
    summary and in the manifest.
    """

    stop_on: tuple[AlarmKind, ...] = ()
    """Alarms that stop the run."""
    min_samples: PositiveInt = 50
    """Nothing is judged before so many samples."""
    truncated_share: Share = 0.2  # what published sets of long chains lost to their token limits: 20 to 25 %
    """Samples cut at their token limit."""
    refusal_share: Share = 0.05  # problems with a checkable answer are hardly ever refused
    """Samples that refuse."""
    no_reasoning_share: Share = 0.2  # reasoning models leave easy questions unthought now and then
    """Samples without thinking; watched where curation requires reasoning."""
    repeated_share: Share = 0.5  # chains of easy problems do repeat; where nothing is sampled, all of them do
    """Samples that say the same as an earlier one of their problem, of those that have one."""
    times_usual: Annotated[float, Field(gt=1)] = 3.0  # other problems and busy hours make a factor of two
    """Mean tokens and latency, compared with those of the recipe's earlier runs."""


class PreferencePairs(RecipeKeys):
    """Which pairs `preference` holds."""

    max_length_ratio: Annotated[float, Field(ge=1)] | None = 1.5
    """The longer chain of a pair has at most so many times the characters of the shorter, so that length alone tells
    nothing; null: any. Both sides of a pair show their thinking, or neither."""
    one_per_rejection_type: bool = False
    """Take only the first pair of each rejection type from a teacher's attempts at a problem."""


class StopAbove(RecipeKeys):
    """Shares above which the contract stops a release; 1 never stops."""

    truncated: Share = 0.5
    """Attempts cut at their token limit."""
    ungraded: Share = 0.5
    """Attempts that we could not judge."""
    rows_lost: Share = 0.5
    """Rows of a product that the last release of the very same recipe had more."""


Gated = Literal["auto", "manual"]
"""How readers of a gated repository are let in, in the Hub's own words."""


class Release(RecipeKeys):
    """What a release holds."""

    products: Annotated[tuple[Product, ...], Field(min_length=1)] = ("sft", "rl")
    """Which [products](products.md)."""
    license: str
    """The licence of the data set. What its problems and teachers ask for must allow it."""
    repo: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    """Its name on the Hugging Face Hub, `org/name`; `run --publish` sends it there."""
    public: bool = False
    """Whether everybody may read the repository. A new one is private without it, and a public one is refused."""
    gated: Gated | None = None
    """Readers must ask on the Hub first: `auto` lets in all who do, `manual` those whom its owner takes."""
    min_new_rows: PositiveInt | None = None
    """A release that would only bring fewer new rows than so many (or change some) waits for the next run; rows that
    must go make a release at once."""
    preference: PreferencePairs = PreferencePairs()
    """What is asked of the pairs of the product `preference`."""
    tokenizer: Annotated[str, Field(pattern=r"^(\.{0,2}/.*|[\w.-]+/[\w.-]+(@[\w./-]+)?)$")] | None = None
    """Card and page [tell the tokens](releases.md#tokens-and-what-a-student-sees) of the rows by it, and how its chat
    template writes them: `./FOLDER`, from the recipe's folder, or `org/name` of a model on the Hub, with `@` and a
    revision where it is not `main`."""
    contact: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Whom readers ask, or tell of a mistake: an address or a URL, published on the card and in `CITATION.cff`."""
    stop_above: StopAbove = StopAbove()
    """When the contract stops a release."""
    unverified: Literal["majority", "anything"] | None = None
    """For experiments alone, as [`cotfactory prove`](prove.md) makes them: a student learns from chains of `all_graded`
    that nobody held against a reference, those with the answer of most samples, or any. Publishing refuses such a
    release."""

    @model_validator(mode="after")
    def _unverified_chains_are_no_product(self) -> Self:
        if self.unverified is not None and self.products != ("all_graded",):
            raise ValueError(
                f"`unverified: {self.unverified}` with the products {list(self.products)}: expected all_graded alone, "
                "where each chain says what it is"
            )
        return self


class Recipe(RecipeKeys):
    """Everything that decides what a run makes. Nothing else is configuration."""

    name: Annotated[str, Field(pattern=NAME)]
    """Names the release; what was spent is counted under this name."""
    problems: Annotated[tuple[ProblemSource, ...], Field(min_length=1)]
    """Where problems come from; several sources may be listed."""
    grader: Annotated[str, Field(pattern=r"\.py:[A-Za-z_]\w*$")] | None = None
    """`./mine.py:grade`: [a grader of your own](own_grader.md), a Python function that grades every problem in place
    of the built-in graders; a relative path starts at the recipe's folder."""
    teachers: Annotated[tuple[TeacherSpec, ...], Field(min_length=1)]
    """Who is asked; each teacher is asked every problem."""
    attempts: Attempts = Attempts()
    """A number, or when to stop asking."""
    policies: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """What teachers with `strategy: deliberate` reason over: texts of numbered clauses, or files of them (`policy.md`,
    from the recipe's folder). They are published with the recipe, and are in no prompt of the data; see
    [policies](policies.md)."""
    judge: JudgeRules | None = None
    """Which of the teachers decides the criteria of `rubric` problems."""
    review: ReviewRules | None = None
    """What people are asked about the chains, and what must come of it before a release."""
    rollouts: Rollouts | None = None
    """For the product `steps`, and only with it: label the steps of some chains."""
    rounds: Rounds | None = None
    """For `cotfactory loop`: a teacher with `rounds: true` learns from what was kept of its chains."""
    budget: Budget = Budget()
    """The most this recipe may ever spend. Then each teacher needs `sampling.max_tokens` or
    `sampling.max_completion_tokens`."""
    alarms: Alarms = Alarms()
    """When a teacher's answers look wrong as a whole."""
    code: Code = Code()
    """What holds for programs that answers are, or that compute them."""
    sandbox: SandboxKeys = SandboxKeys()
    """The image that programs run in."""
    curation: Curation = Curation()
    """Which correct chains are worth publishing."""
    release: Release
    """What is made of them."""
    shard_problems: PositiveInt = 500
    """How many problems are asked, journalled and sealed together."""

    @property
    def writers(self) -> tuple[TeacherSpec, ...]:
        """The teachers that are asked the problems: all but the judge."""
        return tuple(teacher for teacher in self.teachers if self.judge is None or teacher.name != self.judge.teacher)

    @property
    def written_sources(self) -> dict[int, GrownSource]:
        """The sources whose problems a teacher writes, by their place in `problems`."""
        return {
            place: source
            for place, source in enumerate(self.problems)
            if isinstance(source, GrownSource) and source.by is not None
        }

    def voters(self, source: GrownSource) -> tuple[TeacherSpec, ...]:
        """The teachers that vote on the answers of a grown source: the first ones that are asked plainly."""
        plain = [teacher for teacher in self.writers if teacher.can_go_on]
        return tuple(plain[: source.references.teachers])

    @property
    def judging_teacher(self) -> TeacherSpec | None:
        """The teacher that judges, if any."""
        named = self.judge.teacher if self.judge is not None else None
        return next((teacher for teacher in self.teachers if teacher.name == named), None)

    @property
    def judge_id(self) -> str | None:
        """What sets judgements apart: the model, its sampling, what it is told, and the number of votes."""
        spec = self.judging_teacher
        if self.judge is None or spec is None:
            return None
        asked = [spec.model, spec.system, spec.sampling.identity(), spec.extra_body]
        return content_id([*asked, self.judge.prompt, self.judge.votes])[:12]

    @property
    def budget_id(self) -> str:
        """What its spending is counted under."""
        return self.budget.id or self.name

    @property
    def is_budgeted(self) -> bool:
        """Whether there is anything to exceed."""
        return self.budget.usd is not None or self.budget.tokens is not None

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
                        f"teachers {twin!r} and {teacher.name!r} ask for the very same samples: same model, messages, "
                        "sampling and extra_body; expected them to differ in one of these, if only in "
                        "`sampling: {seed: ...}`"
                    )
        return self

    @model_validator(mode="after")
    def _difficulty_is_of_a_teacher(self) -> Self:
        difficulty, models = self.curation.difficulty, sorted({teacher.model for teacher in self.writers})
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
        if self.rollouts is not None and not any(teacher.can_go_on for teacher in self.writers):
            raise ValueError(
                "`rollouts` need a teacher that can go on from a chain of its own: expected one with `strategy: solve` "
                "that does not replay recordings"
            )
        return self

    @model_validator(mode="after")
    def _judge_is_another(self) -> Self:
        if self.judge is None:
            return self
        spec = self.judging_teacher
        if spec is None:
            names = " or ".join(teacher.name for teacher in self.teachers)
            raise ValueError(f"judge.teacher is {self.judge.teacher!r}: expected the name of a teacher, {names}")
        if spec.recordings is not None or spec.stored is not None or spec.strategy != "solve" or spec.retry_truncated:
            raise ValueError(
                f"teacher {spec.name!r} cannot judge: expected an endpoint, or a simulated one, with `strategy: solve` "
                "and without `retry_truncated`"
            )
        if not self.writers:
            raise ValueError(f"teacher {spec.name!r} judges, and nobody answers: expected another teacher")
        same = next((writer.name for writer in self.writers if writer.model == spec.model), None)
        if same is not None:
            raise ValueError(
                f"teacher {spec.name!r} would judge its own model, {spec.model!r}, which {same!r} asks: "
                "expected another"
            )
        return self

    @model_validator(mode="after")
    def _grown_problems_have_writers(self) -> Self:
        for source in self.written_sources.values():
            spec = next((teacher for teacher in self.teachers if teacher.name == source.by), None)
            plain = [teacher.name for teacher in self.voters(source)]
            if spec is None or not spec.can_go_on:
                raise ValueError(
                    f"a grown source is written by {source.by!r}: expected the name of a teacher with "
                    "`strategy: solve` that does not replay recordings"
                )
            if "majority" in source.references.by and len(plain) < source.references.teachers:
                raise ValueError(
                    f"`reference.teachers` is {source.references.teachers} and {len(plain)} can vote: expected as many "
                    "with `strategy: solve` that do not replay recordings"
                )
            rated = source.pass_rate.teacher if source.pass_rate is not None else None
            if rated is not None and rated not in plain:
                raise ValueError(f"pass_rate.teacher is {rated!r}: expected one that votes, {' or '.join(plain)}")
            others = {"grader": self.grader is not None, "rounds": self.rounds is not None}
            for key, is_given in others.items():
                if is_given:
                    raise ValueError(f"a recipe with problems that a teacher writes has `{key}`: expected one or none")
        return self

    @model_validator(mode="after")
    def _policies_are_reasoned_over(self) -> Self:
        deliberates = any(teacher.strategy == "deliberate" for teacher in self.writers)
        if deliberates != bool(self.policies):
            raise ValueError(
                "`policies` and a teacher with `strategy: deliberate` belong together: expected both or none"
            )
        if "sft_policy" in self.release.products and not deliberates:
            raise ValueError("the product `sft_policy` needs a teacher with `strategy: deliberate`, and `policies`")
        return self

    @model_validator(mode="after")
    def _rounds_have_one_student(self) -> Self:
        students = [teacher for teacher in self.teachers if teacher.rounds]
        if len(students) != (self.rounds is not None):
            raise ValueError(
                f"`rounds` and the teacher that learns belong together: expected one teacher with `rounds: true`, "
                f"not {len(students)}"
                if self.rounds
                else "a teacher has `rounds: true`: expected `rounds` in the recipe"
            )
        if self.rounds is None:
            return self
        if self.rounds.base is None and students[0].recordings is not None:
            raise ValueError("recordings are the same in every round: expected a teacher that can be asked anew")
        difficulty = self.curation.difficulty
        if difficulty is not None and difficulty.model == students[0].model:
            raise ValueError("curation.difficulty names the model that learns: expected another teacher's")
        others = {
            "rollouts": self.rollouts is not None,
            "judge": self.judge is not None,
            "release.min_new_rows": self.release.min_new_rows is not None,
            "release.unverified": self.release.unverified is not None,
        }
        for key, is_given in others.items():
            if is_given:
                raise ValueError(f"a recipe with `rounds` has `{key}`: expected one or the other")
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
            if self.is_budgeted and teacher.sampling.output_limit is None:
                raise ValueError(
                    f"a budget needs the worst case of a request: add `sampling: {{max_tokens: ...}}`, or "
                    f"max_completion_tokens where the endpoint wants that, to teacher {teacher.name!r}"
                )
        return self
