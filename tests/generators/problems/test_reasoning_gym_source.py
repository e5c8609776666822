"""Problems of reasoning-gym: the package's own items and scorers, the same in every process."""

import json
import os
import subprocess
import sys

import pytest

from cotfactory.generators.problems.reasoning_gym_source import TASKS, load_reasoning_gym
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.problem import Problem, ScorerTests
from cotfactory.schemas.problem_sources import ReasoningGymSource

pytest.importorskip("reasoning_gym", reason="needs the extra reasoning-gym")

LOAD_ALL = """
import sys
from cotfactory.generators.problems.reasoning_gym_source import TASKS, load_reasoning_gym
from cotfactory.schemas.problem_sources import ReasoningGymSource
for task in TASKS:
    for problem in load_reasoning_gym(ReasoningGymSource(source="reasoning_gym", task=task, count=3)):
        print(problem.model_dump_json())
"""


def load(task: str, count: int = 3, seed: int = 0) -> list[Problem]:
    source = ReasoningGymSource(source="reasoning_gym", task=task, count=count, seed=seed)
    return list(load_reasoning_gym(source))


@pytest.mark.parametrize("task", TASKS)
def test_the_written_item_is_what_its_scorer_needs(task: str) -> None:
    import reasoning_gym

    score = reasoning_gym.get_score_answer_fn(task)
    for index, problem in enumerate(load(task)):
        assert isinstance(problem.tests, ScorerTests)
        assert (problem.source, problem.source_row_id) == (f"reasoning_gym/{task}", f"{task}/0/{index}")
        assert (problem.answer_kind, problem.license) == ("text", "Apache-2.0")
        assert problem.source_revision.startswith("reasoning-gym ")
        entry = json.loads(problem.tests.entry)
        assert (entry["question"], entry["answer"]) == (problem.question, problem.answer)
        assert score(problem.answer, entry) == 1.0
        assert score(problem.answer + " or not", entry) < 1.0


def test_another_process_makes_the_same_problems() -> None:
    """Another hash seed is another order of sets: items drawn from one would be asked and paid for again."""
    environment = os.environ | {"PYTHONHASHSEED": "3141592", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", LOAD_ALL]
    printed = subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout
    here = [problem.model_dump_json() for task in TASKS for problem in load(task)]
    assert printed.splitlines() == here


def test_neighbouring_seeds_share_no_item_and_a_larger_count_begins_the_same() -> None:
    first, second = load("chain_sum", 20, seed=42), load("chain_sum", 20, seed=43)
    assert len({problem.problem_id for problem in first + second}) == 40
    assert load("chain_sum", 5, seed=42) == first[:5]


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("chain_sums", "did you mean 'chain_sum'?"),
        ("polynomial_equations", "expected one of ab, acre, "),  # its scorer accepts what is near
        ("isomorphic_strings", "Unknown or unfit reasoning-gym task 'isomorphic_strings'"),  # other items each time
        ("composite", "Unknown or unfit"),
    ],
)
def test_a_task_that_is_not_fit(task: str, expected: str) -> None:
    with pytest.raises(ProblemSourceError) as raised:
        load(task)
    assert expected in str(raised.value)
    assert raised.value.exit_code == 2


def test_without_the_package_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)  # what import sees when nothing is installed
    with pytest.raises(ProblemSourceError, match=r"pip install 'cotfactory\[reasoning-gym\]'"):
        load("chain_sum")


def test_an_item_that_json_would_change_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """count_primes keeps a tuple in its metadata, which would read back as a list."""
    monkeypatch.setattr("cotfactory.generators.problems.reasoning_gym_source.TASKS", ["count_primes"])
    with pytest.raises(ProblemSourceError, match="item 0 of reasoning_gym/count_primes"):
        load("count_primes")


def test_an_item_without_a_reference_answer_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """propositional_logic knows how to score conclusions but names none."""
    monkeypatch.setattr("cotfactory.generators.problems.reasoning_gym_source.TASKS", ["propositional_logic"])
    assert load("propositional_logic") == []
