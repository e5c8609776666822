"""Whether a checker takes an output for right: it runs in a container of its own, when the program is gone.

What the program printed reaches the checker as a file, so that the program has no part in the verdict but those bytes.
"""

from cotfactory.graders.code.cases import Case
from cotfactory.graders.code.compiled import compiled
from cotfactory.graders.code.finding import ProgramFinding, fault_of
from cotfactory.graders.code.program_run import ProgramRun
from cotfactory.graders.sandbox.execution import ExecutionResult, Sandbox, Stdio
from cotfactory.graders.sandbox.values import RAISED
from cotfactory.schemas.judging import Checker, RunTerms

LARGEST_BYTES = 24 << 20
"""What input, expected output and output may take together, in the folder of the checker."""
TERMS = RunTerms(time_limit_s=30)
"""Limits of a checker, whatever those of the program are."""
RIGHT_WORDS = frozenset(["1", "1.0", "ok", "yes", "accepted", "true"])
WRONG_WORDS = frozenset(["0", "0.0", "wrong", "no", "rejected", "false"])
RIGHT_EXIT, WRONG_EXITS = 0, (1, 2)


def check_output(checker: Checker, case: Case, output: bytes, sandbox: Sandbox) -> ProgramFinding:
    """Return what the checker says of an output: `correct`, `incorrect`, or `ungraded` where it fails itself.

    Raises SandboxError.
    """
    try:
        printed = output.decode()
    except UnicodeDecodeError:
        return ProgramFinding("incorrect", "wrong_result", "what it printed is not UTF-8")
    stdin = case.way.stdin if isinstance(case.way, Stdio) else ""
    texts = {"input": stdin, "answer": str(case.expected), "output": printed}
    if sum(len(text.encode("utf-8", "surrogatepass")) for text in texts.values()) > LARGEST_BYTES:
        return ProgramFinding("ungraded", "checker_failed", f"its files are larger than {LARGEST_BYTES} bytes")
    files = {f"{name}.txt": text for name, text in texts.items()}
    way = Stdio(args=tuple(f"{name}.txt" for name in checker.arguments), files=files)
    if checker.language == "python":
        return _verdict(ProgramRun(sandbox, checker.code, TERMS).run(way))
    made = compiled(checker.code, checker.language, sandbox)
    if isinstance(made, ProgramFinding):
        return ProgramFinding("ungraded", "checker_failed", f"{made.reason}: {made.detail}")
    return _verdict(ProgramRun(sandbox, terms=TERMS, language=checker.language, artifact=made).run(way))


def _verdict(result: ExecutionResult) -> ProgramFinding:
    said = result.output[:200].decode("utf-8", "replace")
    word = (said.split() or [""])[0].lower().rstrip(".:,!")
    failed = result.exit_code == RAISED or result.exit_code not in (RIGHT_EXIT, *WRONG_EXITS)
    if failed or (fault_of(result) or ("", ""))[1] not in ("", "raised"):
        return ProgramFinding("ungraded", "checker_failed", f"exit {result.exit_code}, {said!r}")
    is_right = word in RIGHT_WORDS if word in RIGHT_WORDS | WRONG_WORDS else result.exit_code == RIGHT_EXIT
    return ProgramFinding("correct", "passed") if is_right else ProgramFinding("incorrect", "wrong_result", said)
