"""reasoning-gym tasks: only the scorer's full score is correct."""

import json
from collections.abc import Iterator

import pytest

from cotfactory.graders.grader import Tools, open_tools
from cotfactory.graders.grading import grade, grader_name_and_version, self_test
from cotfactory.schemas.problem import Problem, ScorerTests
from cotfactory.schemas.reasoning_gym_tasks import EXACT_TASKS
from tests.builders import a_candidate, a_problem

reasoning_gym = pytest.importorskip("reasoning_gym")


@pytest.fixture(scope="module")
def tools() -> Iterator[Tools]:
    with open_tools() as opened:
        yield opened


def scored(task: str, seed: int = 3) -> Problem:
    item = reasoning_gym.create_dataset(task, seed=seed, size=1)[0]
    metadata = {name: value for name, value in item["metadata"].items() if name != "difficulty"}
    entry = json.dumps({"question": item["question"], "answer": item["answer"], "metadata": metadata})
    plain = a_problem(item["question"], item["answer"], "text")
    return plain.model_copy(update={"tests": ScorerTests(task=task, entry=entry)})


@pytest.mark.parametrize("task", sorted(EXACT_TASKS))
def test_the_reference_answer_scores_and_a_wrong_one_does_not(task: str, tools: Tools) -> None:
    problem = scored(task)
    assert self_test(problem, tools).verdict == "correct"
    assert grade(problem, a_candidate("\\boxed{surely not this}"), tools).verdict == "incorrect"


def test_partial_credit_is_incorrect(tools: Tools) -> None:
    # The package's default scorer pays for a text that holds the reference answer.
    problem = scored("gcd")
    padded = f"\\boxed{{{problem.answer} and more}}"
    assert grade(problem, a_candidate(padded), tools).verdict != "correct"


def test_two_statements_are_no_answer(tools: Tools) -> None:
    problem = scored("lcm")
    found = grade(problem, a_candidate(f"The answer is {problem.answer}.\nThe answer is 1."), tools)
    assert (found.verdict, found.reason) == ("no_answer", "several_answers")


@pytest.mark.parametrize("task", ["game_of_life_halting", "countdown", "spiral_matrix"])
def test_a_task_that_is_not_exact_is_not_scored(task: str, tools: Tools) -> None:
    # game_of_life_halting takes any text for "yes"; the other two evaluate the answer.
    problem = a_problem("?", "1", "text").model_copy(update={"tests": ScorerTests(task=task, entry="{}")})
    found = grade(problem, a_candidate("\\boxed{1}"), tools)
    assert (found.verdict, found.reason) == ("ungraded", "inexact_task")


def test_the_version_names_the_package() -> None:
    name, version = grader_name_and_version(scored("gcd"))
    assert name == "reasoning_gym"
    assert version.startswith("1+0")
