"""Rubric: what an answer must and must not do where no single reference answer tells right from wrong."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from cotfactory.schemas.judging import is_unset
from cotfactory.schemas.record import Record

MOST_CRITERIA = 40
NOT_JUDGED = "not_judged"
"""Why a chain is `ungraded` whose judge has yet to be asked."""
NOT_TRUSTED = "not_trusted_"
"""How the reason of an `ungraded` grade begins whose judge said the verdict behind it, and is not relied on (yet)."""
LONGEST_PATTERN = 1_000


class Criterion(Record):
    """One thing that an answer is held against.

    With a positive `weight` it should hold; with a negative one it is a pitfall, which should not. Without `pattern`
    and `refuses` a judge says whether `text` is true of the answer. `pattern` is a regular expression that is looked
    for in it, without regard to case; `refuses` says whether the answer is to open with a refusal, or not to.
    `clause` is the number of the clause of a policy that it is about.
    """

    text: Annotated[str, Field(min_length=1, max_length=4_000)]
    weight: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    pattern: Annotated[str, Field(min_length=1, max_length=LONGEST_PATTERN)] | None = Field(
        default=None, exclude_if=is_unset
    )
    refuses: bool | None = Field(default=None, exclude_if=is_unset)
    clause: Annotated[int, Field(ge=1)] | None = Field(default=None, exclude_if=is_unset)

    @property
    def is_judged(self) -> bool:
        """Whether a judge decides it, and no rule."""
        return self.pattern is None and self.refuses is None

    @model_validator(mode="after")
    def _one_way_to_decide(self) -> Self:
        if self.pattern is not None and self.refuses is not None:
            raise ValueError("a criterion has `pattern` or `refuses`: expected at most one of them")
        if self.weight == 0:
            raise ValueError("a criterion has the weight 0: expected more, or less for a pitfall")
        return self


class Rubric(Record):
    """The criteria of a problem, and the score from which on an answer is correct.

    The score is the weight of the criteria that hold, over that of all positive ones: 1 where all of these hold and no
    pitfall does.
    """

    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=MOST_CRITERIA)]
    pass_at: Annotated[float, Field(gt=0, le=1)] = 1.0

    @model_validator(mode="after")
    def _something_is_wanted(self) -> Self:
        if all(criterion.weight < 0 for criterion in self.criteria):
            raise ValueError("all criteria are pitfalls: expected one with a positive weight")
        return self

    @property
    def judged(self) -> dict[int, Criterion]:
        """The criteria that a judge decides, by their number from 1."""
        return {number: found for number, found in enumerate(self.criteria, 1) if found.is_judged}

    @property
    def must_refuse(self) -> bool | None:
        """Whether the one right answer is a refusal; None where the criteria do not say."""
        said = {criterion.refuses for criterion in self.criteria if criterion.refuses is not None}
        return said.pop() if len(said) == 1 else None

    def score(self, holds: Mapping[int, bool]) -> float:
        """Return the score of an answer of which the criteria with these numbers hold, or do not.

        >>> good, bad = Criterion(text="names the unit"), Criterion(text="is rude", weight=-0.5)
        >>> Rubric(criteria=(good, bad)).score({1: True, 2: True})
        0.5
        """
        wanted = sum(criterion.weight for criterion in self.criteria if criterion.weight > 0)
        reached = sum(criterion.weight for number, criterion in enumerate(self.criteria, 1) if holds[number])
        return round(max(0.0, reached / wanted), 9)


def judgement_mark(judged_id: str) -> str:
    """Return the word that each line of a judgement begins with; who wrote what is judged cannot know it."""
    return f"JUDGE-{hashlib.blake2b(judged_id.encode(), digest_size=4).hexdigest()}"
