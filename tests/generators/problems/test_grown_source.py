"""Problems whose reference is known by construction: what is asked is what the seed's own solution leads back to."""

import json
from pathlib import Path

import pytest

from cotfactory.flows.load_recipe import load_recipe, recipe_id
from cotfactory.generators.problems.grown_source import backward, open_from_choice
from cotfactory.generators.problems.hub_source import HubAccess
from cotfactory.generators.problems.load_problems import load_problems
from cotfactory.generators.problems.row import problem_from_row
from cotfactory.graders.grader import open_tools
from cotfactory.graders.grading import self_test
from cotfactory.publishing.published_recipe import published_recipe
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import GrownSource
from cotfactory.schemas.recipe import Recipe

PENS = "Ann has {} boxes of {} pens and gives {} pens away. How many pens are left?"
SOLVED = "The boxes hold 4 * 6 = <<4*6=24>>24 pens.\n24 - 5 = <<24-5=19>>19 are left.\n#### 19"


def seed(question: str = PENS.format(4, 6, 5), solution: str | None = SOLVED, answer: str = "19") -> Problem:
    row = {"id": "1", "question": question, "answer": answer, "answer_kind": "math", "solution": solution}
    return problem_from_row({**row, "source": "pens", "license": "MIT"}, "line 1")


def test_a_hidden_number_is_asked_for_and_the_answer_told() -> None:
    grown = backward(seed())
    assert grown is not None
    asked, _, told = grown.question.partition("\n\n")
    values = {PENS.format(*("X" if place == hidden else number for place, number in enumerate((4, 6, 5)))): str(number)
              for hidden, number in enumerate((4, 6, 5))}  # fmt: skip
    assert values[asked] == grown.answer
    assert told == "The answer to this question is 19. What is the value of the unknown number X?"
    parent = seed()
    assert (grown.license, grown.split_group, grown.source_row_id) == ("MIT", parent.split_group, "1")
    assert grown.source == "grown/backward/pens"


@pytest.mark.parametrize(
    ("question", "solution", "answer", "asked"),
    [
        (PENS.format(4, 6, 5), None, "19", None),  # nothing shows what leads to the answer
        # Which of the two fours does the solution use?
        ("Ann has 4 boxes of 4 pens. How many pens?", "4 * 4 = <<4*4=16>>16\n#### 16", "16", None),
        # The answer does not depend on it.
        ("There are 0 bags of 6 pens. How many pens?", "0 * 6 = <<0*6=0>>0\n#### 0", "0", None),
        # x * (x - 5) = 36 has two solutions; 9 * (9 - x) = 36 has one.
        ("A field is 9 m long, 5 m less wide. Area?", "9 - 5 = <<9-5=4>>4\n9 * 4 = <<9*4=36>>36\n#### 36", "36", "5"),
        # What is reached in between is used twice.
        ("It grows by 3 from 2, and is squared?", "3 + 2 = <<3+2=5>>5\n5 * 5 = <<5*5=25>>25\n#### 25", "25", None),
        # The seven of the solution is the week's, or the friends'.
        ("Each of 7 friends reads 8 pages a day. In a week?", "8 * 7 = <<8*7=56>>56\n#### 56", "56", "8"),
        ("Ann has six boxes of 6 pens?", "6 + 11 = <<6+11=17>>17\n#### 17", "17", None),
        # A result that is a number of the question, too: the later 10 may be either.
        ("10 and 5, doubled?", "5 * 2 = <<5*2=10>>10\n10 + 10 = <<10+10=20>>20\n#### 20", "20", None),
        (PENS.format(4, 6, 5), SOLVED, "20", None),  # the solution comes to another answer than the reference
        ("Let X be 4 boxes of 6 pens, 5 given away. How many?", SOLVED, "19", None),  # X means something already
        ("In 3/4 of an hour?", "3 + 11 = <<3+11=14>>14\n#### 14", "14", None),  # a part of a fraction is no number
    ],
)  # fmt: skip
def test_only_a_number_that_the_answer_tells_is_asked_for(
    question: str, solution: str | None, answer: str, asked: str | None
) -> None:
    grown = backward(seed(question, solution, answer))
    assert (None if grown is None else grown.answer) == asked


@pytest.mark.parametrize(
    ("question", "choices", "letter", "answer"),
    [
        ("How many legs has a spider?", ["6", "8", "10"], "B", "8"),
        ("Which of the following is prime?", ["4", "7", "9"], "B", None),
        ("What is pi closest to?", ["3", "4"], "A", None),
        ("What is half of 5?", ["2", "2.5"], "B", None),  # a decimal may be rounded
        ("Who wrote it?", ["Kafka", "Mann"], "A", None),
        ("All of them are right.", ["1", "2"], "A", None),
    ],
)
def test_choices_are_left_away_where_the_question_stands_without(
    question: str, choices: list[str], letter: str, answer: str | None
) -> None:
    row = {
        "id": "1",
        "question": question,
        "answer": letter,
        "answer_kind": "choice",
        "choices": choices,
        "source": "s",
    }
    grown = open_from_choice(problem_from_row({**row, "source": "s"}, "line 1"))
    assert answer == (None if grown is None else grown.answer)
    assert grown is None or (grown.choices, grown.answer_kind) == (None, "math")


def grown_recipe(folder: Path) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(
        "name: g\n"
        "problems: [{source: grown, ways: [backward], from: {source: file, path: seeds.jsonl}, count: 3}]\n"
        "teachers: [{name: t, model: m, simulated: true}]\n"
        "release: {license: mit}\n"
    )
    return load_recipe(path)


def test_grown_problems_pass_their_own_grader_and_have_lineage(tmp_path: Path) -> None:
    """2,000 seeds of our own families: each backward problem with its answer in it is its seed."""
    source = {
        "source": "grown", "ways": ["backward", "open_from_choice"],
        "from": {"source": "procedural", "families": ["arithmetic_stories", "multiple_choice"], "count": 1000},
    }  # fmt: skip
    teacher = {"name": "t", "model": "m", "simulated": True}
    recipe = Recipe.model_validate(
        {"name": "g", "problems": [source], "teachers": [teacher], "release": {"license": "mit"}}
    )
    hub = HubAccess(token=None, cache_folder=tmp_path)
    grown = list(load_problems(recipe.problems, tmp_path, hub))
    assert len(grown) > 300
    with open_tools() as tools:
        assert {self_test(problem, tools).verdict for problem in grown[:200]} == {"correct"}
    seeds = {
        problem.source_row_id: problem
        for problem in load_problems((GrownSource.model_validate(source).seeds,), tmp_path, hub)
    }
    for problem in grown:
        parent = seeds[problem.source_row_id]
        way, of_source = problem.source.removeprefix("grown/").split("/", 1)
        assert (of_source, problem.split_group) == (parent.source, parent.split_group)
        if way == "backward":
            assert problem.question.partition("\n\n")[0].replace("X", problem.answer) == parent.question
        assert problem.license == "CC0-1.0"


def test_a_recipe_names_the_seeds_file_from_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "seeds.jsonl").write_text(seed_line())
    recipe = grown_recipe(tmp_path)
    hub = HubAccess(token=None, cache_folder=tmp_path)
    assert len(list(load_problems(recipe.problems, Path("/"), hub))) == 1
    published = published_recipe(recipe)
    assert str(tmp_path) not in str(published)
    assert published["problems"][0]["from"]["path"] == "seeds.jsonl"
    assert Recipe.model_validate(published).problems[0].source == "grown"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "seeds.jsonl").write_text(seed_line())
    assert recipe_id(recipe) == recipe_id(grown_recipe(tmp_path / "other"))


def seed_line() -> str:
    row = {"id": "1", "question": PENS.format(4, 6, 5), "answer": "19", "answer_kind": "math", "solution": SOLVED}
    return json.dumps(row)
