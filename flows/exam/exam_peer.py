"""math-verify on the questions of an exam, in killable processes: it stops itself with signal.alarm and may hang."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import JsonValue

from cotfactory.flows.exam.exam_files import Question
from cotfactory.flows.exam.exam_progress import Tell, tell_nobody, told
from cotfactory.flows.exam.exam_scores import Result
from cotfactory.graders.worker_pool import WorkerPool
from cotfactory.schemas.errors import InputError

PEER = "math-verify"
TIMEOUT_S = 20.0
MEMORY_MB = 4096


def judge(number: int, golds: list[str], text: str) -> JsonValue:
    """Say whether math-verify, as it comes, accepts `text` for one of the golds, and the CPU seconds it took.

    Runs inside a worker; `number` keeps equal questions apart, so that each is timed.
    """
    from math_verify import parse, verify

    started = time.thread_time()
    answer = parse(text)
    accepted = any(verify(parse(gold), answer) for gold in golds)
    return [accepted, time.thread_time() - started]


def run_peer(questions: Sequence[Question], families: Sequence[str], tell: Tell = tell_nobody) -> list[Result]:
    """Return what math-verify says about every question. Raises InputError when it is not installed."""
    try:
        import math_verify  # noqa: F401 - the workers import it; here only whether it is there
    except ImportError as error:
        raise InputError("math-verify is not installed", "pip install 'cotfactory[exam]'") from error
    size = os.cpu_count() or 1
    pool = WorkerPool("cotfactory.flows.exam.exam_peer:judge", size=size, timeout_s=TIMEOUT_S, memory_mb=MEMORY_MB)
    try:
        pool.run(-1, ["1"], "1")  # imports are no part of the time
        with ThreadPoolExecutor(size) as threads:
            numbered = zip(range(len(questions)), questions, families, strict=True)
            answers = threads.map(lambda task: _result(pool, *task), numbered)
            return list(told(answers, PEER, len(questions), tell))
    finally:
        pool.close()


def _result(pool: WorkerPool, number: int, question: Question, family: str) -> Result:
    golds: list[JsonValue] = [_formula(problem.answer) for problem in question.problems]
    text = question.candidate.response
    started = time.perf_counter()
    reply = pool.run(number, golds, _formula(text) if question.is_answer else text)
    wall_s = time.perf_counter() - started
    accepted, cpu_s = False, wall_s
    if reply.status == "done" and isinstance(reply.value, list):
        accepted, cpu_s = bool(reply.value[0]), float(str(reply.value[1]))
    verdict, reason = ("correct" if accepted else "incorrect", "done")
    if reply.status != "done":
        verdict, reason = "ungraded", reply.status
    return Result(question.name, family, question.rule, question.expected, accepted, verdict, reason, cpu_s, wall_s)


def _formula(answer: str) -> str:
    """Write a bare answer as math-verify reads LaTeX: between dollar signs."""
    return answer if "$" in answer.replace("\\$", "") or "\\boxed" in answer else f"${answer}$"
