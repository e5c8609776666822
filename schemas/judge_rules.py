"""JudgeRules: which teacher of a recipe judges answers by their rubric, how often it is asked, when it is relied on."""

from typing import Annotated

from pydantic import Field

from cotfactory.schemas.record import RecipeKeys
from cotfactory.schemas.teacher_spec import Share


class JudgeRequirements(RecipeKeys):
    """What must be known of a judge before what it says counts."""

    precision_low: Share | None = None
    """The lower end of the 95 % interval of its precision, as [people's reviews](reviewing.md) of this recipe measure
    it. Until they do, and while it is lower, what it says is `ungraded`. null: passing the exam is enough."""


class JudgeRules(RecipeKeys):
    """Who decides the criteria of `rubric` problems that no rule can decide; see [judges](judges.md)."""

    teacher: str
    """The name of one of `teachers`. It is asked for judgements and for nothing else, through the same ledger and
    budget; no other teacher may have its model."""
    prompt: Annotated[str, Field(min_length=1)] | None = None
    """What the judge is told first: a text, or a file of it (`judge.md`, from the recipe's folder). Question, answer,
    criteria and the form of its reply follow in any case. null: our own words."""
    votes: Annotated[int, Field(ge=1, le=15)] = 1
    """How often an answer is judged with the criteria in their order, and as often in the reverse one. More than half
    of all votes decide a criterion."""
    require: JudgeRequirements = JudgeRequirements()
    """What must be known of the judge before what it says counts."""
