"""Record: the frozen, closed pydantic base of everything that is stored or passed between rooms."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen value: no field can be changed, and an unknown field is an error, never ignored.

    Numbers are finite: JSON has no others, and a record that was written down is read again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RecipeKeys(Record):
    """A part of a recipe. The text below a key is its description, which `docs/recipe.md` shows to people."""

    model_config = ConfigDict(use_attribute_docstrings=True)
