"""What a release holds, and what its contract asks of it."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from cotfactory.schemas.record import RecipeKeys
from cotfactory.schemas.teacher_spec import PositiveInt, Share

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


TOKENIZER = re.compile(r"(\.{0,2}/.*|[\w.-]+/[\w.-]+(@[\w./-]+)?)")


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
    tokenizer: str | None = None
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

    @field_validator("tokenizer")
    @classmethod
    def _a_folder_or_a_model(cls, named: str | None) -> str | None:
        if named is not None and not TOKENIZER.fullmatch(named):
            raise ValueError("expected ./FOLDER for a folder, or ORG/NAME of a model on the Hub, with @REVISION if any")
        return named

    @model_validator(mode="after")
    def _unverified_chains_are_no_product(self) -> Self:
        if self.unverified is not None and self.products != ("all_graded",):
            raise ValueError(
                f"`unverified: {self.unverified}` with the products {list(self.products)}: expected all_graded alone, "
                "where each chain says what it is"
            )
        return self
