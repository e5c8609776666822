"""Grades: verdicts and reasons for whole candidates, batches, crashes, the gold self-test."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cotfactory.graders.grader import ALGEBRA_ITEM_S, ALGEBRA_TIMEOUT_S, ITEM_S, Tools, open_tools
from cotfactory.graders.grading import GRADERS, grade, grade_batch, grader_name_and_version, self_test
from cotfactory.graders.worker_pool import WorkerPool
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import ANSWER_KINDS, AnswerKind, Problem
from tests.builders import a_candidate, a_problem


@pytest.fixture(scope="module")
def tools() -> Iterator[Tools]:
    with open_tools() as opened:
        assert isinstance(opened.algebra, WorkerPool)
        assert opened.algebra.wait_until_ready()
        yield opened


CITY = a_problem("Which city lies on the Seine?", "C", "choice", ("London", "Rome", "Paris"))
DAY = a_problem("Which day comes 10 days after Tuesday?", "Friday", "text")
SUM = a_problem("What is 2 + 4?", "6")

VERDICTS = [
    (SUM, "First I got \\boxed{5}. Rechecking: \\boxed{6}", "correct", "equal"),
    (SUM, "The answer is 5.", "incorrect", "different"),
    (SUM, "The answer is 5 or 6.", "no_answer", "several_answers"),
    (SUM, "The answer is 6. On reflection, the answer is 5.", "no_answer", "several_answers"),
    (SUM, "The answer is 5. On reflection, the answer is 4.", "no_answer", "several_answers"),  # though both are wrong
    (SUM, "\\boxed{6}. The final answer is 6.0.", "correct", "equal"),
    (SUM, "Let me think about it.", "no_answer", "no_final_answer"),
    (SUM, "\\boxed{}", "no_answer", "empty_box"),
    (SUM, "The answer is six apples or so many", "no_answer", "several_answers"),
    (SUM, "\\boxed{" + "1+" * 3000 + "1}", "ungraded", "too_large"),
    (DAY, "The answer is Friday.", "correct", "equal"),
    (DAY, "**Answer: Saturday**", "incorrect", "different"),
    (DAY, "\\boxed{\\text{Friday}}", "correct", "equal"),
    (DAY, "The answer is Friday the 13th.", "ungraded", "words_overlap"),
    (CITY, "The answer is (C).", "correct", "equal"),
    (CITY, "Answer: (A)", "incorrect", "different"),
    (CITY, "Answer: (D)", "no_answer", "letter_beyond_choices"),
]


@pytest.mark.parametrize(("problem", "response", "verdict", "reason"), VERDICTS)
def test_verdict_and_reason(problem: Problem, response: str, verdict: str, reason: str, tools: Tools) -> None:
    found = grade(problem, a_candidate(response), tools)
    assert (found.verdict, found.reason) == (verdict, reason)


def test_a_truncated_candidate_has_no_answer_even_with_a_box(tools: Tools) -> None:
    # The chain was cut: the box may be interim, and the chain is no example to learn from.
    found = grade(SUM, a_candidate("\\boxed{6} but let me check that", finish_reason="length"), tools)
    assert (found.verdict, found.reason) == ("no_answer", "truncated")


def test_reasoning_that_was_never_closed(tools: Tools) -> None:
    found = grade(SUM, a_candidate("", reasoning="so it must be \\boxed{6}"), tools)
    assert (found.verdict, found.reason) == ("no_answer", "unclosed_reasoning")


@pytest.mark.parametrize(
    ("response", "verdict", "reason"),
    [
        # Nobody has told the thinking of these apart: only what follows it counts.
        ("<think>\\boxed{9}</think>The answer is 6.", "correct", "equal"),
        ("<think>The answer is 6.</think>The answer is 8.", "incorrect", "different"),
        ("[THINK]It is \\boxed{5}.[/THINK]It is \\boxed{6}.", "correct", "equal"),
        ("analysisIt is \\boxed{5}.assistantfinalIt is \\boxed{6}.", "correct", "equal"),
        ("<think>so \\boxed{6}", "no_answer", "unclosed_reasoning"),
        ("<think>\\boxed{6}</think>", "no_answer", "unclosed_reasoning"),
    ],
)
def test_thinking_within_a_response(response: str, verdict: str, reason: str, tools: Tools) -> None:
    found = grade(SUM, a_candidate(response), tools)
    assert (found.verdict, found.reason) == (verdict, reason)


def test_a_response_that_speaks_of_tags_is_read_whole(tools: Tools) -> None:
    found = grade(SUM, a_candidate("It is \\boxed{6}. A thought ends with </think>.", reasoning="2 + 4"), tools)
    assert (found.verdict, found.reason) == ("correct", "equal")


@pytest.mark.parametrize("word", ["content_filter", "SAFETY", "tool_calls"])
def test_what_somebody_else_ended_states_nothing(word: str, tools: Tools) -> None:
    found = grade(SUM, a_candidate("A first guess is \\boxed{5}, but", finish_reason=word), tools)
    assert found.verdict == "no_answer"


@pytest.mark.parametrize("problem", [SUM, DAY, CITY])
def test_what_the_endpoint_broke_off_is_nobodys_failure(problem: Problem, tools: Tools) -> None:
    found = grade(problem, a_candidate("A first guess is \\boxed{5}, but", finish_reason="abort"), tools)
    assert (found.verdict, found.reason) == ("ungraded", "broken_off")


def test_the_answer_is_read_from_the_response_only(tools: Tools) -> None:
    found = grade(SUM, a_candidate("The answer is 5.", reasoning="The answer is \\boxed{6}"), tools)
    assert found.verdict == "incorrect"


def test_evidence_lets_a_reader_check(tools: Tools) -> None:
    found = grade(SUM, a_candidate("So \\boxed{6.0}. The answer is 6."), tools)
    assert found.extracted_answer == "6.0"
    assert found.evidence.rule == "boxed"
    assert found.evidence.compared_as == "integer"
    assert found.evidence.reference == "6"
    assert found.evidence.detail == "6"


def test_a_batch_keeps_its_order(tools: Tools) -> None:
    candidates = [a_candidate(f"\\boxed{{{value}}}", candidate_id=str(value)) for value in range(40)]
    found = grade_batch([(SUM, candidate) for candidate in candidates], tools)
    assert [result.candidate_id for result in found] == [str(value) for value in range(40)]
    assert [result.candidate_id for result in found if result.verdict == "correct"] == ["6"]
    assert grade_batch([], tools) == []


COLD = {"timeout", "unserved"}
"""Why a bomb has no verdict: it used its time, or a busy machine gave it none."""

BOMB = "\\boxed{\\sum_{n=1}^{10^{12}} \\frac{1}{n^{2}}}"


def test_bombs_beside_honest_answers_in_a_batch(tools: Tools) -> None:
    problem = a_problem("Simplify.", "\\sec^2 x")
    responses = [BOMB, "\\boxed{\\tan^2 x + 1}", BOMB.replace("12", "13"), "\\boxed{\\sec^2 x}"]
    found = grade_batch([(problem, a_candidate(response)) for response in responses], tools)
    assert [result.verdict for result in found] == ["ungraded", "correct", "ungraded", "correct"]
    assert found[0].reason in COLD


def test_bombs_inside_asyncio(tools: Tools) -> None:
    problem = a_problem("Simplify.", "\\csc^2 x")

    async def graded() -> list[Grade]:
        responses = [BOMB.replace("12", "14"), "\\boxed{\\cot^2 x + 1}", BOMB.replace("12", "15")]
        waiting = (asyncio.to_thread(grade, problem, a_candidate(response), tools) for response in responses)
        return await asyncio.gather(*waiting)

    assert [result.verdict for result in asyncio.run(graded())] == ["ungraded", "correct", "ungraded"]


def test_the_time_of_an_item_covers_its_algebra() -> None:
    assert ALGEBRA_TIMEOUT_S < ALGEBRA_ITEM_S < ITEM_S == 2.0


def test_a_bomb_that_comes_first_is_answered_and_sound_answers_after_it_are_graded() -> None:
    problem = a_problem("Simplify.", "\\sec^2 x")
    honest = a_candidate("\\boxed{\\tan^2 x + 1}")
    with open_tools() as cold:  # sympy is still being imported
        first = grade(problem, a_candidate(BOMB), cold)
        assert (first.verdict, first.reason in COLD) == ("ungraded", True)
        assert [result.verdict for result in grade_batch([(problem, honest)], cold)] == ["correct"]


def test_bombs_in_threads_and_asyncio_of_a_cold_process() -> None:
    problem = a_problem("Simplify.", "\\csc^2 x")
    bombs = [a_candidate(BOMB.replace("12", str(power))) for power in range(20, 26)]

    async def graded(tools: Tools) -> list[Grade]:
        return await asyncio.gather(*(asyncio.to_thread(grade, problem, bomb, tools) for bomb in bombs))

    with open_tools() as cold:
        found = asyncio.run(graded(cold))
        with ThreadPoolExecutor(6) as threads:
            found += threads.map(lambda bomb: grade(problem, bomb, cold), bombs)
        assert {(result.verdict, result.reason in COLD) for result in found} == {("ungraded", True)}
        assert grade(SUM, a_candidate("\\boxed{6}"), cold).verdict == "correct"  # the process is unharmed


def test_a_batch_in_a_cold_process_leaves_nothing_sound_ungraded() -> None:
    problem = a_problem("Simplify.", "\\sec^2 x")
    with open_tools() as cold:
        found = grade_batch([(problem, a_candidate("\\boxed{\\tan^2 x + 1}")), (SUM, a_candidate("\\boxed{6}"))], cold)
    assert [result.verdict for result in found] == ["correct", "correct"]


def test_a_declared_tolerance_reaches_the_grade(tools: Tools) -> None:
    problem = a_problem("How long is it?", "3.14").model_copy(update={"answer_tolerance": "0.01"})
    found = [grade(problem, a_candidate(f"\\boxed{{{stated}}}"), tools) for stated in ("3.15", "3.1501", "\\pi")]
    assert [result.verdict for result in found] == ["correct", "incorrect", "correct"]
    assert found[0].evidence.compared_as == "tolerance"


def test_a_crash_of_ours_is_ungraded() -> None:
    # A pool that is closed raises inside the comparison: our fault, not the chain's.
    pool = WorkerPool("cotfactory.graders.math.algebra:answer")
    pool.close()
    problem = a_problem("Simplify.", "\\sec^2 x")
    found = grade_batch([(problem, a_candidate("\\boxed{\\tan^2 x + 1}"))], Tools(algebra=pool, sandbox=None))[0]
    assert (found.verdict, found.reason) == ("ungraded", "grader_crashed")
    assert found.evidence.detail is not None
    assert found.evidence.detail.startswith("RuntimeError")


SELF_TESTS: list[tuple[AnswerKind, str, tuple[str, ...] | None, bool]] = [
    ("math", "\\frac{1}{2}", None, True),
    ("math", "x^2 + 1", None, True),
    ("math", "\\text{Monday}", None, True),
    ("math", "So \\boxed{5}", None, True),
    ("math", "", None, False),
    ("math", "4/0", None, False),  # equals itself as text
    ("math", "The author leaves the rest to the reader as an exercise.", None, False),
    ("choice", "B", ("one", "two"), True),
    ("choice", "b", ("one", "two"), True),
    ("choice", "C", ("one", "two"), False),
    ("choice", "", ("one", "two"), False),
    ("choice", "A", None, False),
    ("text", "Friday\nFri", None, False),  # no list of forms: `answers` is
    ("text", "See proof.", None, False),
    ("text", "Proof by induction", None, True),
    ("text", "word " * 31, None, False),  # no right response repeats prose
    ("math", "The statement is proved", None, False),
    ("math", "\\text{Answers may vary.}", None, False),
    ("text", "it's a {brace", None, True),
    ("text", "\n", None, False),
]


@pytest.mark.parametrize(("kind", "answer", "choices", "good"), SELF_TESTS)
def test_self_test(kind: AnswerKind, answer: str, choices: tuple[str, ...] | None, good: bool, tools: Tools) -> None:
    problem = a_problem("Which?", answer, kind, choices)
    assert (self_test(problem, tools).verdict == "correct") == good


def test_a_code_problem_without_a_solution_cannot_test_itself(tools: Tools) -> None:
    found = self_test(a_problem("Write f.", "", "code"), tools)
    assert (found.verdict, found.reason) == ("ungraded", "no_reference_solution")


def test_every_answer_kind_has_a_grader_and_a_version() -> None:
    assert set(GRADERS) == set(ANSWER_KINDS)
    assert grader_name_and_version(SUM) == ("math", GRADERS["math"][1])


def test_importing_the_graders_imports_nothing_heavy() -> None:
    code = (
        "import sys, cotfactory.graders.grading\n"
        "print([name for name in ('sympy', 'docker', 'reasoning_gym', 'mpmath', 'latex2sympy2_extended')"
        " if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
