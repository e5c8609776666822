"""A program of another language, made ready: compiled once, in a container, before its cases run."""

from collections import Counter
from collections.abc import Iterable

from cotfactory.graders.code.finding import ProgramFinding, fault_of
from cotfactory.graders.code.program_run import execute
from cotfactory.graders.sandbox.execution import Compile, Execution, Sandbox, Stdio
from cotfactory.graders.sandbox.values import DOES_NOT_COMPILE, MISSING_LANGUAGE
from cotfactory.schemas.judging import Language, RunTerms
from cotfactory.schemas.problem import Problem, StdioTests

COMPILE_S = 30.0
COMPILE_MB = 1024
LARGEST_ARTIFACT = 16 << 20
INTERPRETED: tuple[Language, ...] = ("python", "javascript")
SMALLEST: dict[Language, str] = {
    "python": "pass",
    "cpp": "int main() {}",
    "javascript": "0",
    "java": "class Main { public static void main(String[] given) {} }",
    "go": "package main\n\nfunc main() {}\n",
    "rust": "fn main() {}",
}
"""A program of each language that does nothing, to see whether the image has it."""


def compiled(source: str, language: Language, sandbox: Sandbox) -> bytes | ProgramFinding:
    """Return what a program was compiled to, or why it was not; raises SandboxError."""
    if language in INTERPRETED:
        return source.encode("utf-8", "surrogatepass")
    execution = Execution(
        program=source,
        way=Compile(language=language),
        timeout_s=COMPILE_S,
        memory_mb=COMPILE_MB,
        output_bytes=LARGEST_ARTIFACT,
    )
    result = execute(execution, sandbox)
    said = result.output[:400].decode("utf-8", "replace")
    if result.exit_code == MISSING_LANGUAGE:
        return ProgramFinding("ungraded", "missing_language", said)
    if result.exit_code == DOES_NOT_COMPILE and not result.timed_out:
        return ProgramFinding("incorrect", "does_not_compile", said)
    if (fault := fault_of(result)) is not None:
        return ProgramFinding(fault[0], fault[1], f"while it was compiled: {said}")
    return result.output


def languages_asked_for(problems: Iterable[Problem]) -> Counter[Language]:
    """Return the languages that problems ask programs in, or whose checkers are, with how many of them do."""
    asked: Counter[Language] = Counter()
    for problem in problems:
        tests = problem.tests
        if isinstance(tests, RunTerms) and problem.grader is None:
            checker = tests.checker if isinstance(tests, StdioTests) else None
            asked.update({language for language in (tests.language, checker and checker.language) if language})
    return asked


def has_language(language: Language, sandbox: Sandbox) -> bool:
    """Whether the image compiles and runs a language; raises SandboxError."""
    made = compiled(SMALLEST[language], language, sandbox)
    if not isinstance(made, bytes):
        return False
    is_python = language == "python"
    running = Execution(
        program=SMALLEST[language] if is_python else "",
        artifact=b"" if is_python else made,
        way=Stdio(language=language),
    )
    return fault_of(execute(running, sandbox)) is None
