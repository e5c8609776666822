"""GRADERS: answer kind -> grader, an explicit dict; grade a batch; the gold self-test.

Whatever happens inside a grader, a caller gets a grade: a crash of ours is `ungraded / grader_crashed`, never an
exception and never `incorrect`.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from cotfactory.graders.checkable import why_no_text
from cotfactory.graders.choices import CHOICE_GRADER_VERSION, grade_choice
from cotfactory.graders.code.grade_code import CODE_GRADER_VERSION, grade_code
from cotfactory.graders.code.program_mutants import empty_program_passes
from cotfactory.graders.custom_grader import grade_custom, reference_response
from cotfactory.graders.grader import ALGEBRA_ITEM_S, GradeFunction, Tools
from cotfactory.graders.math.expression_answers import UNSERVED
from cotfactory.graders.math.math_answers import MATH_GRADER_VERSION, grade_math
from cotfactory.graders.math.readable import why_no_answer
from cotfactory.graders.math.references import reference_answer
from cotfactory.graders.program_answers import PROGRAM_ANSWER_VERSION, grade_program_answer
from cotfactory.graders.reference_programs import REFERENCE_PROGRAM_VERSION, grade_reference_program
from cotfactory.graders.rubric_answers import RUBRIC_GRADER_VERSION, grade_judgement, grade_rubric, rubric_version
from cotfactory.graders.scorer_answers import grade_reasoning_gym, reasoning_gym_version
from cotfactory.graders.text_comparisons import TEXT_GRADER_VERSION, grade_text
from cotfactory.graders.worker_pool import PATIENCE_S, OneItem, Remembered, WorkerPool, WouldWait
from cotfactory.graders.written_problems import grade_written_problem
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import SandboxError
from cotfactory.schemas.grade import Evidence, Grade
from cotfactory.schemas.judging import RunTerms
from cotfactory.schemas.problem import AnswerKind, Problem, ScorerTests
from cotfactory.schemas.rubric import NOT_JUDGED
from cotfactory.schemas.teaching import Sampling, Usage

GRADERS: dict[AnswerKind, tuple[GradeFunction, str]] = {
    "choice": (grade_choice, CHOICE_GRADER_VERSION),
    "code": (grade_code, CODE_GRADER_VERSION),
    "math": (grade_math, MATH_GRADER_VERSION),
    "rubric": (grade_rubric, RUBRIC_GRADER_VERSION),
    "text": (grade_text, TEXT_GRADER_VERSION),
}
"""Answer kind -> its grader and the grader's version. Problems with `ScorerTests` go to their task's scorer, those
with a `grader` to that one, which is the user's own."""

OF_GROWING = ("written_problem", "vote", "reference_program")
"""The graders of what is asked for new problems: they judge no chain."""

VOTE_VERSION = "1"
NOBODYS_ANSWER: dict[AnswerKind, str] = {"math": "-73910246.5", "text": "nobody has said it yet"}
"""What stands in place of a reference answer while a chain is read for what it answers; of the kinds that can be."""

BATCH_THREADS = 16
"""Gradings of a batch that may wait at the same time, for the sandbox or an algebra worker."""

RETRY_THREADS = 2
"""Gradings that no worker had time for are asked again so many at a time: each then gets its CPU time."""


def grader_name_and_version(problem: Problem) -> tuple[str, str]:
    """Return which grader would grade the problem, and its version (both are part of a grade's id)."""
    if problem.reference_by == "open":
        return _open_grader(problem)
    if problem.grader is not None:
        return problem.grader.name, problem.grader.version
    if isinstance(problem.tests, ScorerTests):
        return "reasoning_gym", reasoning_gym_version()
    if problem.program is not None:
        return "math_program", PROGRAM_ANSWER_VERSION
    if problem.rubric is not None:
        return "rubric", rubric_version(problem)
    return problem.answer_kind, GRADERS[problem.answer_kind][1]


def grade(problem: Problem, candidate: Candidate, tools: Tools, algebra_s: float = ALGEBRA_ITEM_S) -> Grade:
    """Return the grade of one candidate. Never raises for what a model wrote or for a fault of a grader.

    A candidate that its endpoint broke off is `ungraded / broken_off`: nobody knows what the teacher would have said.
    What a chain asks of algebra takes `algebra_s` at most; `ungraded / unserved` says that no worker was free or
    ready in that time. Raises WouldWait only with tools that forbid waiting.
    """
    if candidate.finish_reason == "error":
        return ungraded(problem, candidate, "broken_off", f"the endpoint ended it: {candidate.finish_reason_raw}")
    hurried = tools.asking(OneItem(tools.algebra, algebra_s))
    try:
        return _what_grades(problem, candidate)(problem, candidate, hurried)
    except WouldWait:
        raise
    except Exception as error:  # our own fault, whatever it is: not the chain's
        return _crashed(problem, candidate, error)


def _what_grades(problem: Problem, candidate: Candidate) -> GradeFunction:
    if candidate.strategy == "judgement":
        return grade_judgement
    if candidate.strategy == "problem":
        return grade_written_problem
    if problem.reference_by != "open":
        return _function(problem)
    return _read_vote if problem.program is None else grade_reference_program


def _function(problem: Problem) -> GradeFunction:
    if problem.grader is not None:
        return grade_custom
    if problem.program is not None:
        return grade_program_answer
    return grade_reasoning_gym if isinstance(problem.tests, ScorerTests) else GRADERS[problem.answer_kind][0]


def _open_grader(problem: Problem) -> tuple[str, str]:
    if problem.program is not None:
        return "reference_program", REFERENCE_PROGRAM_VERSION
    return "vote", f"{VOTE_VERSION}+{problem.answer_kind}{GRADERS[problem.answer_kind][1]}"


def _read_vote(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return what a chain answers to a problem without a reference: `correct` where it states one answer.

    The answer is what the grader of the kind takes for it, and it must be one that this grader accepts as itself.
    """
    grades, (name, version) = _function(problem), _open_grader(problem)
    read = grades(problem.model_copy(update={"answer": NOBODYS_ANSWER[problem.answer_kind]}), candidate, tools)
    found = read
    if read.verdict != "no_answer" and read.extracted_answer is not None:
        found = grades(problem.model_copy(update={"answer": read.extracted_answer}), candidate, tools)
    is_vote = found.verdict == "correct"
    return found.model_copy(
        update={
            "grader": name,
            "grader_version": version,
            "verdict": "no_answer" if found.verdict == "incorrect" else found.verdict,
            "reason": "states_an_answer" if is_vote else found.reason,
            "extracted_answer": found.extracted_answer if is_vote else None,
        }
    )


def accepts(problem: Problem, answer: str, tools: Tools) -> bool:
    """Return whether the problem's grader accepts an answer, stated as a candidate would state it."""
    stating = _stating(problem, _statement(problem.model_copy(update={"answer": answer})))
    return grade_patiently(problem, stating, tools).verdict == "correct"


def same_answer(problem: Problem, first: str, second: str, tools: Tools) -> bool:
    """Return whether the problem's grader accepts each of two answers where the other is the reference."""
    if first == second:
        return True
    held = problem.model_copy(update={"answers": (), "reference_by": "given"})
    pairs = ((first, second), (second, first))
    return all(accepts(held.model_copy(update={"answer": one}), other, tools) for one, other in pairs)


def grade_batch(pairs: Sequence[tuple[Problem, Candidate]], tools: Tools) -> list[Grade]:
    """Return the grades of many candidates, in the order given.

    What needs no waiting is graded right here: 20 to 60 us a chain, less than handing it to another process costs.
    What waits for the sandbox or for a symbolic comparison waits in threads, side by side; before that, and outside
    the time that a chain has, for the first worker. What no worker had time for is graded once more when all else is
    done, with patience: then the CPU time of a comparison decides, whatever the load of the machine.
    """
    grades: dict[int, Grade] = {}
    waiting: list[int] = []
    for place, pair in enumerate(pairs):
        prompt = grade_promptly(*pair, tools)
        if prompt is None:
            waiting.append(place)
        else:
            grades[place] = prompt
    if any(pairs[place][0].answer_kind != "code" and pairs[place][0].grader is None for place in waiting):
        _wait_for_workers(tools)
    if waiting:
        with ThreadPoolExecutor(min(BATCH_THREADS, len(waiting))) as threads:
            late = threads.map(lambda place: grade(*pairs[place], tools), waiting)
            grades.update(zip(waiting, late, strict=True))
    unserved = [place for place, found in grades.items() if found.reason == UNSERVED]
    if unserved:
        with ThreadPoolExecutor(RETRY_THREADS) as threads:
            again = threads.map(lambda place: _served(*pairs[place], grades[place], tools), unserved)
            grades.update(zip(unserved, again, strict=True))
    return [grades[place] for place in range(len(pairs))]


def grade_patiently(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of one candidate, as `grade_batch` finds it: for whoever can wait for a worker."""
    (found,) = grade_batch([(problem, candidate)], tools)
    return found


def _served(problem: Problem, candidate: Candidate, found: Grade, tools: Tools) -> Grade:
    """Return the grade, or a second and patient one where the first is that no worker had time."""
    if found.reason != UNSERVED:
        return found
    _wait_for_workers(tools)
    return grade(problem, candidate, tools, PATIENCE_S)


def _wait_for_workers(tools: Tools) -> None:
    if isinstance(tools.algebra, WorkerPool):
        tools.algebra.wait_until_ready()


def grade_promptly(problem: Problem, candidate: Candidate, tools: Tools) -> Grade | None:
    """Return the grade of one candidate where it takes no waiting, None where it does."""
    if problem.runs_programs or problem.grader is not None:
        return None
    algebra = Remembered(tools.algebra) if isinstance(tools.algebra, WorkerPool) else tools.algebra
    try:
        return grade(problem, candidate, tools.asking(algebra))
    except WouldWait:
        return None


def self_test(problem: Problem, tools: Tools) -> Grade:
    """Grade the problem's own reference answer, as a candidate that states it would be graded.

    `correct` for a good problem. An empty answer, a `math` answer that no rule can read, a letter beyond the choices,
    a solution that fails the tests are not; a code problem without a solution is `ungraded / no_reference_solution`,
    one whose tests a program that does nothing passes is `incorrect / bad_tests`. Raises SandboxError when programs
    cannot be run.
    """
    if problem.program is not None and problem.grader is None:  # the reference is stated, not computed
        return self_test(problem.model_copy(update={"program": None}), tools)
    if problem.grader is not None:
        return grade(problem, _stating(problem, reference_response(problem, tools) or _statement(problem)), tools)
    if problem.answer_kind == "code" and problem.solution is None and not isinstance(problem.tests, ScorerTests):
        return ungraded(problem, _stating(problem, ""), "no_reference_solution", None)
    if problem.rubric is not None:
        return _rubric_test(problem, tools)
    stated = grade_patiently(problem, _stating(problem, _statement(problem)), tools)
    if stated.reason == "sandbox_failed":
        raise SandboxError(f"a reference solution could not be run: {stated.evidence.detail}")
    if stated.verdict == "correct" and (fault := _why_not_checkable(problem)):
        return stated.model_copy(update={"verdict": "incorrect", "reason": fault})
    if stated.grader == "code" and stated.verdict == "correct" and empty_program_passes(problem, tools):
        return stated.model_copy(update={"verdict": "incorrect", "reason": "bad_tests"})
    return stated


def _rubric_test(problem: Problem, tools: Tools) -> Grade:
    """Return the grade of a rubric's model answer: `correct` as far as rules can say; without one nothing is tested."""
    if problem.solution is None:
        return ungraded(problem, _stating(problem, ""), "no_reference_solution", None)
    found = grade(problem, _stating(problem, problem.solution), tools)
    return found.model_copy(update={"verdict": "correct"}) if found.reason == NOT_JUDGED else found


def _why_not_checkable(problem: Problem) -> str | None:
    """Return why no response can be held against the reference, though it equals itself; None where one can."""
    if isinstance(problem.tests, ScorerTests):
        return None
    if problem.answer_kind == "math":
        return why_no_answer(problem.answer)
    return why_no_text(problem.answer) if problem.answer_kind == "text" else None


def _statement(problem: Problem) -> str:
    if problem.answer_kind == "code":
        return f"```{_language(problem)}\n{problem.solution}\n```"
    if problem.answer_kind == "choice":
        return f"The answer is ({problem.answer.strip()})."
    if isinstance(problem.tests, ScorerTests) or problem.answer_kind == "math":
        answer = reference_answer(problem.answer)
    else:
        answer = " ".join(problem.answer.split("\n"))
    balanced = answer.count("{") == answer.count("}")
    return f"\\boxed{{{answer}}}" if balanced else f"#### {answer}"


def _language(problem: Problem) -> str:
    """Return the language that a problem asks its program in."""
    return problem.tests.language or "python" if isinstance(problem.tests, RunTerms) else "python"


def _stating(problem: Problem, response: str) -> Candidate:
    return Candidate(
        candidate_id=f"self-test-{problem.problem_id}",
        problem_id=problem.problem_id,
        teacher="reference",
        prompt_id="",
        sampling=Sampling(),
        sample_index=0,
        reasoning=None,
        response=response,
        finish_reason="stop",
        usage=Usage(),
        cost_usd=None,
        latency_ms=0.0,
        created_at=datetime.fromtimestamp(0, UTC),
    )


def _crashed(problem: Problem, candidate: Candidate, error: Exception) -> Grade:
    return ungraded(problem, candidate, "grader_crashed", f"{type(error).__name__}: {error}"[:500])


def ungraded(problem: Problem, candidate: Candidate, reason: str, detail: str | None) -> Grade:
    """Return the grade of a candidate of which nothing could be found out, for this reason of ours."""
    name, version = grader_name_and_version(problem)
    return Grade(
        candidate_id=candidate.candidate_id,
        grader=name,
        grader_version=version,
        verdict="ungraded",
        reason=reason,
        extracted_answer=None,
        evidence=Evidence(detail=detail),
        duration_ms=0.0,
    )
