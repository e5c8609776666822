"""Rows say what was kept, in the published columns; pairs are stable; trainers find what they read."""

import json
import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishing.build_rows import BUILDERS, Row, preference_rows, rl_rows, sft_rows
from schemas.grade import Verdict
from schemas.group import Group
from schemas.problem import CallCase, CallTests
from schemas.recipe import Product
from schemas.rows import ROW_SCHEMAS
from schemas.teaching import Message
from tests.publishing.made_groups import (
    made_candidate,
    made_graded,
    made_group,
    made_mixed_group,
    made_problem,
    made_prompt,
)


def group_of(*verdicts: Verdict, truncated: tuple[int, ...] = ()) -> Group:
    problem = made_problem()
    return made_group(
        problem,
        [
            made_graded(
                made_candidate(problem, index, finish_reason="length" if index in truncated else "stop"), verdict
            )
            for index, verdict in enumerate(verdicts)
        ],
    )


@pytest.mark.parametrize("product", ["sft", "preference", "rl"])
def test_rows_have_the_published_columns_in_order(product: Product) -> None:
    rows = BUILDERS[product]([made_mixed_group(1)])
    assert rows
    assert all(list(row) == ROW_SCHEMAS[product].names for row in rows)
    assert pa.Table.from_pylist(rows, ROW_SCHEMAS[product]).to_pylist() == rows


def test_only_kept_candidates_become_sft_rows() -> None:
    problem = made_problem()
    graded = [made_graded(made_candidate(problem, index)) for index in range(3)]
    rows = sft_rows(made_group(problem, graded, kept=[False, True, False]))
    assert [row["candidate_id"] for row in rows] == [graded[1].candidate.candidate_id]


def test_sft_row_carries_what_it_takes_to_walk_back() -> None:
    group = made_mixed_group(1)
    row = sft_rows(group)[0]
    assert row["candidate_id"] == group.candidates[0].candidate.candidate_id
    assert row["problem_id"] == group.problem.problem_id
    assert (row["teacher"], row["pass_rate_n"], row["pass_rate_c"]) == ("owl-7b", 3, 2)
    assert row["final_answer"] == "18"


@pytest.mark.parametrize(
    ("reasoning", "content"),
    [
        ("So 18.", "<think>\nSo 18.\n</think>\n\nIt is 18."),
        (None, "It is 18."),
        (" \n", "It is 18."),  # blank thinking is none
    ],
)
def test_turn_is_reasoning_and_response(reasoning: str | None, content: str) -> None:
    problem = made_problem()
    candidate = made_candidate(problem, reasoning=reasoning, response="It is 18.")
    row = sft_rows(made_group(problem, [made_graded(candidate)]))[0]
    assert row["messages"] == [
        {"role": "user", "content": made_prompt(problem)[0].content},
        {"role": "assistant", "content": content},
    ]
    assert row["reasoning"] == (reasoning if content.startswith("<think>") else None)
    assert row["response"] == "It is 18."


def test_row_ids_differ_between_products_problems_and_candidates() -> None:
    rows: list[Row] = []
    for number in range(2):
        groups = [made_mixed_group(number)]
        rows += [row for builder in BUILDERS.values() for row in builder(groups)]
    assert len({row["row_id"] for row in rows}) == len(rows) == 8


@pytest.mark.parametrize(
    ("group", "pairs"),
    [
        (group_of("correct", "incorrect", "incorrect"), [(0, 1)]),  # no chain is chosen twice
        (group_of("incorrect", "correct", "correct"), [(1, 0)]),
        (group_of("correct", "incorrect", "correct", "incorrect"), [(0, 1), (2, 3)]),
        (group_of("correct", "ungraded"), []),  # our failure is nobody's wrong answer
        (group_of("correct", "no_answer"), []),
        (group_of("correct", "incorrect", truncated=(1,)), []),  # the limit's fault
        (group_of("correct", "correct"), []),
        (group_of("incorrect", "incorrect"), []),
    ],
)
def test_pairs(group: Group, pairs: list[tuple[int, int]]) -> None:
    ids = [graded.candidate.candidate_id for graded in group.candidates]
    found = [(ids.index(row["chosen_id"]), ids.index(row["rejected_id"])) for row in preference_rows(group)]
    assert found == pairs


def test_correct_candidate_that_was_not_kept_is_never_chosen() -> None:
    problem = made_problem()
    graded = [
        made_graded(made_candidate(problem, 0)),
        made_graded(made_candidate(problem, 1), "incorrect"),
    ]
    assert preference_rows(made_group(problem, graded, kept=[False, False])) == []


@given(
    st.lists(st.sampled_from(["correct", "incorrect", "no_answer", "ungraded"]), max_size=8),
    st.sampled_from(["correct", "incorrect", "no_answer", "ungraded"]),
)
def test_one_more_sample_never_changes_earlier_pairs(verdicts: list[Verdict], one_more: Verdict) -> None:
    before = [row["row_id"] for row in preference_rows(group_of(*verdicts))]
    after = [row["row_id"] for row in preference_rows(group_of(*verdicts, one_more))]
    assert after[: len(before)] == before


def test_pair_is_what_dpo_reads() -> None:
    row = preference_rows(made_mixed_group(1))[0]
    assert [message["role"] for message in row["prompt"]] == ["user"]
    assert [message["role"] for message in row["chosen"] + row["rejected"]] == ["assistant", "assistant"]
    assert row["rejection_type"] == "different"


def test_rl_row_is_what_trl_and_verl_read() -> None:
    problem = made_problem(answer=r"\frac{1}{2}")
    row = rl_rows([made_group(problem, [made_graded(made_candidate(problem))])])[0]
    assert row["prompt"] == [{"role": "user", "content": made_prompt(problem)[0].content}]
    assert row["solution"] == r"\boxed{\frac{1}{2}}"
    assert row["ground_truth"] == r"\frac{1}{2}"
    assert row["reward_model"] == {"style": "rule", "ground_truth": r"\frac{1}{2}"}
    assert row["extra_info"]["problem_id"] == problem.problem_id
    assert 0 <= row["extra_info"]["index"] < 2**63


BOXED, HASHED = r"Put the answer in \boxed{}.", "Finish with `#### ` and the number."


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
    row = rl_rows([group])[0]
    assert (row["data_source"], row["source"]) == (data_source, source)


def test_turn_passes_trls_format_check() -> None:
    # The pattern of trl.rewards.think_format_reward.
    turn = sft_rows(made_mixed_group(1))[0]["messages"][-1]["content"]
    assert re.match(r"^<think>(?!.*<think>)(.*?)</think>.*$", turn, re.DOTALL)


@pytest.mark.parametrize("answer", ["18", r"\frac{1}{2}", "(1, 2)", r"\{1, 2\}", "[0, 3)", "x^2+1", r"50\%", "1,234"])
def test_trls_parser_reads_the_solution_as_the_answer(answer: str) -> None:
    math_verify = pytest.importorskip("math_verify")  # what trl.rewards.accuracy_reward uses
    problem = made_problem(answer=answer)
    solution = rl_rows([made_group(problem, [made_graded(made_candidate(problem))])])[0]["solution"]
    gold = math_verify.parse(solution)
    assert gold
    assert math_verify.verify(gold, math_verify.parse(rf"So the answer is $\boxed{{{answer}}}$."))
    assert not math_verify.verify(gold, math_verify.parse(r"So the answer is $\boxed{77}$."))


def test_choice_keeps_its_letter_and_its_choices() -> None:
    # TRL's parser finds nothing in a bare letter and skips the row; boxed, it would score all responses 0.
    problem = made_problem(answer="B", answer_kind="choice", choices=("17", "18"))
    row = rl_rows([made_group(problem, [made_graded(made_candidate(problem))])])[0]
    assert (row["solution"], row["ground_truth"], row["ability"], row["grader"]) == ("B", "B", "choice", "choice")
    assert json.loads(row["grader_args"]) == {"choices": ["17", "18"]}
    assert row["data_source"] == "stories"


def test_program_is_checked_by_its_tests() -> None:
    tests = CallTests(entry_point="twice", cases=(CallCase(args=(9,), expected=18),))
    problem = made_problem(answer="", answer_kind="code", tests=tests)
    row = rl_rows([made_group(problem, [made_graded(made_candidate(problem))])])[0]
    assert row["solution"] is None
    assert CallTests.model_validate_json(row["ground_truth"]) == tests
    assert json.loads(row["grader_args"]) == {"tests": tests.model_dump(mode="json")}


def test_problem_without_a_reference_is_no_rl_row() -> None:
    problem = made_problem(answer=" ")
    assert rl_rows([made_group(problem, [made_graded(made_candidate(problem))])]) == []


def test_first_teacher_gives_prompt_and_pass_rate() -> None:
    problem = made_problem()
    system = (Message(role="system", content="Be brief."), *made_prompt(problem))
    first = made_group(problem, [made_graded(made_candidate(problem), "incorrect")], messages=system)
    second = made_group(problem, [made_graded(made_candidate(problem, model="elk"))], model="elk")
    (row,) = rl_rows([first, second])
    assert (row["teacher"], row["pass_rate_n"], row["pass_rate_c"]) == ("owl-7b", 1, 0)
    assert [message["role"] for message in row["prompt"]] == ["system", "user"]


def test_problem_that_nobody_could_grade_has_no_pass_rate() -> None:
    row = rl_rows([group_of("ungraded")])[0]
    assert (row["pass_rate"], row["pass_rate_n"], row["pass_rate_c"]) == (None, 0, 0)
