"""The `input_output` column of APPS and TACO: JSON with lists of inputs and outputs, and a function's name or none."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, Json, JsonValue, model_validator

from cotfactory.generators.problems.formats.benchmark_row import ProblemFields
from cotfactory.generators.problems.formats.program_tests import as_lines, call_tests, stdio_tests, unsupported


class InputOutput(BaseModel):
    """Inputs and outputs, pair by pair. With `fn_name` an input is a list of arguments, else what stdin holds."""

    inputs: list[JsonValue]
    outputs: list[JsonValue]
    fn_name: str | None = None

    @model_validator(mode="after")
    def _in_pairs(self) -> Self:
        if len(self.inputs) != len(self.outputs):
            raise ValueError(
                f"{len(self.inputs)} inputs and {len(self.outputs)} outputs: expected an output for each input"
            )
        return self

    def tests(self, starter_code: str) -> ProblemFields:
        """Return the tests of the problem. Raises ValueError where they are no arguments, or no texts."""
        if not self.inputs:
            return unsupported("the row has no tests")
        if self.fn_name is None:
            return stdio_tests(zip(map(_text, self.inputs), map(_text, self.outputs), strict=True))
        arguments = [_arguments(given) for given in self.inputs]
        return call_tests(self.fn_name, zip(arguments, _results(self.outputs, starter_code), strict=True))


def _empty_is_none(given: object) -> object:
    return None if given == "" else given


InputOutputColumn = Annotated[Json[InputOutput] | None, BeforeValidator(_empty_is_none)]
"""The column as rows have it; an empty one says that there are no tests."""

SolutionsColumn = Annotated[Json[list[str]] | None, BeforeValidator(_empty_is_none)]
"""The column `solutions` of the same rows: a list of programs, as JSON."""


def _text(given: JsonValue) -> str:
    if isinstance(given, list):
        return as_lines([_text(line) for line in given])
    if not isinstance(given, str):
        raise ValueError(f"what a program reads or prints is {given!r:.60}: expected text, or a list of lines")
    return given


def _arguments(given: JsonValue) -> Sequence[JsonValue]:
    if not isinstance(given, list):
        raise ValueError(f"the input of a function is {given!r:.60}: expected the list of its arguments")
    return given


def _results(outputs: Sequence[JsonValue], starter_code: str) -> Sequence[JsonValue]:
    """Return what the calls must return.

    Rows of many of their sources put each result into a list of its own; their judges take either. It is taken off
    where all results are lists of one and the function is not declared to return a list.
    """
    if "-> List" in starter_code or "-> list" in starter_code:
        return outputs
    inner = [output[0] for output in outputs if isinstance(output, list) and len(output) == 1]
    return inner if len(inner) == len(outputs) else outputs
