r"""A grader of the user's own: a Python function that a recipe names, called in killable worker processes.

    def grade(problem, response, reasoning):
        return "correct" if problem["answer"] in response else "incorrect"

It returns a verdict, or `{"verdict": ..., "reason": ..., "extracted_answer": ...}`. Its version is its file's hash, so
that a changed file grades what is stored again. The file may hold two more functions:
`reference_response(problem)`, the response that states the reference answer (without it `\boxed{ANSWER}`), and
`mutants(problem, response)`, a list of wrong responses made of an accepted one, none of which may be accepted.
"""

import hashlib
import time
from pathlib import Path
from typing import Any

from cotfactory.graders.fork_server import WorkerReply
from cotfactory.graders.grader import Tools
from cotfactory.graders.worker_pool import WorkerPool
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import GraderError
from cotfactory.schemas.grade import VERDICTS, Evidence, Grade
from cotfactory.schemas.problem import CustomGrader, Problem

CUSTOM_ITEM_S = 10.0
"""Wall clock that one call of the function has; a late one is killed: `ungraded / timeout`."""

CUSTOM_MEMORY_MB = 4096
"""Address space of a worker: enough for the usual numeric libraries, and a leak ends with its worker."""

MOST_REASON_CHARS = 80
REASONS = {"correct": "accepted", "incorrect": "rejected", "no_answer": "no_final_answer", "ungraded": "not_decidable"}
"""What a grade gives as its reason where the function gives none."""


def custom_grader(function: str | None) -> CustomGrader | None:
    """Return what a grade says of the grader `PATH.py:FUNCTION`; None for none.

    Raises GraderError for a file that cannot be read.
    """
    if function is None:
        return None
    path, name = _parts(function)
    return CustomGrader(name=f"{path.name}:{name}", version=_sha256(path, function)[:16])


class CustomGrading:
    """The function of one `PATH.py:FUNCTION` behind its worker processes; `close` ends them.

    Making one loads the file in a worker. Raises GraderError when it cannot be loaded or holds no such function.
    """

    def __init__(self, function: str) -> None:
        path, self._name = _parts(function)
        self._file = str(path.resolve()), _sha256(path, function)
        self._pool = WorkerPool(
            "cotfactory.graders.custom_grader_worker:call", timeout_s=CUSTOM_ITEM_S, memory_mb=CUSTOM_MEMORY_MB
        )
        reply = self._pool.run(*self._file, None)
        self._functions = set(reply.value) if isinstance(reply.value, list) else set()
        if self._name not in self._functions:
            self.close()
            told = "it defines no such function" if reply.status == "done" else _told(reply)
            raise GraderError(
                f"The grader {function!r} cannot be used: {told}",
                "expected FILE.py:FUNCTION with a function of (problem, response, reasoning)",
            )

    def close(self) -> None:
        """End the worker processes."""
        self._pool.close()

    def grade(self, problem: Problem, candidate: Candidate) -> Grade:
        """Return the grade of one candidate; what the function does wrong is `ungraded`, never the chain's fault."""
        started = time.perf_counter()
        reply = self._pool.run(*self._file, self._name, _json(problem), candidate.response, candidate.reasoning)
        found = _finding(reply)
        grader = problem.grader
        assert grader is not None
        return Grade(
            candidate_id=candidate.candidate_id,
            grader=grader.name,
            grader_version=grader.version,
            verdict=found["verdict"],
            reason=found["reason"],
            extracted_answer=found.get("extracted_answer"),
            evidence=Evidence(compared_as="custom", reference=problem.answer or None, detail=found.get("detail")),
            duration_ms=(time.perf_counter() - started) * 1000,
        )

    def reference_response(self, problem: Problem) -> str | None:
        """Return the response that states the reference answer; None where the file does not say how that is done."""
        stated = self._optional("reference_response", _json(problem))
        return stated if isinstance(stated, str) else None

    def mutants(self, problem: Problem, response: str) -> list[str]:
        """Return wrong responses made of an accepted one; none where the file does not say how they are made."""
        made = self._optional("mutants", _json(problem), response)
        return [mutant for mutant in made if isinstance(mutant, str)] if isinstance(made, list) else []

    def _optional(self, function: str, *arguments: Any) -> Any:
        return self._pool.run(*self._file, function, *arguments).value if function in self._functions else None


def grade_custom(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of one candidate for a problem with a grader of the user's own."""
    return _opened(tools).grade(problem, candidate)


def reference_response(problem: Problem, tools: Tools) -> str | None:
    """Return the response that states the reference answer; None where the grader's file does not say how."""
    return _opened(tools).reference_response(problem)


def _opened(tools: Tools) -> CustomGrading:
    if tools.custom is None:
        raise RuntimeError("no grader of the user's own is open")
    return tools.custom


def _finding(reply: WorkerReply) -> dict[str, Any]:
    if reply.status != "done":
        reason = {"timeout": "timeout", "unserved": "unserved"}.get(reply.status, "grader_crashed")
        return {"verdict": "ungraded", "reason": reason, "detail": _told(reply)}
    given = reply.value
    found = given if isinstance(given, dict) else {"verdict": given}
    answer = found.get("extracted_answer")
    verdict = found.get("verdict")
    if not isinstance(verdict, str) or verdict not in VERDICTS or not isinstance(answer, str | None):
        detail = f"returned {given!r:.200}: expected one of {', '.join(VERDICTS)}, or an object with such a verdict"
        return {"verdict": "ungraded", "reason": "bad_verdict", "detail": detail}
    reason = str(found.get("reason") or REASONS[verdict])[:MOST_REASON_CHARS]
    return {"verdict": verdict, "reason": reason, "extracted_answer": answer}


def _told(reply: WorkerReply) -> str:
    if reply.status == "failed":
        return str(reply.value)
    if reply.status == "timeout":
        return f"no answer within {CUSTOM_ITEM_S:g} s"
    return "its process died" if reply.status == "died" else "no worker was free"


def _json(problem: Problem) -> dict[str, Any]:
    return problem.model_dump(mode="json", exclude={"grader", "judged_by"})


def _parts(function: str) -> tuple[Path, str]:
    path, _, name = function.rpartition(":")
    return Path(path), name


def _sha256(path: Path, function: str) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise GraderError(
            f"The grader {function!r} cannot be read: {error.strerror}", "expected FILE.py:FUNCTION beside the recipe"
        ) from error
