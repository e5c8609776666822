"""One RL row a problem that three trainers read, each by the names and in the form it knows."""

import json
from typing import Any

import pytest

from cotfactory.publishing.products.rl import LeftOut, left_out, problem_of_row, rl_rows
from cotfactory.schemas.code import Code
from cotfactory.schemas.curation import Curation, Difficulty
from cotfactory.schemas.grade import Evidence, Split, Verdict
from cotfactory.schemas.group import GradedCandidate, PassRate
from cotfactory.schemas.ids import seed_from
from cotfactory.schemas.problem import CallCase, CallTests, CustomGrader
from cotfactory.schemas.recipe import Attempts
from cotfactory.schemas.teaching import Message
from tests.publishing.made_groups import (
    contaminated,
    group_of,
    in_split,
    made_candidate,
    made_graded,
    made_group,
    made_problem,
    made_prompt,
    made_recipe,
)

RECIPE = made_recipe()
BAND = {"attempts": Attempts(mode="band")}


def at_most(model: str) -> dict[str, object]:
    return {"curation": Curation(difficulty=Difficulty(model=model, min=0.1, max=0.6))}


def test_rl_row_is_what_trl_and_verl_read() -> None:
    problem = made_problem(answer=r"\frac{1}{2}")
    row = rl_rows([made_group(problem, [made_graded(made_candidate(problem))])], RECIPE)[0]
    assert row["prompt"] == [{"role": "user", "content": made_prompt(problem)[0].content}]
    assert row["solution"] == r"\boxed{\frac{1}{2}}"
    assert row["ground_truth"] == r"\frac{1}{2}"
    assert row["reward_model"] == {"style": "rule", "ground_truth": r"\frac{1}{2}"}
    assert row["extra_info"]["problem_id"] == problem.problem_id
    assert row["extra_info"]["index"] == seed_from(problem.problem_id) // 2  # verl keeps it as int64
    assert row["messages"] == row["prompt"]  # what open-instruct reads


@pytest.mark.parametrize("split", ["train", "test"])
def test_split_is_told_to_verl_too(split: Split) -> None:
    problem = made_problem()
    row = rl_rows([in_split(made_group(problem, [made_graded(made_candidate(problem))]), split)], RECIPE)[0]
    assert (row["split"], row["extra_info"]["split"], row["split_group"]) == (split, split, problem.split_group)


BOXED, HASHED = r"Put the answer in \boxed{}.", "Finish with `#### ` and the number."


@pytest.mark.parametrize(
    ("source", "ask", "dataset"),
    [
        # open-instruct's `gsm8k` reads the last number, wherever it stands; its `math` the last box.
        ("openai/gsm8k", HASHED, "gsm8k"),
        ("openai/gsm8k", BOXED, "math"),
        ("our-own", BOXED, "math"),
        ("our-own", "Just answer.", "our-own"),
    ],
)
def test_open_instruct_verifier_reads_what_the_prompt_asks_for(source: str, ask: str, dataset: str) -> None:
    problem = made_problem(source=source)
    group = made_group(problem, [made_graded(made_candidate(problem))], messages=made_prompt(problem, ask))
    assert rl_rows([group], RECIPE)[0]["dataset"] == dataset


@pytest.mark.parametrize(
    ("source", "ask", "data_source"),
    [
        ("openai/gsm8k", HASHED, "openai/gsm8k"),
        # verl's GSM8K scorer looks for `####` alone: it would score every boxed answer as 0.
        ("openai/gsm8k", BOXED, "lighteval/MATH"),
        ("HuggingFaceH4/MATH-500", BOXED, "HuggingFaceH4/MATH-500"),
        ("our-own", BOXED, "lighteval/MATH"),
        # verl refuses a name it does not know, which is better than a scorer that reads another form.
        ("our-own", "Just answer.", "our-own"),
    ],
)
def test_verl_scorer_reads_what_the_prompt_asks_for(source: str, ask: str, data_source: str) -> None:
    problem = made_problem(source=source)
    group = made_group(problem, [made_graded(made_candidate(problem))], messages=made_prompt(problem, ask))
    row = rl_rows([group], RECIPE)[0]
    assert (row["data_source"], row["source"]) == (data_source, source)


@pytest.mark.parametrize("answer", ["18", r"\frac{1}{2}", "(1, 2)", r"\{1, 2\}", "[0, 3)", "x^2+1", r"50\%", "1,234"])
def test_trls_parser_reads_the_solution_as_the_answer(answer: str) -> None:
    math_verify = pytest.importorskip("math_verify")  # what trl.rewards.accuracy_reward uses
    problem = made_problem(answer=answer)
    solution = rl_rows([made_group(problem, [made_graded(made_candidate(problem))])], RECIPE)[0]["solution"]
    gold = math_verify.parse(solution)
    assert gold
    assert math_verify.verify(gold, math_verify.parse(rf"So the answer is $\boxed{{{answer}}}$."))
    assert not math_verify.verify(gold, math_verify.parse(r"So the answer is $\boxed{77}$."))


def beside_the_question(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in json.loads(row["grader_args"]).items() if name != "question"}


def test_a_row_is_enough_to_make_its_problem_again() -> None:
    tests = CallTests(entry_point="twice", cases=(CallCase(args=(9,), expected=18),))
    problems = [
        made_problem(answer="3.14").model_copy(update={"answer_tolerance": "0.01"}),
        made_problem(answer="B", answer_kind="choice", choices=("17", "18")),
        made_problem(answer="red, blue", answer_kind="text").model_copy(
            update={"answers": ("blue, red",), "text_compare": "list", "source_revision": "r2"}
        ),
        made_problem(answer="", answer_kind="code", tests=tests).model_copy(update={"solution": "def twice(n): ..."}),
        made_problem().graded_by(CustomGrader(name="mine.py:grade", version="0123")),
    ]
    for problem in problems:
        (row,) = rl_rows([made_group(problem, [made_graded(made_candidate(problem))])], RECIPE)
        again = problem_of_row(row)
        graded_by = {"solution": problem.solution if problem.answer_kind == "code" else None}
        assert again == problem.model_copy(update=graded_by)


def test_a_row_of_an_older_release_has_its_prompt_for_a_question() -> None:
    problem = made_problem()
    (row,) = rl_rows([made_group(problem, [made_graded(made_candidate(problem))])], RECIPE)
    again = problem_of_row({**row, "grader_args": "{}"})
    assert again.question == row["prompt"][-1]["content"]


def test_a_declared_tolerance_goes_along() -> None:
    # Without it the reward would call right what a trainer's grader calls wrong.
    problem = made_problem().model_copy(update={"answer_tolerance": "1%"})
    row = rl_rows([made_group(problem, [made_graded(made_candidate(problem))])], RECIPE)[0]
    assert beside_the_question(row) == {"answer_tolerance": "1%"}


def test_choice_keeps_its_letter_and_its_choices() -> None:
    # TRL's parser finds nothing in a bare letter and skips the row; boxed, it would score all responses 0.
    problem = made_problem(answer="B", answer_kind="choice", choices=("17", "18"))
    row = rl_rows([made_group(problem, [made_graded(made_candidate(problem))])], RECIPE)[0]
    assert (row["solution"], row["ground_truth"], row["ability"], row["grader"]) == ("B", "B", "choice", "choice")
    assert beside_the_question(row) == {"choices": ["17", "18"]}
    assert row["data_source"] == "stories"


def test_a_row_carries_all_that_an_answer_is_compared_by() -> None:
    lists: dict[str, Any] = {"answers": ("blue, red",), "text_compare": "list"}
    text = made_problem(answer="red, blue", answer_kind="text").model_copy(update=lists)
    row = rl_rows([made_group(text, [made_graded(made_candidate(text))])], RECIPE)[0]
    assert beside_the_question(row) == {"answers": ["blue, red"], "text_compare": "list"}
    near = made_problem(answer="3.14").model_copy(update={"answer_tolerance": "0.01"})
    row = rl_rows([made_group(near, [made_graded(made_candidate(near))])], RECIPE)[0]
    assert beside_the_question(row) == {"answer_tolerance": "0.01"}


@pytest.mark.parametrize(
    ("graded", "left"),
    [
        ([("correct", True), ("incorrect", True)], "weak_check"),
        # another program failed at a case that is judged on the host: what passed is weak all the same
        ([("correct", True), ("incorrect", False)], "weak_check"),
        ([("correct", True), ("correct", False)], None),
        ([("incorrect", True)], "weak_check"),
        ([("no_answer", False), ("ungraded", True)], None),  # nothing ran
    ],
)
def test_tests_that_a_program_can_forge_are_no_reward(graded: list[tuple[Verdict, bool]], left: str | None) -> None:
    tests = CallTests(entry_point="twice", cases=(CallCase(args=(9,), expected=18),))
    problem = made_problem(answer="", answer_kind="code", tests=tests)
    chains = [
        GradedCandidate(
            candidate=chain.candidate, grade=chain.grade.model_copy(update={"evidence": Evidence(weak=weak)})
        )
        for place, (verdict, weak) in enumerate(graded)
        for chain in [made_graded(made_candidate(problem, place), verdict)]
    ]
    group = made_group(problem, chains)
    assert left_out([group], RECIPE) == left
    allowing = RECIPE.model_copy(update={"code": Code(allow_weak=True)})
    assert left_out([group], allowing) is None


def test_program_is_checked_by_its_tests() -> None:
    tests = CallTests(entry_point="twice", cases=(CallCase(args=(9,), expected=18),))
    problem = made_problem(answer="", answer_kind="code", tests=tests)
    row = rl_rows([made_group(problem, [made_graded(made_candidate(problem))])], RECIPE)[0]
    assert row["solution"] is None
    assert CallTests.model_validate_json(row["ground_truth"]) == tests
    given = {"question": problem.question, "tests": tests.model_dump(mode="json")}
    # As text in one order of keys: a release's hash is over it.
    assert row["grader_args"] == json.dumps(given, ensure_ascii=False, sort_keys=True)


def test_problem_without_a_reference_is_no_rl_row() -> None:
    problem = made_problem(answer=" ")
    group = made_group(problem, [made_graded(made_candidate(problem))])
    assert rl_rows([group], RECIPE) == []
    assert left_out([group], RECIPE) == "no_reference"


def test_first_teacher_gives_prompt_and_pass_rate() -> None:
    problem = made_problem()
    system = (Message(role="system", content="Be brief."), *made_prompt(problem))
    first = made_group(problem, [made_graded(made_candidate(problem), "incorrect")], messages=system)
    second = made_group(problem, [made_graded(made_candidate(problem, model="elk"))], model="elk")
    (row,) = rl_rows([first, second], RECIPE)
    assert (row["teacher"], row["pass_rate_n"], row["pass_rate_c"]) == ("owl-7b", 1, 0)
    assert [message["role"] for message in row["prompt"]] == ["system", "user"]
    assert row["pass_rates"] == [
        {"model": "owl-7b", "strategy": "solve", "n": 1, "c": 0, "pass_rate": 0.0},
        {"model": "elk", "strategy": "solve", "n": 1, "c": 1, "pass_rate": 1.0},
    ]


def test_pass_rate_is_of_the_plain_question_and_never_of_one_with_the_answer_in_it() -> None:
    problem = made_problem()
    right, wrong = [made_graded(made_candidate(problem))], [made_graded(made_candidate(problem), "incorrect")]
    unrated = {"strategy": "hint", "pass_rate": PassRate(rate=None, n=0, c=0)}
    hinted = made_group(problem, right, model="elk").model_copy(update=unrated)
    refined = made_group(problem, right, model="fox").model_copy(update={"strategy": "refine"})
    (row,) = rl_rows([hinted, refined, made_group(problem, wrong)], RECIPE)
    assert [(rate["model"], rate["strategy"]) for rate in row["pass_rates"]] == [("owl-7b", "solve"), ("fox", "refine")]
    assert (row["teacher"], row["strategy"], row["pass_rate"]) == ("owl-7b", "solve", 0.0)
    (row,) = rl_rows([hinted], RECIPE)
    assert (row["pass_rate"], row["pass_rate_n"]) == (None, 0)


@pytest.mark.parametrize(
    ("correct", "of", "changes", "why"),
    [
        (2, 4, BAND, None),
        (0, 6, BAND, "outside_band"),
        (6, 6, BAND, "outside_band"),
        (0, 0, BAND, "no_pass_rate"),
        (0, 0, {}, None),  # nobody asked how hard it is
        (1, 16, {"attempts": Attempts(mode="band", band=(0.0, 0.3))}, None),  # the recipe's band, not the usual one
        (6, 6, {}, None),  # a count of attempts chooses nothing
        (3, 4, at_most("owl-7b"), "outside_difficulty"),
        (0, 4, at_most("owl-7b"), "outside_difficulty"),  # no chain of it is dropped for that: they are all incorrect
        (2, 4, at_most("owl-7b"), None),
        (0, 0, at_most("owl-7b"), "no_pass_rate"),
        (2, 4, at_most("elk-1b"), "no_pass_rate"),  # that model was asked elsewhere only
    ],
)
def test_only_problems_of_the_difficulty_that_was_asked_for(
    correct: int, of: int, changes: dict[str, object], why: LeftOut | None
) -> None:
    verdicts: list[Verdict] = ["correct"] * correct
    verdicts += ["incorrect"] * (of - correct)
    group = group_of(*(verdicts or ["ungraded"]))
    recipe = RECIPE.model_copy(update=changes)
    assert left_out([group], recipe) == why
    assert len(rl_rows([group], recipe)) == (why is None)


def test_problem_that_is_a_benchmarks_is_no_rl_row() -> None:
    problem = made_problem()
    group = contaminated(made_group(problem, [made_graded(made_candidate(problem))]))
    clean = made_group(problem, [made_graded(made_candidate(problem, 1))])
    assert rl_rows([group], RECIPE) == []
    assert left_out([group], RECIPE) == "contaminated"
    assert len(rl_rows([group, clean], RECIPE)) == 1  # one attempt quotes a benchmark; the problem is none


def test_problem_that_nobody_could_grade_has_no_pass_rate() -> None:
    problem = made_problem()
    row = rl_rows([made_group(problem, [made_graded(made_candidate(problem), "ungraded")])], RECIPE)[0]
    assert (row["pass_rate"], row["pass_rate_n"], row["pass_rate_c"]) == (None, 0, 0)
