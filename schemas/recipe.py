"""Recipe: the validated YAML file, the only configuration object."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from cotfactory.schemas.alarm import AlarmKind
from cotfactory.schemas.code import Code
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.judge_rules import JudgeRules
from cotfactory.schemas.problem_sources import GrownSource, ProblemSource
from cotfactory.schemas.record import RecipeKeys
from cotfactory.schemas.release_rules import Release
from cotfactory.schemas.review_rules import ReviewRules
from cotfactory.schemas.rounds import Rounds
from cotfactory.schemas.sandbox_packages import SandboxKeys
from cotfactory.schemas.teacher_spec import PositiveInt, Share, TeacherSpec

NAME = r"^[a-z0-9][a-z0-9._-]*$"
"""Of a recipe, of what it releases, and of a budget: it names files and folders, and titles commits."""


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
