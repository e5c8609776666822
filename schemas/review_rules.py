"""ReviewRules: what a recipe asks people, about how many items, and what must come of it before a release."""

import hashlib
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cotfactory.schemas.record import RecipeKeys
from cotfactory.schemas.review import ReviewQuestion
from cotfactory.schemas.teacher_spec import Share

AskedQuestion = ReviewQuestion | Literal["first_wrong_step"]
Count = Annotated[int, Field(ge=0)]


class ReviewSample(RecipeKeys):
    """How many items people are asked about, for each state of the recipe's chains."""

    random: Count = 100
    """Chains drawn by chance, over all strata (grader, verdict, step check, teacher) by their size, at least two of
    each: what precision and recall of the graders are estimated from."""
    disputed: Count = 60
    """Chains about which graders, steps or teachers disagree: they find mistakes, and never enter an estimate."""
    planted: Count = 12
    """Chains whose final answer was replaced, by a wrong one or by the reference: what each person gets right of them
    measures that person. Everybody gets all of them."""
    problems: Count = 20
    """Problems for `reference_right`, and for `write`: those that no teacher solves first."""
    pairs: Count = 20
    """Pairs of kept chains of one teacher at one problem, for `better_of_two`."""


class ReviewRequirements(RecipeKeys):
    """What must hold before anything is released; else the exit code is 3, as with any contract."""

    alpha: Annotated[float, Field(gt=-1, le=1)] | None = None
    """Krippendorff's alpha of `answer_right` over the random items."""
    precision_low: Share | None = None
    """The lower end of the 95 % interval of each grader's precision."""


class ReviewRules(RecipeKeys):
    """What people are asked with [`cotfactory review`](reviewing.md), and what must come of it."""

    guidelines: Annotated[str, Field(min_length=1)]
    """How people are to judge: a text, or a file of it (`guidelines.md`, from the recipe's folder). Its hash is a part
    of every review: what was said under another text does not count."""
    questions: Annotated[tuple[AskedQuestion, ...], Field(min_length=1)] = ("answer_right",)
    """`answer_right`: whether a chain's final answer is right; with `first_wrong_step`, which step is the first wrong
    one, too. `reference_right`: solve the problem, then judge its reference answer. `better_of_two`: which of two kept
    chains is better. `write`: write a chain."""
    per_item: Annotated[int, Field(ge=1, le=9)] = 2
    """How many people answer an item; where they differ, one more sees their reasons, not their names, and decides."""
    sample: ReviewSample = ReviewSample()
    """How many items there are."""
    require: ReviewRequirements = ReviewRequirements()
    """What must hold before anything is released."""

    @model_validator(mode="after")
    def _steps_belong_to_an_answer(self) -> Self:
        if "first_wrong_step" in self.questions and "answer_right" not in self.questions:
            raise ValueError("`first_wrong_step` is asked together with `answer_right`: expected both")
        given = self.require.alpha is not None or self.require.precision_low is not None
        if given and "answer_right" not in self.questions:
            raise ValueError("`require` is about `answer_right`: expected it among the questions")
        return self

    @property
    def guidelines_id(self) -> str:
        """The hash of the guidelines: the version of the grader `people`."""
        return hashlib.blake2b(self.guidelines.encode(), digest_size=8).hexdigest()

    @property
    def asks_steps(self) -> bool:
        """Whether the first wrong step of a chain is asked for."""
        return "first_wrong_step" in self.questions
