"""Which problems are not asked, and why: each reason with its rule, in the order in which they are tried.

What the reasons mean is in `schemas/drop_reasons.py`; `stages.check_references` goes through the table.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

from cotfactory.flows.ask.assignments import repeated_questions
from cotfactory.flows.ask.turns import ended_before
from cotfactory.flows.release.benchmarks import open_benchmarks, problem_hits
from cotfactory.flows.review.people_verdicts import refuted_references
from cotfactory.flows.run_record import Run
from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.graders.grader import Tools
from cotfactory.graders.grading import self_test
from cotfactory.schemas.counted import counted
from cotfactory.schemas.drop_reasons import DropReason
from cotfactory.schemas.errors import SandboxError
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import Problem, UnsupportedTests
from cotfactory.warehouse.problem_spool import ProblemSpool

MOST_DETAIL = 300
"""Characters of what went wrong with a reference answer that are told."""

Rule = Callable[[Run, Sequence[Problem], Sequence[TeacherPlan], Tools], Collection[str]]
"""Takes the problems that no earlier rule dropped; returns the ids of those to drop."""


def _contaminated(run: Run, problems: Sequence[Problem], _: Sequence[TeacherPlan], __: Tools) -> Collection[str]:
    """It repeats a benchmark's text. The evidence is kept with the run; so are the benchmarks, for the chains."""
    run.benchmarks = open_benchmarks(run.recipe.curation)
    run.contamination = problem_hits(problems, run.benchmarks)
    if run.benchmarks is not None:
        texts = len(run.benchmarks.texts)
        run.progress.note(
            f"repeat one of {counted(texts, 'benchmark text')}: {len(run.contamination):,} of "
            f"{counted(len(problems), 'problem')}"
        )
    return run.contamination


def _unsupported(run: Run, problems: Sequence[Problem], _: Sequence[TeacherPlan], __: Tools) -> Collection[str]:
    """Its source has no tests for it, or such that nothing here can judge."""
    whys = why_unsupported(problems)
    for why, count in Counter(whys.values()).most_common():
        run.progress.note(f"dropped, for it cannot be judged: {count:,} of {counted(len(problems), 'problem')}: {why}")
    return whys


def why_unsupported(problems: Iterable[Problem]) -> dict[str, str]:
    """Return why nothing here can judge the problems that this is true of, by problem id."""
    return {
        problem.problem_id: problem.tests.why
        for problem in problems
        if isinstance(problem.tests, UnsupportedTests) and problem.grader is None
    }


def _bad_reference(run: Run, problems: Sequence[Problem], _: Sequence[TeacherPlan], tools: Tools) -> Collection[str]:
    """Its own grader does not accept the reference answer. Raises SandboxError when programs cannot be run."""
    found = set()
    with run.progress.stage("check references", len(problems)):
        for problem in problems:
            run.advance()
            runs_tests = problem.answer_kind == "code" and problem.grader is None
            by_solution = runs_tests or (problem.rubric is not None and problem.grader is None)
            if by_solution and problem.solution is None:
                continue  # nothing to test the tests with
            grade = self_test(problem, tools)
            if grade.verdict == "ungraded" and runs_tests:
                raise SandboxError(
                    f"The reference solution of {problem.named} could not be run: {grade.reason} "
                    f"{grade.evidence.detail or ''}",
                    "see to the Docker engine; nothing was asked",
                )
            if grade.verdict != "correct":
                found.add(problem.problem_id)
                run.progress.note(f"bad reference: {why_bad_reference(problem, grade)}")
    return found


def why_bad_reference(problem: Problem, grade: Grade) -> str:
    """Return what a problem's own grader says of its reference answer, and what went wrong there."""
    detail = " ".join((grade.evidence.detail or "").split())[:MOST_DETAIL]
    said = f"{grade.verdict} ({grade.reason}{': ' if detail else ''}{detail})"
    return f"answer {problem.answer[:60]!r} of {problem.named}: its own grader says {said}"


def _refuted_reference(run: Run, problems: Sequence[Problem], _: Sequence[TeacherPlan], __: Tools) -> Collection[str]:
    """People solved it and found its reference answer wrong."""
    refuted = refuted_references(run.workspace)
    found = refuted & {problem.problem_id for problem in problems} if refuted else set[str]()
    if found:
        run.progress.note(f"dropped, for people found the reference answer wrong: {counted(len(found), 'problem')}")
    return found


def _duplicate(run: Run, problems: Sequence[Problem], plans: Sequence[TeacherPlan], _: Tools) -> Collection[str]:
    """Its prompt is another problem's: see `repeated_questions`."""
    repeated = repeated_questions(problems, plans)
    twins = {problem.problem_id for question in repeated for problem in question.dropped}
    if twins:
        run.progress.note(f"dropped, for another one asks the same or contradicts it: {counted(len(twins), 'problem')}")
    return twins


def _grown(reason: DropReason) -> Rule:
    """A teacher wrote it, and it is of no use for this reason: see `flows/grow`."""

    def found(run: Run, problems: Sequence[Problem], _: Sequence[TeacherPlan], __: Tools) -> Collection[str]:
        of_reason = {problem_id for problem_id, why in run.dropped_grown.items() if why == reason}
        return {problem.problem_id for problem in problems if problem.problem_id in of_reason} if of_reason else ()

    return found


def _earlier_turn(run: Run, problems: Sequence[Problem], _: Sequence[TeacherPlan], __: Tools) -> Collection[str]:
    """Its conversation ends before it: a turn before it is dropped."""
    if isinstance(problems, ProblemSpool) and not problems.later_turns():
        return ()  # without reading all problems again
    found = ended_before(problems)
    if found:
        run.progress.note(f"dropped with a turn before it: {counted(len(found), 'later turn')} of conversations")
    return found


PROBLEM_RULES: dict[DropReason, Rule] = {
    "unsupported": _unsupported,
    "contaminated": _contaminated,
    "near_twin": _grown("near_twin"),
    "no_reference": _grown("no_reference"),
    "outside_difficulty": _grown("outside_difficulty"),
    "bad_reference": _bad_reference,
    "refuted_reference": _refuted_reference,
    "duplicate": _duplicate,
    "earlier_turn": _earlier_turn,
}
