"""Row: one problem as a file or a dataset writes it, checked and made into a Problem."""

import difflib
import json
import math
import unicodedata
from collections.abc import Collection, Mapping
from typing import Annotated, get_args

from pydantic import Field, TypeAdapter, ValidationError

from cotfactory.generators.problems.starter_code import with_code
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.expected import expected
from cotfactory.schemas.ids import content_id, problem_id
from cotfactory.schemas.problem import (
    ANSWER_KINDS,
    CHOICE_LETTERS,
    AnswerKind,
    AssertTests,
    CallTests,
    Problem,
    Program,
    StdioTests,
    TextCompare,
    Tolerance,
    UnsupportedTests,
)
from cotfactory.schemas.rubric import Rubric

WrittenTests = AssertTests | CallTests | StdioTests | UnsupportedTests
_TESTS: TypeAdapter[WrittenTests] = TypeAdapter(Annotated[WrittenTests, Field(discriminator="kind")])
_TOLERANCE: TypeAdapter[str] = TypeAdapter(Tolerance)

FIELDS = (
    "id",
    "question",
    "answer",
    "answer_kind",
    "answer_tolerance",
    "answers",
    "text",
    "choices",
    "tests",
    "program",
    "rubric",
    "turns",
    "judge",
    "checker",
    "interactor",
    "language",
    "starter_code",
    "time_limit_s",
    "memory_limit_mb",
    "output_limit_mb",
    "solution",
    "domain",
    "source",
    "license",
)
"""The fields of a row, by name; what else a row holds is not part of the problem."""
OF_TESTS = ("judge", "checker", "language", "time_limit_s", "memory_limit_mb", "output_limit_mb")
"""The fields that belong to the tests of a program: how they are judged, in which language, within which limits."""

INTERACTIVE = "the program would have to talk to an interactor"


def problem_from_row(row: Mapping[str, object], where: str, source_revision: str = "") -> Problem:
    """Return the problem that `row` writes down with the keys of `FIELDS`.

    `where` says where the row is, for messages (`line 17 of p.jsonl`). The reference answer of a choice may
    also be the text of exactly one choice. An answer that is there but empty or null is kept empty: no
    response can equal it, so the gold self-test drops that problem as `bad_reference` and counts it.

    >>> row = {"id": 1, "question": "1+1?", "answer": 2, "answer_kind": "math", "source": "s"}
    >>> problem_from_row(row, "line 1").answer
    '2'

    Raises `ProblemSourceError` for anything missing, of the wrong type or out of range.
    """
    where = f"problem {_required(row, 'id', where)!r} ({where})"
    if row.get("turns"):
        raise ProblemSourceError(
            f"{where} is a conversation, with turns: expected a single question",
            "conversations come from problem files",
        )
    kind = _answer_kind(row, where)
    question = _question(row, kind, where)
    choices = _choices(row, kind, where)
    tests = _tests(row, kind, where)
    answers = _answers(row, kind, where)
    answer = answers[0] if answers else _answer(row, kind, choices, where)
    tolerance = _tolerance(row, kind, where)
    compare = _text_compare(row, kind, where)
    program = _program(row, kind, where)
    rubric = _rubric(row, kind, where)
    source = _required(row, "source", where)
    try:
        problem = Problem(
            problem_id=problem_id(
                question, choices, answer, tests, source, tolerance, answers[1:], compare, program, rubric
            ),
            source=source,
            source_row_id=_required(row, "id", where),
            source_revision=source_revision,
            license=_optional(row, "license", where),
            domain=_optional(row, "domain", where),
            question=question,
            choices=choices,
            answer=answer,
            answer_kind=kind,
            answer_tolerance=tolerance,
            answers=answers[1:],
            text_compare=compare,
            tests=tests,
            program=program,
            rubric=rubric,
            solution=_optional(row, "solution", where),
            split_group=split_group_of(question),
        )
        problem.model_dump_json()
    except ValueError as error:
        raise ProblemSourceError(
            f"{where} holds text or numbers that UTF-8 JSON cannot write: {_first_line(error)}",
            "remove half surrogate pairs (\\ud800) and infinite numbers",
        ) from error
    return problem


def split_group_of(question: str) -> str:
    """Return the split group of a question: the hash of its text without case, width and spacing.

    >>> split_group_of("What is  2 + 2?") == split_group_of("what is 2 + 2? ")
    True
    """
    return content_id(" ".join(unicodedata.normalize("NFKC", question).casefold().split()))


def choice_letter(answer: str, choices: Collection[str]) -> str | None:
    """Return the letter that `answer` means, or None when it has no single reading.

    One letter is always a letter, in either case. Longer text means the one choice it equals - unless it
    is a number that could as well be an index.

    >>> choice_letter("b", ["red", "blue"]), choice_letter("blue", ["red", "blue"])
    ('B', 'B')
    >>> choice_letter("1", ["0", "1"]) is None, choice_letter("C", ["red", "blue"]) is None
    (True, True)
    """
    letters = CHOICE_LETTERS[: len(choices)]
    if len(answer) == 1 and answer.isascii() and answer.isalpha():
        return answer.upper() if answer.upper() in letters else None
    if answer.isdecimal() and len(answer) < 3 and int(answer) <= len(choices):
        return None
    matches = [letter for letter, choice in zip(letters, choices, strict=False) if choice.strip() == answer]
    return matches[0] if len(matches) == 1 else None


def did_you_mean(name: str, names: Collection[str]) -> str:
    """Return `, did you mean 'math'?` with the nearest of `names`, or nothing when none is near."""
    near = difflib.get_close_matches(name, list(names), n=1)
    return f", did you mean {near[0]!r}?" if near else ""


def _answer_kind(row: Mapping[str, object], where: str) -> AnswerKind:
    given = _required(row, "answer_kind", where)
    for kind in ANSWER_KINDS:
        if given == kind:
            return kind
    raise ProblemSourceError(
        f"Unknown grader {given!r} in {where}: expected one of {', '.join(ANSWER_KINDS)}",
        f"fix its answer_kind{did_you_mean(given, ANSWER_KINDS)}",
    )


def _choices(row: Mapping[str, object], kind: AnswerKind, where: str) -> tuple[str, ...] | None:
    given = _decoded(row, "choices", where)
    if given is None or given == []:
        if kind == "choice":
            raise ProblemSourceError(
                f"{where} has answer_kind choice but no choices", "add `choices`: a list of 2 to 26 texts"
            )
        return None
    if kind != "choice":
        raise ProblemSourceError(
            f"{where} has choices but answer_kind {kind}: expected answer_kind choice",
            "remove `choices`, or make it a choice problem whose answer is a letter",
        )
    if (
        not isinstance(given, list | tuple)
        or not 2 <= len(given) <= len(CHOICE_LETTERS)
        or not all(isinstance(choice, str) and choice.strip() for choice in given)
    ):
        raise ProblemSourceError(
            f"The choices of {where} are {shown(given)}: expected a list of 2 to 26 texts",
            "write them as a JSON list of strings, in the order of their letters",
        )
    return tuple(given)


def _question(row: Mapping[str, object], kind: AnswerKind, where: str) -> str:
    """Return the question, for a program with the code that its writer is given to begin with."""
    question = _required(row, "question", where)
    if kind != "code":
        return question
    language = row.get("language") if isinstance(row.get("language"), str) else "python"
    return with_code(question, _optional(row, "starter_code", where) or "", language=str(language))


def _tests(row: Mapping[str, object], kind: AnswerKind, where: str) -> WrittenTests | None:
    given = _decoded(row, "tests", where)
    if given is None:
        if kind == "code":
            raise ProblemSourceError(
                f"{where} has answer_kind code but no tests",
                "add `tests`: an object of kind assert, calls or stdio",
            )
        return None
    if kind != "code":
        raise ProblemSourceError(
            f"{where} has tests but answer_kind {kind}: expected answer_kind code",
            "remove `tests`, or make it a code problem",
        )
    if row.get("interactor"):
        return UnsupportedTests(kind="unsupported", why=INTERACTIVE)
    given = _without_nulls(given)
    if isinstance(given, dict):
        given = {**given, **_fields_of_tests(row, where)}
    try:
        return _TESTS.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise ProblemSourceError(
            f"The tests of {where} break the format{f' at {path}' if path else ''}: {expected(first)}",
            "expected an object of kind assert, calls or stdio, and what docs/problems.md says of it",
        ) from error


def _fields_of_tests(row: Mapping[str, object], where: str) -> dict[str, object]:
    """Return what a row says of its tests beside them; a word or number may stand in a cell that holds only text."""
    given: dict[str, object] = {}
    for field in OF_TESTS:
        value = row.get(field)
        if isinstance(value, str) and value.lstrip().startswith("{"):
            value = _decoded(row, field, where)
        if value is not None and value != "":
            given[field] = _without_nulls(value)
    return given


def _without_nulls(value: object) -> object:
    """Return an object without the keys that Parquet filled with nulls."""
    if not isinstance(value, Mapping):
        return value
    return {key: item for key, item in value.items() if item is not None}


def _answer(row: Mapping[str, object], kind: AnswerKind, choices: tuple[str, ...] | None, where: str) -> str:
    if kind == "code":
        if row.get("answer"):
            raise ProblemSourceError(
                f"{where} has answer_kind code and the answer {shown(row['answer'])}: expected none, "
                "programs are checked by `tests`",
                "move a reference program to `solution`",
            )
        return ""
    if kind == "rubric" and row.get("answer") is None:
        return ""
    if "answer" not in row:
        raise _missing("answer", where)
    given = row["answer"]
    answer = "" if given is None else _text(given, "answer", where)
    if choices is None or not answer:
        return answer
    letter = choice_letter(answer, choices)
    if letter is None or isinstance(given, int | float):
        last = CHOICE_LETTERS[len(choices) - 1]
        raise ProblemSourceError(
            f"The answer {given!r} of {where} is none of its {len(choices)} choices: expected a letter "
            f"from A to {last}",
            "write the letter of the right choice",
        )
    return letter


def _answers(row: Mapping[str, object], kind: AnswerKind, where: str) -> tuple[str, ...]:
    """Return the accepted forms of `answers`, each once, that of `answer` first; none where the row has no list."""
    given = _decoded(row, "answers", where)
    if given is None:
        return ()
    forms = [_text(form, "answers", where) for form in given] if isinstance(given, list) else []
    if kind != "text" or not forms or not all(forms):
        raise ProblemSourceError(
            f"{where} has answer_kind {kind} and the answers {shown(row['answers'])}: expected a list of one text or "
            "more, on text problems only",
            "write a single reference as `answer`",
        )
    first = [] if row.get("answer") is None else [_answer(row, kind, None, where)]
    return tuple(dict.fromkeys(first + forms))


def _text_compare(row: Mapping[str, object], kind: AnswerKind, where: str) -> TextCompare:
    """Return what `text` says of a text problem. A column of that name that holds texts is another one's."""
    given = row.get("text")
    if kind == "text" and isinstance(given, str) and given.lstrip().startswith("{"):
        given = _decoded(row, "text", where)
    if kind != "text" or not (isinstance(given, dict) or given in get_args(TextCompare)):
        return "words"
    compare = given.get("compare") if isinstance(given, dict) and set(given) == {"compare"} else None
    for known in get_args(TextCompare):
        if compare == known:
            found: TextCompare = known
            return found
    raise ProblemSourceError(
        f'{where} has `text` {shown(given)}: expected {{"compare": ...}} with one of '
        f"{', '.join(get_args(TextCompare))}",
        "fix or remove `text`",
    )


def _program(row: Mapping[str, object], kind: AnswerKind, where: str) -> Program | None:
    """Return what `program` says of a math problem. A column of that name that holds programs is another one's."""
    given = row.get("program")
    if given == "run" and kind == "math":
        return "run"
    if (
        kind == "math"
        and isinstance(given, str)
        and len(given) == len(given.strip(" \n"))
        and did_you_mean(given, ["run"])
    ):
        raise ProblemSourceError(
            f"{where} has `program` {shown(given)}: expected run, or no such field", "fix or remove `program`"
        )
    return None


def _rubric(row: Mapping[str, object], kind: AnswerKind, where: str) -> Rubric | None:
    """Return the criteria of a rubric problem. A column of that name on other problems is another one's."""
    if kind != "rubric":
        return None
    given = _decoded(row, "rubric", where)
    if given is None:
        raise ProblemSourceError(
            f"{where} has answer_kind rubric but no rubric", 'add `rubric`: a list of {"text": ..., "weight": ...}'
        )
    try:
        return Rubric.model_validate({"criteria": _criteria(given)} if isinstance(given, list) else _criteria(given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise ProblemSourceError(
            f"The rubric of {where} breaks the format{f' at {path}' if path else ''}: {expected(first)}",
            "expected a list of criteria, and what docs/judges.md says of them",
        ) from error


def _criteria(given: object) -> object:
    """Return a rubric whose criteria are objects: a text alone is a criterion, and Parquet fills gaps with nulls."""
    if isinstance(given, list):
        return [{"text": item} if isinstance(item, str) else _without_nulls(item) for item in given]
    found = _without_nulls(given)
    return (
        {**found, "criteria": _criteria(found["criteria"])}
        if isinstance(found, dict) and "criteria" in found
        else found
    )


def _tolerance(row: Mapping[str, object], kind: AnswerKind, where: str) -> str | None:
    given = row.get("answer_tolerance")
    if given is None or given == "":
        return None
    if kind != "math":
        raise ProblemSourceError(
            f"{where} has answer_tolerance {shown(given)} but answer_kind {kind}: expected it on math problems only",
            "remove `answer_tolerance`",
        )
    try:
        return _TOLERANCE.validate_python(_text(given, "answer_tolerance", where))
    except ValidationError as error:
        raise ProblemSourceError(
            f"The answer_tolerance of {where} is {shown(given)}: expected a decimal above 0, such as 0.01, "
            "or a share of the reference, such as 1%",
            "write how far an answer may be from the reference, or leave it out",
        ) from error


def _required(row: Mapping[str, object], field: str, where: str) -> str:
    if row.get(field) is None:
        raise _missing(field, where)
    text = _text(row[field], field, where) if field == "id" else row[field]
    if not isinstance(text, str):
        raise _wrong_type(text, field, where)
    if not text.strip():
        raise ProblemSourceError(f"{where} has an empty {field!r}: expected text", f"give it a {field!r}")
    return text


def _optional(row: Mapping[str, object], field: str, where: str) -> str | None:
    given = row.get(field)
    if given is None or given == "":
        return None
    if not isinstance(given, str):
        raise _wrong_type(given, field, where)
    return given


def _decoded(row: Mapping[str, object], field: str, where: str) -> object:
    """Return a list or object, also when a cell that holds only text (CSV) writes it as JSON."""
    given = row.get(field)
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given) if given.strip() else None
    except (ValueError, RecursionError) as error:
        raise ProblemSourceError(
            f"{field!r} of {where} is {shown(given)}: expected JSON, got {_first_line(error)}",
            f"write {field!r} as JSON",
        ) from error


def _text(given: object, field: str, where: str) -> str:
    """Return text without outer spaces; numbers are taken as JSON would write them."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise _wrong_type(given, field, where)
    if isinstance(given, float) and not math.isfinite(given):
        raise _wrong_type(given, field, where)
    return str(given).strip()


def _missing(field: str, where: str) -> ProblemSourceError:
    return ProblemSourceError(
        f"{where} has no {field!r}: expected the fields id, question, answer and answer_kind",
        f"add {field!r} to it",
    )


def _wrong_type(given: object, field: str, where: str) -> ProblemSourceError:
    return ProblemSourceError(
        f"{field!r} of {where} is {shown(given)}: expected text, got {type(given).__name__}",
        "write it as a string",
    )


def shown(given: object) -> str:
    """Return a value as messages show it, cut to a line."""
    text = repr(given)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
