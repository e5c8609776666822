"""BenchmarkRow: what a format reads of a row, and the fields of a problem file that it makes of it."""

from abc import abstractmethod
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, ValidationError

from cotfactory.generators.problems.row import shown
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.expected import expected

ProblemFields = dict[str, object]
"""A problem as a problem file writes it (`generators.problems.row`); without `id` the row's place is its name."""


class BenchmarkRow(BaseModel):
    """The columns that a format reads, by the names and types that its makers gave them; others are left alone.

    A column that has no default must be there. Tests that the makers keep from solvers go into `tests` alone, never
    into the question.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    @abstractmethod
    def problem(self) -> ProblemFields:
        """Return the problem. Raises ValueError for a row whose columns contradict each other."""


def problem_fields(row: Mapping[str, object], row_format: type[BenchmarkRow], name: str, where: str) -> ProblemFields:
    """Return the problem that a row of the format `name` holds; answers of all of them are programs.

    Raises ProblemSourceError, with the row's place, what was found and what was expected, for a row of another shape.
    """
    try:
        fields = row_format.model_validate(row).problem()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        column = ".".join(str(part) for part in first["loc"])
        found = "" if first["type"] == "missing" else f"is {shown(first['input'])}: "
        raise _other_shape(name, where, f"{column} {found}{expected(first)}") from error
    except ValueError as error:
        raise _other_shape(name, where, str(error)) from error
    return {"answer_kind": "code", **fields}


def _other_shape(name: str, where: str, what: str) -> ProblemSourceError:
    return ProblemSourceError(
        f"{where} is no row of the format {name}: {what}", "name the format that these rows have, or leave `format` out"
    )
