"""`cotfactory exam`: how right and how fast the graders are on labelled exams, and a peer on the same rows."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from pydantic import Field

from cotfactory.flows.exam.exam_files import Exam, Question, find_exams
from cotfactory.flows.exam.exam_peer import PEER, run_peer
from cotfactory.flows.exam.exam_progress import Tell, tell_nobody, told
from cotfactory.flows.exam.exam_scores import Result, Score, by, score
from cotfactory.flows.exam.exam_steps import HEADER as STEPS_HEADER
from cotfactory.flows.exam.exam_steps import StepScore, run_step_exam
from cotfactory.flows.exam.write_exam_record import exam_record, write_exam_record
from cotfactory.flows.host.grading_tools import configured_sandbox
from cotfactory.graders.grader import ALGEBRA_ITEM_S, Tools, open_tools
from cotfactory.graders.grading import grade, grade_batch
from cotfactory.graders.math.families import answer_family
from cotfactory.graders.math.math_answers import compare_math
from cotfactory.graders.stated_answers import verdict_of
from cotfactory.graders.worker_pool import OneItem, WorkerPool
from cotfactory.schemas.errors import InputError, ProblemSourceError, SandboxError
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.record import Record


class ExamScore(Record):
    """One exam: our score, by answer family and by the exam's own rules; the peer's on the same questions.

    `cpu_ratio` is the peer's mean CPU time over ours. `skipped` says why an exam was not run.
    """

    exam: str
    skipped: str | None = None
    ours: Score | None = None
    families: dict[str, Score] = Field(default_factory=dict)
    rules: dict[str, Score] = Field(default_factory=dict)
    peer: Score | None = None
    peer_families: dict[str, Score] = Field(default_factory=dict)
    cpu_ratio: float | None = None


class ExamReport(Record):
    """The scores of every exam of a folder."""

    folder: str
    against: str | None
    exams: tuple[ExamScore, ...]
    steps: tuple[StepScore, ...] = ()

    def text(self) -> str:
        """Return the table for people: exams, then families with a mistake or an abstention, then what was slow."""
        lines = [f"{'exam':34}{'n':>6}  {'precision':25}{'recall':25}{'agreement':10}{'CPU us median / mean':>24}"]
        for exam in self.exams:
            if exam.skipped or exam.ours is None:
                lines.append(f"{exam.exam:34}skipped: {exam.skipped}")
                continue
            lines.append(_line(exam.exam, exam.ours))
            if exam.peer is not None:
                lines.append(_line(f"  {self.against}", exam.peer))
                lines.append(f"    the peer uses {exam.cpu_ratio} times the CPU")
            lines += [_line(f"  {name}", family) for name, family in exam.families.items() if len(exam.families) > 1]
            lines += [f"    {count:6} {reason}" for reason, count in exam.ours.abstentions.items()]
            slow = (f"{question.name} {question.wall_ms:.0f} ms" for question in exam.ours.slowest)
            lines.append("    slowest: " + ", ".join(slow))
            for what, names in (("accepted", exam.ours.wrongly_accepted), ("rejected", exam.ours.wrongly_rejected)):
                if names:
                    lines.append(f"    wrongly {what}: " + ", ".join(names))
        if self.steps:
            lines += [STEPS_HEADER, *(step.text() for step in self.steps)]
        return "\n".join(lines)


def _line(name: str, found: Score) -> str:
    agreement = "-" if found.agreement.value is None else f"{found.agreement.value:.4f}"
    cpu = "-" if found.cpu_us_median is None else f"{found.cpu_us_median:,.0f} / {found.cpu_us_mean:,.0f}"
    return f"{name[:33]:34}{found.n:>6}  {found.precision.text():25}{found.recall.text():25}{agreement:10}{cpu:>24}"


def run_exams(
    folder: Path, against: str | None = None, record: Path | None = None, tell: Tell = tell_nobody
) -> ExamReport:
    """Run every exam below `folder`; with `against` the peer too, on the same questions.

    With `record` our scores are written there, added up by grader. `tell` takes lines on how far it is.

    Programs are run when a Docker engine answers, else their exams are skipped with the reason. Raises InputError
    for an unknown peer, ProblemSourceError where there is no exam or one cannot be read, RecordingError.
    """
    if against not in (None, PEER):
        raise InputError(f"Unknown peer {against!r}, expected {PEER}", f"--against {PEER}")
    exams, steps = list(find_exams(folder)), run_step_exam(folder)
    if not exams and not steps:
        raise ProblemSourceError(
            f"{folder} holds no exam: expected rows with gold and candidate, or recordings",
            "name another folder; the formats are in flows/exam/exam_files.py",
        )
    with ExitStack() as stack:
        tools = stack.enter_context(open_tools())
        compare_math(
            r"\tan^2 x + 1", r"\sec^2 x", "", tools.algebra
        )  # imports are no part of the first question's time
        scores = [_run_code(exam) if exam.needs_sandbox else _run(exam, tools, against, tell) for exam in exams]
    if record is not None:
        write_exam_record(exam_record([pair for exam_score in scores for pair in exam_score.families.items()]), record)
    return ExamReport(folder=str(folder), against=against, exams=tuple(scores), steps=steps)


def _run(exam: Exam, tools: Tools, against: str | None, tell: Tell) -> ExamScore:
    families = [_family(question) for question in exam.questions]
    asked = (_ask(question, family, tools) for question, family in zip(exam.questions, families, strict=True))
    results = list(told(asked, exam.name, len(families), tell))
    found = _scored(exam.name, results)
    is_math = all(question.problems[0].answer_kind == "math" for question in exam.questions)
    mathematical = [
        (question, family)
        for question, family in zip(exam.questions, families, strict=True)
        if question.problems[0].answer_kind == "math"
    ]
    if against is None or not mathematical:
        return found
    questions, kinds = zip(*mathematical, strict=True)
    peer = run_peer(questions, kinds, lambda line: tell(f"{exam.name}, {line}"))
    theirs = score(peer)
    ours = found.ours if is_math else score([result for result in results if result.family != "letter"])
    assert ours is not None
    ratio = round(theirs.cpu_us_mean / ours.cpu_us_mean, 1) if theirs.cpu_us_mean and ours.cpu_us_mean else None
    return found.model_copy(update={"peer": theirs, "peer_families": by(peer, "family"), "cpu_ratio": ratio})


def _scored(name: str, results: Sequence[Result]) -> ExamScore:
    return ExamScore(exam=name, ours=score(results), families=by(results, "family"), rules=by(results, "rule"))


def _family(question: Question) -> str:
    kind = question.problems[0].answer_kind
    if kind == "math":
        return answer_family(question.problems[0].answer)
    return {"choice": "letter", "code": "program"}.get(kind, kind)


def _ask(question: Question, family: str, tools: Tools) -> Result:
    """Grade one question here and now, and count the CPU time of this process and of the algebra workers."""
    pool = tools.algebra
    assert isinstance(pool, WorkerPool)
    cpu, wall, workers = time.process_time(), time.perf_counter(), pool.cpu_s
    verdict, reason = "", ""
    for problem in question.problems:
        if question.is_answer:
            algebra = OneItem(pool, ALGEBRA_ITEM_S)
            found = compare_math(problem.answer, question.candidate.response, problem.question, algebra)
            verdict, reason = verdict_of(found)
        else:
            graded = grade(problem, question.candidate, tools)
            verdict, reason = graded.verdict, graded.reason
        if verdict == "correct":
            break
    cpu_s = time.process_time() - cpu + pool.cpu_s - workers
    wall_s = time.perf_counter() - wall
    accepted = verdict == "correct"
    return Result(question.name, family, question.rule, question.expected, accepted, verdict, reason, cpu_s, wall_s)


def _run_code(exam: Exam) -> ExamScore:
    pairs = [(question.problems[0], question.candidate) for question in exam.questions]
    started = time.perf_counter()
    try:
        with configured_sandbox() as sandbox, open_tools(sandbox) as tools:
            grades = grade_batch(pairs, tools)
    except SandboxError as error:
        return ExamScore(exam=exam.name, skipped=f"programs need the sandbox: {error}")
    each_s = (time.perf_counter() - started) / len(pairs)
    graded = zip(exam.questions, grades, strict=True)
    return _scored(exam.name, [_ran(question, found, each_s) for question, found in graded])


def _ran(question: Question, found: Grade, wall_s: float) -> Result:
    accepted = found.verdict == "correct"
    return Result(
        question.name, "program", question.rule, question.expected, accepted, found.verdict, found.reason, None, wall_s
    )
