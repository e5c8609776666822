"""LiveCodeBench (livecodebench/code_generation_lite): contest problems, whole programs or LeetCode's functions.

`private_test_cases` is JSON or, mostly, JSON that was pickled, compressed and written in base64. It is read without
unpickling anything: a pickle of one text is one text and a few marks.
"""

import base64
import binascii
import pickletools
import zlib
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Json, JsonValue

from cotfactory.generators.problems.formats.benchmark_row import BenchmarkRow, ProblemFields
from cotfactory.generators.problems.formats.program_tests import (
    call_tests,
    json_of,
    stdio_tests,
    unsupported,
)
from cotfactory.generators.problems.starter_code import with_code

LARGEST_TESTS_BYTES = 1 << 28
"""Private tests are the largest part of the set; the largest are some 100 MB."""
PICKLED_TEXT = frozenset({"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"})
PICKLE_MARKS = frozenset({"PROTO", "FRAME", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "STOP"})


class LiveCodeBenchCase(BaseModel):
    """One test: texts for standard input and output, or one JSON value a line for each argument and the result."""

    input: str
    output: str
    testtype: Literal["stdin", "functional"]


class LiveCodeBenchMetadata(BaseModel):
    """What `metadata` says: the function that is called, in problems that have one."""

    func_name: str | None = None


def _unpacked(given: object) -> object:
    """Return the JSON of packed tests; what is JSON already is left alone. Raises ValueError."""
    if not isinstance(given, str) or given.lstrip()[:1] in ("[", ""):
        return given
    try:
        unpacker = zlib.decompressobj()
        packed = unpacker.decompress(base64.b64decode(given), LARGEST_TESTS_BYTES)
        if not unpacker.eof:
            raise ValueError(f"it is cut off, or larger than {LARGEST_TESTS_BYTES >> 20} MiB")
        operations = [(operation.name, value) for operation, value, _ in pickletools.genops(packed)]
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ValueError(f"expected JSON, or JSON pickled, compressed and in base64: {error}") from error
    texts = [value for name, value in operations if name in PICKLED_TEXT]
    others = {name for name, _ in operations} - PICKLED_TEXT - PICKLE_MARKS
    if others or len(texts) != 1:
        raise ValueError(f"expected a pickle of one text, got {', '.join(sorted(others)) or len(texts)}")
    return texts[0]


PackedCases = Annotated[Json[list[LiveCodeBenchCase]], BeforeValidator(_unpacked)]


class LiveCodeBenchRow(BenchmarkRow):
    """A problem; only its text and its `starter_code` are shown to solvers."""

    question_id: str
    question_content: str
    starter_code: str = ""
    public_test_cases: Json[list[LiveCodeBenchCase]]
    private_test_cases: PackedCases
    metadata: Json[LiveCodeBenchMetadata]

    def problem(self) -> ProblemFields:
        """Return the problem. Its solutions are not published. Raises ValueError for tests of two kinds."""
        return {
            "id": self.question_id,
            "question": with_code(self.question_content, self.starter_code),
            "tests": self._tests(),
        }

    def _tests(self) -> ProblemFields:
        cases = [*self.public_test_cases, *self.private_test_cases]
        kinds = {case.testtype for case in cases}
        if not cases:
            return unsupported("the row has no tests")
        if kinds == {"stdin"}:
            return stdio_tests((case.input, case.output) for case in cases)
        if kinds != {"functional"} or not self.metadata.func_name:
            raise ValueError(
                f"its tests are {' and '.join(sorted(kinds))}, metadata.func_name is {self.metadata.func_name!r}: "
                "expected tests of one kind, and the function's name for functional ones"
            )
        scope = "Solution." if "class Solution" in self.starter_code else ""
        calls = ((_arguments(case.input), json_of(case.output, "the output of a test")) for case in cases)
        return call_tests(f"{scope}{self.metadata.func_name}", calls)


def _arguments(text: str) -> list[JsonValue]:
    return [json_of(line, "an argument of a test") for line in text.split("\n") if line.strip()]
