"""How tests of programs are judged: how an output is held against the expected one, a checker, and limits."""

from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from cotfactory.schemas.record import Record

Language = Literal["python", "cpp", "javascript", "java", "go", "rust"]
LANGUAGE_TITLES: dict[Language, str] = {
    "python": "Python",
    "cpp": "C++",
    "javascript": "JavaScript",
    "java": "Java",
    "go": "Go",
    "rust": "Rust",
}
"""What a teacher is asked for."""
LANGUAGE_NAMES: dict[str, Language] = {
    **dict.fromkeys(("python", "py", "python3", "py3", "pypy", "pypy3"), "python"),
    **dict.fromkeys(("cpp", "c++", "cxx", "cc", "c++17", "c++20", "cpp17", "cpp20", "gnu++17", "gnu++20"), "cpp"),
    **dict.fromkeys(("javascript", "js", "node", "nodejs"), "javascript"),
    "java": "java",
    **dict.fromkeys(("go", "golang"), "go"),
    **dict.fromkeys(("rust", "rs"), "rust"),
}
"""What a language is called in data sets and behind the fence of a code block, in lower case."""


def _language(name: object) -> object:
    return LANGUAGE_NAMES.get(name.strip().lower(), name) if isinstance(name, str) else name


WrittenLanguage = Annotated[Language, BeforeValidator(_language)]
CheckerFile = Literal["input", "answer", "output"]


class _Judge(Record):
    """What both judges have; a tolerance is met when either of its two sides is.

    A judge may also be written as one of its options: `tokens`, `any_order`, `argument 0`.
    """

    absolute: NonNegativeFloat = 0.0
    relative: NonNegativeFloat = 0.0

    @model_validator(mode="before")
    @classmethod
    def _one_option_may_be_a_word(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        option, _, value = given.strip().partition(" ")
        return {} if option == "lines" else {option: value or True}

    @property
    def has_tolerance(self) -> bool:
        """Whether numbers may differ."""
        return bool(self.absolute or self.relative)


class StdioJudge(_Judge):
    """How printed text is held against what is expected; without any option, by its lines.

    `tokens` compares the words between white space; so does a tolerance, whose `absolute` and `relative` hold for each
    word that is a number. `any_order` lets the lines stand in any order, or the words with `tokens`. `ignore_case`
    takes `Yes` for `YES`.
    """

    tokens: bool = False
    any_order: bool = False
    ignore_case: bool = False


class CallJudge(_Judge):
    """How the value of a call is held against what is expected; without any option it must be equal.

    `absolute` and `relative` hold for each number inside the value. `any_order` lets the items of the list stand in any
    order, `nested` those of the lists inside it too. `argument` judges what that argument is after the call, in place
    of the value.
    """

    any_order: bool | Literal["nested"] = False
    argument: NonNegativeInt | None = None

    @model_validator(mode="after")
    def _order_or_tolerance(self) -> Self:
        if self.any_order and self.has_tolerance:
            raise ValueError("both any_order and a tolerance: items that differ a little have no order; leave one out")
        return self


class Checker(Record):
    """A program that says whether an output is right, where no comparison can.

    It is given the paths of three files in the order of `arguments`: the input, the expected output and what the
    program printed. It says so by the first word it prints (1, ok, yes and accepted are right, 0, wrong and no are not)
    or, where that is no such word, by its exit code, as testlib's checkers do: 0 is right, 1 and 2 are wrong. All else
    is its own failure.
    """

    language: WrittenLanguage = "python"
    code: Annotated[str, Field(min_length=1)]
    arguments: tuple[CheckerFile, CheckerFile, CheckerFile] = ("input", "answer", "output")

    @model_validator(mode="after")
    def _each_file_once(self) -> Self:
        if len(set(self.arguments)) != len(self.arguments):
            raise ValueError(f"arguments {list(self.arguments)}: expected input, answer and output, each once")
        return self


def is_unset(value: object) -> bool:
    """Whether a field says nothing; it is then not written, so that ids and rows are those of problems without it."""
    return value is None or value == ()


class RunTerms(Record):
    """The language and the limits that a problem sets for programs; None leaves both to the recipe and the response."""

    language: WrittenLanguage | None = Field(default=None, exclude_if=is_unset)
    time_limit_s: PositiveFloat | None = Field(default=None, exclude_if=is_unset)
    memory_limit_mb: PositiveInt | None = Field(default=None, exclude_if=is_unset)
    output_limit_mb: PositiveInt | None = Field(default=None, exclude_if=is_unset)


UNSTATED = RunTerms()
"""Of a problem that says nothing about language and limits."""
