"""GrownRules: in which ways problems are grown, how a written one gets its answer, and how hard it must be."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cotfactory.schemas.record import RecipeKeys
from cotfactory.schemas.teacher_spec import PositiveInt, Share

GrownWay = Literal["rephrase", "backward", "harder", "program", "open_from_choice"]
WRITTEN_WAYS: tuple[GrownWay, ...] = ("rephrase", "harder", "program")
"""The ways in which a teacher writes; the others need nobody."""

AnswerFrom = Literal["construction", "program", "majority"]


class ReferenceRequirements(RecipeKeys):
    """What must be known of such answers before they are released."""

    precision_low: Share | None = None
    """The lower end of the 95 % interval of their precision, as the known problems measure it, for each origin. While
    it is lower the contract stops the release. null: it is told on the card and stops nothing."""


class References(RecipeKeys):
    """Where the reference answers of grown problems come from, and how sure they must be."""

    by: Annotated[tuple[AnswerFrom, ...], Field(min_length=1)] = ("construction", "program", "majority")
    """Which origins are taken; the first of these that has one gives a problem its answer. `construction`: known from
    the seed, of `backward` and `open_from_choice`. `program`: the writer is asked for a program, which is run twice in
    the [sandbox](programs.md) and must print the same number. `majority`: votes."""
    votes: Annotated[int, Field(ge=2, le=64)] = 16
    """How often a problem is answered for a majority, by all who vote together. These answers are the first samples of
    the recipe's `attempts`, where the problem is then asked: they are not bought again."""
    min_share: Annotated[float, Field(gt=0, le=1)] = 0.6
    """The share of all votes that one answer must have. Answers are one where our graders hold them equal; a vote that
    states none counts against all."""
    teachers: PositiveInt = 1
    """How many teachers vote, the first ones of the recipe with `strategy: solve`. Each must have given the answer."""
    known_share: Share = 0.1
    """Seeds, with answers that are known, among the problems that are voted on and solved by programs: so many for each
    written one. Nobody can tell them from the others; how often they are answered rightly is on the card."""
    require: ReferenceRequirements = ReferenceRequirements()
    """What stops a release."""

    @model_validator(mode="after")
    def _everybody_votes(self) -> Self:
        if self.teachers > self.votes:
            raise ValueError(f"{self.votes} votes of {self.teachers} teachers: expected one vote of each at least")
        return self


class WrittenDifficulty(RecipeKeys):
    """Which grown problems are hard enough and not too hard, by how often a teacher's votes are for the reference."""

    min: Share = 0.0
    """The lowest pass rate."""
    max: Share = 1.0
    """The highest pass rate."""
    teacher: str | None = None
    """The name of the teacher that votes whose pass rate counts; null: the first one."""

    @model_validator(mode="after")
    def _min_is_below_max(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"pass rate from {self.min} to {self.max}: expected min <= max")
        return self
