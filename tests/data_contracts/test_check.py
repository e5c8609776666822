"""Great Expectations finds each planted bad row, counts it and names it; good rows pass."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cotfactory.data_contracts import check
from cotfactory.data_contracts.check import check_contract
from cotfactory.data_contracts.contract import Demands, load_contract
from cotfactory.data_contracts.report import ContractReport
from cotfactory.schemas.errors import ContractError
from cotfactory.schemas.release_rules import Product
from cotfactory.schemas.rows import ROW_SCHEMAS
from tests.data_contracts.made_rows import QUESTION, RESPONSE, TURN, WRONG, WRONG_TURN, good_rows, tools_row, write_rows

PRODUCTS: tuple[Product, ...] = get_args(Product)
TOOL_TURNS = tools_row(1)["messages"]
STEP_LABEL = "a step is good when one of its rollouts is correct, and only then; one that states nothing is as the next"
GOES_ON = "the prompt ends with the wrong attempt, and the completion goes on from there"
NOT_THOUGHT = "no thinking of earlier turns in the prompt"
IN_TURN = "questions and answers in turn, none empty, and a question in the end"
TURNS = "somebody asks, each call is answered, and the assistant ends"
KEY = "sk-" + "aB3dE5fG7hJ9kL1mN2pQ"
DEMANDS = Demands(require_reasoning=True, max_length_ratio=1.5, one_per_rejection_type=True, rate_off_by=1e-6)


def assistant(content: str) -> dict[str, str]:
    return {"role": "assistant", "content": content}


def reasoned(thought: str | None, response: str = RESPONSE, asked: str | None = None) -> list[dict[str, Any]]:
    said = {"role": "assistant", "content": response, "reasoning_content": thought}
    return [QUESTION | {"reasoning_content": asked}, said]


def turns_asked(answer: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": "Which day is it?"}, assistant(answer), QUESTION]


def turn_said(thought: str | None, response: str = RESPONSE) -> list[dict[str, Any]]:
    return reasoned(thought, response)[1:]


def check_one_bad_row(path: Path, product: Product, spoilt: Mapping[str, Any]) -> ContractReport:
    rows = good_rows(product)
    rows[3] |= spoilt
    return check_contract(load_contract(product), [write_rows(path, product, rows)], len(rows), DEMANDS)


@pytest.mark.parametrize("product", PRODUCTS)
def test_good_rows_pass(tmp_path: Path, product: Product) -> None:
    path = write_rows(tmp_path / "rows.parquet", product, good_rows(product))
    report = check_contract(load_contract(product), [path], 5, DEMANDS)
    assert report.failures() == []
    assert report.passed
    assert report.rows == 5
    by_row = [result for result in report.results if not result.name.startswith("expect_table")]
    assert {result.checked for result in by_row} == {5}


PREFERRED = "rejected is graded incorrect, or people prefer chosen to another right chain"
PLANTED: list[tuple[Product, dict[str, Any], str]] = [
    ("sft", {"verdict": "incorrect"}, "graded correct"),
    ("sft", {"verdict": "ungraded"}, "graded correct"),
    ("sft", {"verdict": None}, "verdict is told"),
    ("sft", {"finish_reason": "length"}, "not cut short or broken off"),
    ("sft", {"license": None}, "license is told"),
    ("sft", {"license": " "}, "licence present"),
    ("sft", {"final_answer": "\n"}, "final answer not empty"),
    ("sft", {"final_answer": None}, "final_answer is told"),
    (
        "sft",
        {"reasoning": None, "messages": [QUESTION, assistant("The answer is \\boxed{18}.")]},
        "reasoning present, as the recipe demands",
    ),
    ("sft", {"reasoning": " \n"}, "reasoning is never blank"),
    ("sft", {"response": " \n"}, "response not empty"),
    ("sft", {"messages": [QUESTION]}, "the assistant speaks last"),
    ("sft", {"messages": [assistant(TURN)]}, "there is a prompt"),
    ("sft", {"messages": []}, "last_role is told"),
    ("sft", {"messages": None}, "messages is told"),
    (
        "sft",
        {"messages": [QUESTION, assistant("Nine and nine.\n</think>\n\nThe answer is \\boxed{18}.")]},
        "thinking opened exactly once, or never without reasoning",
    ),
    (
        "sft",
        {"messages": [QUESTION, assistant("<think>\nNine and nine.\n\nThe answer is \\boxed{18}.")]},
        "thinking closed exactly once",
    ),
    # A tag inside the thinking ends it early for every template that splits at the first one.
    (
        "sft",
        {
            "reasoning": "I write </think> soon.",
            "messages": [
                QUESTION,
                assistant("<think>\nI write </think> soon.\n</think>\n\nThe answer is \\boxed{18}."),
            ],
        },
        "thinking closed exactly once",
    ),
    ("sft", {"response": "Other words."}, "the turn is the reasoning and the response, without loss"),
    ("sft", {"pass_rate": 1.25}, "pass rate is a share"),
    ("sft", {"pass_rate_c": 5}, "c of n"),
    ("sft", {"pass_rate_c": 0}, "this chain counts as correct"),
    ("sft", {"source_row_id": f"key={KEY}"}, "no key-like string in any text"),
    ("sft", {"messages": [{"role": "user", "content": KEY}, assistant(TURN)]}, "no key-like string in any text"),
    ("sft", {"split": "validation"}, "a split we have"),
    ("sft", {"split_group": None}, "split_group is told"),
    ("sft", {"output_tokens": -1}, "tokens are counted"),
    ("sft", {"problem_id": f"{1:032x}"}, "no two chains of a problem say the same"),
    ("sft", {"row_id": "row-00001"}, "no row twice"),
    ("sft", {"candidate_id": "candidate-1"}, "no chain twice"),
    ("sft_chat_reasoning_content", {"messages": reasoned(None)}, "reasoning present, as the recipe demands"),
    ("sft_chat_reasoning_content", {"messages": reasoned(" ")}, "reasoning is never blank"),
    # A template that reads the field would print these tags inside its own.
    ("sft_chat_reasoning_content", {"messages": reasoned("<think>Nine")}, "no thinking tags in any field"),
    ("sft_chat_reasoning_content", {"messages": reasoned("Nine.", response=TURN)}, "no thinking tags in any field"),
    ("sft_chat_reasoning_content", {"messages": reasoned("Nine.", response=" ")}, "response not empty"),
    ("sft_chat_reasoning_content", {"messages": reasoned("Nine.", asked="Hm.")}, "only the assistant thinks"),
    ("sft_chat_reasoning_content", {"messages": reasoned("Nine.")[:1]}, "the assistant speaks last"),
    ("sft_chat_reasoning_content", {"messages": reasoned("Nine.")[1:]}, "there is a prompt"),
    ("sft_chat_reasoning_content", {"messages": reasoned(KEY)}, "no key-like string in any text"),
    ("sft_chat_reasoning_content", {"problem_id": f"{1:032x}"}, "no two rows of a problem say the same"),
    ("sft_chat_reasoning_content", {"candidate_id": "candidate-1"}, "no chain twice"),
    ("sft_chat_reasoning_content", {"row_id": "row-00001"}, "no row twice"),
    ("sft_chat_reasoning_content", {"verdict": "ungraded"}, "graded correct"),
    ("sft_chat_reasoning_content", {"finish_reason": "length"}, "not cut short or broken off"),
    ("sft_chat_reasoning_content", {"final_answer": " "}, "final answer not empty"),
    ("sft_chat_reasoning_content", {"license": " "}, "licence present"),
    ("sft_chat_reasoning_content", {"split": ""}, "a split we have"),
    ("sft_chat_reasoning_content", {"pass_rate": -0.1}, "pass rate is a share"),
    ("sft_chat_reasoning_content", {"pass_rate_c": 0}, "this chain counts as correct"),
    ("sft_chat_reasoning_content", {"pass_rate_n": 1}, "c of n"),
    ("sft_chat_reasoning_content", {"output_tokens": -1}, "tokens are counted"),
    ("sft_chat_no_reasoning", {"messages": [QUESTION, assistant(TURN)]}, "no thinking tags"),
    ("sft_chat_no_reasoning", {"messages": [QUESTION, assistant("\n")]}, "response not empty"),
    ("sft_chat_no_reasoning", {"messages": [QUESTION]}, "the assistant speaks last"),
    ("sft_chat_no_reasoning", {"messages": [assistant("18")]}, "there is a prompt"),
    ("sft_chat_no_reasoning", {"messages": [QUESTION, assistant(KEY)]}, "no key-like string in any text"),
    ("sft_chat_no_reasoning", {"problem_id": f"{1:032x}"}, "no two rows of a problem say the same"),
    ("sft_chat_no_reasoning", {"candidate_id": "candidate-1"}, "no chain twice"),
    ("sft_chat_no_reasoning", {"row_id": "row-00001"}, "no row twice"),
    ("sft_chat_no_reasoning", {"verdict": "incorrect"}, "graded correct"),
    ("sft_chat_no_reasoning", {"finish_reason": "content_filter"}, "not cut short or broken off"),
    ("sft_chat_no_reasoning", {"final_answer": ""}, "final answer not empty"),
    ("sft_chat_no_reasoning", {"license": ""}, "licence present"),
    ("sft_chat_no_reasoning", {"split": "dev"}, "a split we have"),
    ("sft_chat_no_reasoning", {"pass_rate": 2.0}, "pass rate is a share"),
    ("sft_chat_no_reasoning", {"pass_rate_c": 0}, "this chain counts as correct"),
    ("sft_chat_no_reasoning", {"pass_rate_n": 1}, "c of n"),
    ("sft_chat_no_reasoning", {"output_tokens": -1}, "tokens are counted"),
    ("sft_tools", {"messages": TOOL_TURNS[:2]}, "the last turn calls nothing"),
    ("sft_tools", {"messages": TOOL_TURNS[:3]}, "the assistant speaks last"),
    ("sft_tools", {"messages": TOOL_TURNS[1:]}, "there is a prompt"),
    ("sft_tools", {"messages": [*TOOL_TURNS[:2], TOOL_TURNS[3]]}, "each call has its result"),
    ("sft_tools", {"calls": 2}, "as many calls as are told"),
    ("sft_tools", {"calls": 0}, "something is called"),
    ("sft_tools", {"tools": "{}"}, "the tools are a JSON list"),
    ("sft_tools", {"tools": KEY}, "no key-like string in any text"),
    ("sft_tools", {"messages": [*TOOL_TURNS[:3], assistant("\n")]}, "response not empty"),
    ("sft_tools", {"problem_id": f"{1:032x}"}, "no two rows of a problem say the same"),
    ("sft_tools", {"messages": [*TOOL_TURNS[:2], TOOL_TURNS[3]]}, TURNS),
    ("sft_tools", {"candidate_id": "candidate-1"}, "no chain twice"),
    ("sft_tools", {"row_id": "row-00001"}, "no row twice"),
    ("sft_tools", {"verdict": "incorrect"}, "graded correct"),
    ("sft_tools", {"finish_reason": "tool_calls"}, "not cut short or broken off"),
    ("sft_tools", {"final_answer": ""}, "final answer not empty"),
    ("sft_tools", {"license": ""}, "licence present"),
    ("sft_tools", {"split": "dev"}, "a split we have"),
    ("sft_tools", {"pass_rate": 2.0}, "pass rate is a share"),
    ("sft_tools", {"pass_rate_c": 0}, "this chain counts as correct"),
    ("sft_tools", {"pass_rate_n": 1}, "c of n"),
    ("sft_tools", {"output_tokens": -1}, "tokens are counted"),
    ("preference", {"chosen_verdict": "incorrect"}, "chosen is graded correct"),
    ("preference", {"rejected_verdict": "ungraded"}, PREFERRED),
    # People choose between right chains; a wrong one is rejected for being wrong.
    ("preference", {"rejected_verdict": "correct"}, PREFERRED),
    ("preference", {"rejection_type": "people_prefer"}, PREFERRED),
    ("preference", {"rejected_finish_reason": "length"}, "rejected is not cut short or broken off"),
    ("preference", {"rejected": [assistant(TURN)]}, "two different chains"),
    ("preference", {"chosen": [QUESTION, assistant(TURN)]}, "chosen is one assistant turn"),
    ("preference", {"rejected": [assistant("<think>\nNever done.")]}, "rejected closes its thinking"),
    (
        "preference",
        {"rejected": [assistant("<think>\nDone.\n</think>\n")]},
        "rejected says something after its thinking",
    ),
    ("preference", {"chosen": [assistant("18.")]}, "chosen shows reasoning, as the recipe demands"),
    ("preference", {"rejected": [assistant(KEY)]}, "no key-like string in any text"),
    ("preference", {"rejected_id": "rejected-1"}, "no chain rejected twice"),
    ("preference", {"chosen_id": "chosen-1"}, "no chain chosen twice"),
    ("preference", {"row_id": "row-00001"}, "no row twice"),
    ("preference", {"problem_id": f"{1:032x}"}, "one pair for each type of rejection, as the recipe demands"),
    ("preference", {"chosen_finish_reason": "error"}, "chosen is not cut short or broken off"),
    ("preference", {"chosen_chars": 12}, "lengths are those of the turns"),
    (
        "preference",
        {"rejected": [assistant("17." * 90)], "rejected_chars": 270},
        "lengths matched, as the recipe demands",
    ),
    ("preference", {"rejected": [QUESTION]}, "rejected is one assistant turn"),
    ("preference", {"chosen": [assistant("<think>\nDone.\n</think>\n")]}, "chosen says something after its thinking"),
    ("preference", {"chosen": [assistant(f"<think>{TURN}")]}, "chosen thinks at most once"),
    ("preference", {"chosen": [assistant("<think>\n18.")]}, "chosen closes its thinking"),
    ("preference", {"rejected": [assistant(f"<think>{TURN}")]}, "rejected thinks at most once"),
    ("preference", {"prompt": []}, "there is a prompt"),
    ("preference", {"license": ""}, "licence present"),
    ("preference", {"split": "dev"}, "a split we have"),
    ("preference", {"pass_rate": 1.5}, "pass rate is a share"),
    ("preference", {"pass_rate_c": 0}, "at least one correct sample"),
    ("preference", {"pass_rate_n": 2}, "at least one incorrect sample, unless people chose between right ones"),
    ("reviews", {"row_id": "row-00001"}, "no row twice"),
    ("reviews", {"review_id": "review-1"}, "no answer twice"),
    ("reviews", {"license": ""}, "licence present"),
    ("reviews", {"split": "dev"}, "a split we have"),
    ("reviews", {"question": "nice"}, "a question we ask"),
    ("reviews", {"answer": "maybe"}, "an answer we offer"),
    ("reviews", {"seen": "half"}, "it is told what was seen"),
    ("reviews", {"sampled": "planted"}, "no planted item"),
    ("reviews", {"person": "ana"}, "a pseudonym, and no name"),
    ("reviews", {"seconds": -1.0}, "time does not run backwards"),
    ("reviews", {"question": "better_of_two"}, "two chains for a pair, and for nothing else"),
    ("reviews", {"completion": []}, "the chain that is judged is there"),
    ("reviews", {"question": "write"}, "a wrong step is one of a judged chain"),
    ("reviews", {"reason": KEY}, "no key-like string in any text"),
    ("kto", {"label": False}, "the label is the verdict, and never an ungraded one"),
    ("kto", {"verdict": "ungraded", "label": False}, "the label is the verdict, and never an ungraded one"),
    ("kto", {"rejection_type": "different"}, "a rejection type for every unwanted chain and no other"),
    ("kto", {"label": False, "verdict": "incorrect"}, "a rejection type for every unwanted chain and no other"),
    ("kto", {"finish_reason": "tool_calls"}, "not cut short or broken off"),
    ("kto", {"prompt": []}, "there is a prompt"),
    ("kto", {"completion": [QUESTION, assistant(TURN)]}, "the completion is one assistant turn"),
    (
        "kto",
        {"completion": [assistant("<think>\nDone.\n</think>\n")]},
        "the completion says something after its thinking",
    ),
    ("kto", {"completion": [assistant(f"<think>{TURN}")]}, "thinks at most once"),
    ("kto", {"completion": [assistant("<think>\n18.")]}, "closes its thinking"),
    ("kto", {"completion": [assistant("18.")]}, "wanted chains show reasoning, as the recipe demands"),
    ("kto", {"completion": [assistant(KEY)]}, "no key-like string in any text"),
    ("kto", {"candidate_id": "candidate-1"}, "no chain twice"),
    ("kto", {"row_id": "row-00001"}, "no row twice"),
    ("kto", {"license": " "}, "licence present"),
    ("kto", {"split": "dev"}, "a split we have"),
    ("kto", {"pass_rate": 1.5}, "pass rate is a share"),
    ("kto", {"pass_rate_n": 1}, "c of n"),
    # One character less would teach the last character of the mistake.
    ("self_correction", {"mask_end": 7 + len(WRONG)}, "the mask covers the wrong attempt exactly"),
    ("self_correction", {"wrong_attempt": "Nine and ten: 17."}, "the turn is its parts, without loss"),
    ("self_correction", {"wrong_attempt": " ", "mask_end": 8}, "the wrong attempt says something"),
    ("self_correction", {"trigger": " "}, "the mistake is noticed in words"),
    ("self_correction", {"response": "\n"}, "response not empty"),
    ("self_correction", {"correction": None}, "correction shows reasoning, as the recipe demands"),
    ("self_correction", {"wrong_verdict": "ungraded"}, "the wrong attempt is graded incorrect"),
    ("self_correction", {"right_verdict": "incorrect"}, "the right attempt is graded correct"),
    ("self_correction", {"wrong_finish_reason": "length"}, "the wrong attempt is not cut short or broken off"),
    ("self_correction", {"right_finish_reason": "length"}, "the right attempt is not cut short or broken off"),
    ("self_correction", {"completion": [QUESTION, assistant(TURN)]}, "the completion is one assistant turn"),
    ("self_correction", {"turn": f"<think>{TURN}"}, "thinking opened exactly once"),
    ("self_correction", {"turn": "<think>18"}, "thinking closed exactly once"),
    # The mistake, or a part of it, would be learnt.
    ("self_correction", {"prompt": [QUESTION]}, GOES_ON),
    ("self_correction", {"prompt": [QUESTION, assistant("<think>\nNine")]}, GOES_ON),
    ("self_correction", {"completion": [assistant("18.")]}, GOES_ON),
    ("self_correction", {"wrong_id": "x", "right_id": "x"}, "two different attempts"),
    ("self_correction", {"wrong_id": "wrong-1"}, "no wrong attempt twice"),
    ("self_correction", {"right_id": "right-1"}, "no right attempt twice"),
    ("self_correction", {"problem_id": f"{1:032x}"}, "one correction for each teacher and problem"),
    ("self_correction", {"row_id": "row-00001"}, "no row twice"),
    ("self_correction", {"final_answer": " "}, "final answer not empty"),
    ("self_correction", {"license": " "}, "licence present"),
    ("self_correction", {"split": "dev"}, "a split we have"),
    ("self_correction", {"pass_rate": 1.5}, "pass rate is a share"),
    ("self_correction", {"pass_rate_c": 0}, "at least one correct sample"),
    ("self_correction", {"pass_rate_n": 2}, "at least one incorrect sample"),
    ("self_correction", {"wrong_answer": KEY}, "no key-like string in any text"),
    ("all_graded", {"verdict": "wrong"}, "a verdict we have"),
    ("all_graded", {"reason": ""}, "a reason for the verdict"),
    ("all_graded", {"evidence": "{"}, "the evidence is JSON"),
    ("all_graded", {"weak": None}, "weak is told"),
    ("all_graded", {"verdict": "incorrect"}, "only correct chains are kept"),
    ("all_graded", {"drop_reason": "duplicate"}, "a reason for every chain that was dropped and no other"),
    ("all_graded", {"kept": False}, "a reason for every chain that was dropped and no other"),
    ("all_graded", {"extracted_answer": None}, "a correct chain has an answer"),
    ("all_graded", {"reasoning": " "}, "reasoning is never blank"),
    ("all_graded", {"prompt": []}, "there is a prompt"),
    ("all_graded", {"sample_index": -1}, "samples are counted from 0"),
    ("all_graded", {"pass_rate": 1.5}, "pass rate is a share"),
    ("all_graded", {"pass_rate_c": -1}, "c is a count"),
    ("all_graded", {"pass_rate_n": 1}, "c of n"),
    ("all_graded", {"output_tokens": -1}, "tokens are counted"),
    ("all_graded", {"candidate_id": "candidate-1"}, "no chain twice"),
    ("all_graded", {"row_id": "row-00001"}, "no row twice"),
    ("all_graded", {"license": " "}, "licence present"),
    ("all_graded", {"split": "dev"}, "a split we have"),
    ("all_graded", {"evidence": f'{{"detail": "{KEY}"}}'}, "no key-like string in any text"),
    # What a server's parser left in the answer: the marks of another model's thinking.
    ("sft", {"messages": [QUESTION, assistant(f"{TURN}<|channel|>")]}, "no other mark of thinking"),
    ("kto", {"completion": [assistant(f"{TURN} [/THINK]")]}, "no other mark of thinking"),
    ("preference", {"chosen": [assistant(f"{TURN} </Thinking>")]}, "no other mark of thinking in chosen"),
    ("preference", {"rejected": [assistant(f"{TURN} [THINK]")]}, "no other mark of thinking in rejected"),
    ("self_correction", {"turn": f"{TURN}<|end_of_thought|>"}, "no other mark of thinking"),
    ("steps", {"response": "<think>18"}, "no mark of thinking"),
    ("all_graded", {"finish_reason": "eos_token"}, "a finish reason we have"),
    # A space less, and the steps are not what the teacher wrote.
    ("steps", {"completions": ["Nine and nine", "is 18."]}, "the steps join to the chain, without loss"),
    ("steps", {"reasoning": None}, "the steps join to the chain, without loss"),
    (
        "steps",
        {"completions": ["Nine and nine is 18.", " "], "reasoning": "Nine and nine is 18. "},
        "every step says something",
    ),
    (
        "steps",
        {"completions": ["Nine and nine is 18."], "labels": [True], "rollouts_n": [1], "rollouts_c": [1]},
        "more than one step",
    ),
    ("steps", {"labels": [True]}, "a label and two counts for every step"),
    ("steps", {"rollouts_n": [4, 4, 1]}, "a label and two counts for every step"),
    ("steps", {"labels": [False, True]}, STEP_LABEL),
    ("steps", {"rollouts_c": [0, 1]}, STEP_LABEL),
    ("steps", {"rollouts_c": [0, 1], "labels": [False, True], "states": [False, True]}, STEP_LABEL),
    ("steps", {"states": [True]}, "a label and two counts for every step"),
    ("steps", {"states": [True, False]}, "the last label is the verdict"),
    ("steps", {"rollouts_c": [5, 1]}, "rollouts are c of n, and at least one"),
    (
        "steps",
        {"rollouts_n": [0, 1], "rollouts_c": [0, 1], "labels": [False, True]},
        "rollouts are c of n, and at least one",
    ),
    ("steps", {"rollouts_c": [None, 1]}, "rollouts are c of n, and at least one"),
    ("steps", {"labels": [True, False], "rollouts_c": [3, 0]}, "the last label is the verdict"),
    ("steps", {"verdict": "incorrect"}, "the last label is the verdict"),
    ("steps", {"rollouts_n": [4, 4]}, "the last label is the verdict"),
    ("steps", {"verdict": "no_answer", "labels": [True, False], "rollouts_c": [3, 0]}, "graded correct or incorrect"),
    ("steps", {"finish_reason": "length"}, "not cut short or broken off"),
    ("steps", {"strategy": "hint"}, "an answer to the plain prompt"),
    ("steps", {"prompt": "\n"}, "prompt not empty"),
    ("steps", {"reasoning": " ", "completions": [" ", ""]}, "reasoning is never blank"),
    ("steps", {"candidate_id": "candidate-1"}, "no chain twice"),
    ("steps", {"row_id": "row-00001"}, "no row twice"),
    ("steps", {"license": " "}, "licence present"),
    ("steps", {"split": "dev"}, "a split we have"),
    ("steps", {"pass_rate": 1.5}, "pass rate is a share"),
    ("steps", {"pass_rate_n": 1}, "c of n"),
    ("steps", {"output_tokens": -1}, "tokens are counted"),
    (
        "steps",
        {"completions": ["Nine and nine ", KEY], "reasoning": f"Nine and nine {KEY}"},
        "no key-like string in any text",
    ),
    ("rl", {"messages": [assistant("18"), QUESTION]}, "open-instruct is given the same prompt"),
    ("rl", {"split": "test"}, "verl is told the same split"),
    ("rl", {"split": "dev"}, "a split we have"),
    ("rl", {"pass_rates": []}, "the pass rates agree"),
    (
        "rl",
        {"pass_rates": [{"model": "elk", "n": 4, "c": 2, "pass_rate": 0.5}]},
        "the pass rates agree",
    ),
    ("rl", {"pass_rates": [{"model": KEY, "n": 4, "c": 2, "pass_rate": 0.5}]}, "no key-like string in any text"),
    ("rl", {"row_id": "row-00001"}, "no row twice"),
    ("rl", {"license": " "}, "licence present"),
    ("rl", {"prompt": [{"role": "user", "content": " "}]}, "prompt not empty"),
    ("rl", {"extra_info": {"index": -1, "split": "train", "problem_id": "x"}}, "verl is given the same problem id"),
    ("rl", {"ability": "poetry"}, "a kind of answer we know"),
    ("rl", {"pass_rate": 1.5}, "pass rate is a share"),
    ("rl", {"pass_rate_c": -1}, "c is a count"),
    ("rl", {"pass_rate_c": 5}, "c of n"),
    ("rl", {"ground_truth": ""}, "reference answer not empty"),
    ("rl", {"reward_model": {"style": "rule", "ground_truth": "19"}}, "verl is given the same reference answer"),
    ("rl", {"reward_model": {"style": "rule", "ground_truth": None}}, "same_ground_truth is told"),
    ("rl", {"extra_info": {"index": 1, "split": "train", "problem_id": KEY}}, "no key-like string in any text"),
    ("rl", {"prompt": [QUESTION, assistant("18")]}, "the prompt ends with the user"),
    ("rl", {"grader": "oracle"}, "a grader we have, or one of the recipe's own"),
    ("rl", {"grader_args": "{"}, "the grader's arguments are JSON"),
    ("rl", {"problem_id": f"{1:032x}"}, "no problem twice"),
    ("rl", {"license": None}, "license is told"),
    # What the model thought of the first question, where the second is asked.
    ("sft_turns", {"prompt": turns_asked("<think>\nA week.\n</think>\n\nMonday.")}, NOT_THOUGHT),
    ("sft_turns", {"prompt": turns_asked("</think>Monday.")}, NOT_THOUGHT),
    ("sft_turns", {"prompt": turns_asked("")}, IN_TURN),
    ("sft_turns", {"prompt": turns_asked("Monday.")[:2]}, IN_TURN),
    ("sft_turns", {"prompt": [QUESTION, QUESTION]}, IN_TURN),
    ("sft_turns", {"turn": 1}, "every turn before it is in the prompt"),
    ("sft_turns", {"prompt": [QUESTION]}, "every turn before it is in the prompt"),
    ("sft_turns", {"turns": 1}, "a conversation has several turns"),
    ("sft_turns", {"turns": 1}, "a turn of those there are"),
    ("sft_turns", {"turn": 0}, "turns are counted from 1"),
    ("sft_turns", {"conversation_id": "conversation-1"}, "no turn of a conversation twice"),
    ("sft_turns", {"completion": turn_said(None)}, "reasoning present, as the recipe demands"),
    ("sft_turns", {"completion": turn_said(" ")}, "reasoning is never blank"),
    ("sft_turns", {"completion": turn_said("<think>Nine")}, "no thinking tags in any field"),
    ("sft_turns", {"completion": turn_said("Nine.", TURN)}, "no thinking tags in any field"),
    ("sft_turns", {"completion": turn_said("Nine.", " ")}, "response not empty"),
    ("sft_turns", {"completion": turn_said("Nine.") * 2}, "one turn a row"),
    ("sft_turns", {"completion": [turn_said("Nine.")[0] | {"role": "user"}]}, "the assistant speaks last"),
    ("sft_turns", {"completion": turn_said(KEY)}, "no key-like string in any text"),
    ("sft_turns", {"problem_id": f"{1:032x}"}, "no two rows of a problem say the same"),
    ("sft_turns", {"candidate_id": "candidate-1"}, "no chain twice"),
    ("sft_turns", {"row_id": "row-00001"}, "no row twice"),
    ("sft_turns", {"verdict": "incorrect"}, "graded correct"),
    ("sft_turns", {"finish_reason": "length"}, "not cut short or broken off"),
    ("sft_turns", {"final_answer": " "}, "final answer not empty"),
    ("sft_turns", {"license": " "}, "licence present"),
    ("sft_turns", {"split": ""}, "a split we have"),
    ("sft_turns", {"pass_rate": -0.1}, "pass rate is a share"),
    ("sft_turns", {"pass_rate_c": 0}, "this chain counts as correct"),
    ("sft_turns", {"pass_rate_n": 1}, "c of n"),
    ("sft_turns", {"output_tokens": -1}, "tokens are counted"),
]  # fmt: skip

ASKED_BY_NOBODY: list[list[dict[str, Any]]] = [
    [{"role": "bot", "content": "What is 9 + 9?"}],
    [{"role": "user", "content": ""}],
    [{"role": "user", "content": None}],
]
PROMPT, SAYS = "the prompt is told by system and user, and never empty", "the final answer stands in the response"
ANSWERED: dict[Product, str] = {
    "sft": TURN, "sft_chat_reasoning_content": RESPONSE, "sft_chat_no_reasoning": RESPONSE,
}  # fmt: skip


def answered(product: Product, *turns: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the turns and the answer to them, in the form of a product."""
    told: list[dict[str, Any]] = [*turns, {"role": "assistant", "content": ANSWERED[product]}]
    return [turn | {"reasoning_content": None} for turn in told] if product == "sft_chat_reasoning_content" else told


# What every contract promises: who asked, who answered, of what, in signs that texts are made of.
PLANTED += [
    (product, spoilt, means)
    for product in PRODUCTS
    for spoilt, means in (
        ({"pass_rate": 0.01}, "the pass rate is that of c of n"),
        ({"pass_rate": None}, "a pass rate wherever something was graded"),
        ({"teacher": " "}, "a teacher is named"),
        ({"source": ""}, "a source is named"),
        ({"problem_id": "42"}, "the id of a problem"),
        ({"domain": "a\x00b"}, "only signs that texts are made of"),
        ({"domain": "\ufffd" * 50}, "only signs that texts are made of"),
    )
    if product != "reviews" or "pass_rate" not in spoilt
]
PLANTED += [
    (product, {"messages": answered(product, *asked)}, PROMPT) for product in ANSWERED for asked in ASKED_BY_NOBODY
]
PLANTED += [
    (product, {"messages": [*answered(product, QUESTION), answered(product)[0]]}, PROMPT) for product in ANSWERED
]
WITH_PROMPT: tuple[Product, ...] = ("preference", "kto", "rl", "all_graded", "reviews")
PLANTED += [(product, {"prompt": asked}, PROMPT) for product in WITH_PROMPT for asked in ASKED_BY_NOBODY]
PLANTED += [
    ("self_correction", {"prompt": [*asked, assistant(f"<think>\n{WRONG}")]}, PROMPT) for asked in ASKED_BY_NOBODY
]
PLANTED += [
    (
        "preference_conversations",
        {"chosen": [*asked, assistant(TURN)], "rejected": [*asked, assistant(WRONG_TURN)]},
        PROMPT,
    )
    for asked in ASKED_BY_NOBODY
]
WITH_ANSWER: tuple[Product, ...] = (*ANSWERED, "sft_tools", "sft_turns", "self_correction", "steps")
PLANTED += [(product, {"final_answer": "4711"}, SAYS) for product in WITH_ANSWER]
PLANTED += [
    (
        "preference",
        {"rejected": [assistant("The answer is \\boxed{17}.")], "rejected_chars": 25},
        "both sides show their thinking, or neither",
    ),
    ("rl", {"reward_spec": {"method": "rule", "ground_truth": "17"}}, "SkyRL is given the same reference answer"),
    ("rl", {"env_class": "gsm8k"}, "SkyRL is given the same reference answer"),
    ("rl", {"answer": "17"}, "verifiers is given the same reference answer, and a question"),
    ("rl", {"question": " "}, "verifiers is given the same reference answer, and a question"),
    ("rl", {"data_source": ""}, "verl is told a scorer or the source"),
    ("rl", {"dataset": " "}, "open-instruct is told a verifier or the source"),
    ("rl", {"solution": "\\boxed{17}"}, "the solution is the reference answer"),
]


def in_other_form(form: Product, spoilt: dict[str, Any]) -> dict[str, Any]:
    """What is planted in a row of `preference` or `kto`, as a row of another form says it."""
    said = {name: spoilt[name] for name in ("chosen", "rejected", "completion") if name in spoilt}
    if form == "preference_conversations":
        return spoilt | {name: [QUESTION, *turns] for name, turns in said.items()}
    return spoilt | {name: turns[0]["content"] for name, turns in said.items()}


ABOUT_TURNS = {PROMPT, "there is a prompt", "chosen is one assistant turn", "rejected is one assistant turn"}
ABOUT_TURNS |= {"the completion is one assistant turn"}
FORMS: dict[Product, Product] = {
    "preference_conversations": "preference",
    "preference_text": "preference",
    "kto_text": "kto",
}
PLANTED += [
    (form, in_other_form(form, spoilt), means)
    for form, origin in FORMS.items()
    for product, spoilt, means in list(PLANTED)
    if product == origin and means not in ABOUT_TURNS
]
PLANTED += [("sft_policy", spoilt, means) for product, spoilt, means in list(PLANTED) if product == "sft"]
PLANTED += [
    ("sft_policy", {"strategy": "solve"}, "the teacher was shown a policy"),
    ("sft_policy", {"policy_id": "policy.md"}, "the id of a policy"),
    ("sft_policy", {"grader": " "}, "a grader is named"),
]
PLANTED += [
    ("preference_conversations", {"chosen": [QUESTION]}, "chosen ends with the assistant"),
    ("preference_conversations", {"rejected": [assistant(WRONG_TURN), QUESTION]}, "rejected ends with the assistant"),
    (
        "preference_conversations",
        {"rejected": [{"role": "user", "content": "What is 8 + 9?"}, assistant(WRONG_TURN)]},
        "both sides answer the same prompt",
    ),
    ("preference_text", {"prompt": " "}, "the prompt is never empty"),
    ("preference_text", {"system": ""}, "the prompt is never empty"),
    ("kto_text", {"prompt": "\n"}, "the prompt is never empty"),
]

PLANTED += [
    (product, spoilt, means)
    for product in PRODUCTS
    for spoilt, means in (
        ({"answer_origin": "open", "parent_id": f"{9:032x}"}, "an origin of answers that we have"),
        ({"answer_origin": "majority"}, "what was grown names its seed"),
    )
]


def planted_in() -> dict[Product, list[int]]:
    """The positions in PLANTED of what is planted in the rows of each product."""
    return {product: [at for at, each in enumerate(PLANTED) if each[0] == product] for product in PRODUCTS}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[Product, ContractReport]:
    """One report a product, over three good rows and its planted ones, with all examples."""
    rows = {product: good_rows(product, len(plants) + 3) for product, plants in planted_in().items()}
    for product, plants in planted_in().items():
        for number, at in enumerate(plants, 3):
            rows[product][number] |= PLANTED[at][1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "EXAMPLES", 1000)
        return {
            product: check_contract(
                load_contract(product),
                [write_rows(tmp_path_factory.mktemp(product) / "rows.parquet", product, rows[product])],
                len(rows[product]),
                DEMANDS,
            )
            for product in PRODUCTS
        }


@pytest.mark.parametrize("number", range(len(PLANTED)), ids=[f"{each[0]}: {each[2]}" for each in PLANTED])
def test_planted_row_is_found(reports: dict[Product, ContractReport], number: int) -> None:
    product, _, means = PLANTED[number]
    failed = {result.means: set(result.examples) for result in reports[product].results if not result.passed}
    row = f"row-{planted_in()[product].index(number) + 3:05d}"
    # Of two rows that are equal in something, the first in order is named.
    assert row in failed[means] or (is_about_two_rows(means) and "row-00001" in failed[means])


def is_about_two_rows(means: str) -> bool:
    return means.startswith(("no two", "one ", "no ")) and not means.startswith(("no key", "no thinking"))


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_expectation_has_a_planted_row(product: Product) -> None:
    planted = {means for planted_in, _, means in PLANTED if planted_in == product}
    written = {each.means for each in load_contract(product).expectations if not each.type.startswith("expect_table")}
    assert written - planted == set()


def test_limits_that_the_recipe_does_not_set_do_not_hold(tmp_path: Path) -> None:
    rows = good_rows("preference")
    rows[1]["problem_id"] = rows[0]["problem_id"]  # two pairs of one rejection type
    longer = "<think>\nNine and eight.\n</think>\n\n" + "17." * 90
    rows[2] |= {"rejected": [assistant(longer)], "rejected_chars": len(longer)}
    path = write_rows(tmp_path / "rows.parquet", "preference", rows)
    assert check_contract(load_contract("preference"), [path], 5, Demands()).passed
    assert len(check_contract(load_contract("preference"), [path], 5, DEMANDS).failures()) == 2


@pytest.mark.parametrize("product", PRODUCTS)
def test_only_planted_rows_are_found(reports: dict[Product, ContractReport], product: Product) -> None:
    planted = {f"row-{number:05d}" for number in range(3, len(planted_in()[product]) + 3)}
    found = {row for result in reports[product].results for row in result.examples}
    assert found <= planted | {"row-00001"}


def test_ungraded_problem_has_no_pass_rate(tmp_path: Path) -> None:
    nothing_graded: dict[str, Any] = {"pass_rate": None, "pass_rate_n": 0, "pass_rate_c": 0}
    nothing_graded["pass_rates"] = [{"model": "owl-7b", "n": 0, "c": 0, "pass_rate": None}]
    assert check_one_bad_row(tmp_path / "rows.parquet", "rl", nothing_graded).failures() == []


def test_counts_and_three_examples_go_over_all_files(tmp_path: Path) -> None:
    rows = good_rows("sft", 24)
    for row in rows[7:17]:
        row["verdict"] = "incorrect"
    files = [write_rows(tmp_path / f"{part}.parquet", "sft", rows[part * 12 : part * 12 + 12]) for part in (0, 1)]
    report = check_contract(load_contract("sft"), files, 24, Demands())
    assert report.failures() == [
        "sft: graded correct: expect_column_values_to_be_in_set(verdict) failed for 10 of 24, "
        "such as row-00007, row-00008, row-00009"
    ]
    assert {result.checked for result in report.results if result.name.startswith("expect_column")} == {24}


def test_row_twice_is_found_across_files(tmp_path: Path) -> None:
    files = [write_rows(tmp_path / f"{part}.parquet", "rl", good_rows("rl", 2)) for part in (0, 1)]
    report = check_contract(load_contract("rl"), files, 4, Demands())
    twice = next(result for result in report.results if result.means == "no row twice")
    assert (twice.checked, twice.failed, twice.examples) == (4, 2, ("row-00000", "row-00001"))


def test_rows_that_the_manifest_does_not_count_are_found(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.parquet", "sft", good_rows("sft", 5))
    report = check_contract(load_contract("sft"), [path], 6, Demands())
    assert [result.examples for result in report.results if not result.passed] == [("5 rows found, 6 in the manifest",)]


@pytest.mark.parametrize("change", ["missing", "retyped", "extra", "reordered"])
def test_columns_that_are_not_the_published_ones_are_found(tmp_path: Path, change: str) -> None:
    table = pa.Table.from_pylist(good_rows("sft"), ROW_SCHEMAS["sft"])
    spoilt = {
        "missing": table.drop_columns(["license"]),
        "retyped": table.set_column(
            table.column_names.index("output_tokens"), "output_tokens", table["output_tokens"].cast(pa.int64())
        ),
        "extra": table.append_column("mood", pa.array(["good"] * 5)),
        "reordered": table.select(table.column_names[::-1]),
    }[change]
    pq.write_table(spoilt, tmp_path / "rows.parquet")
    report = check_contract(load_contract("sft"), [tmp_path / "rows.parquet"], 5, Demands())
    (result,) = report.results  # nothing else can be looked at
    assert result.name == "expect_table_columns_to_match_ordered_list"
    assert (result.checked, result.failed) == (1, 1)
    expected = {
        "missing": "license: string",
        "retyped": "output_tokens: int64",
        "extra": "mood: string",
        "reordered": "their order",
    }
    assert expected[change] in result.examples


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_rows_keep_the_contract(tmp_path: Path, product: Product) -> None:
    path = write_rows(tmp_path / "rows.parquet", product, [])
    report = check_contract(load_contract(product), [path], 0, DEMANDS)
    assert report.passed


def test_report_without_results_did_not_pass() -> None:
    assert not ContractReport(product="sft", version="1.0.0", rows=3, results=()).passed


def test_report_goes_through_json(tmp_path: Path) -> None:
    report = check_one_bad_row(tmp_path / "rows.parquet", "sft", {"verdict": "incorrect"})
    assert ContractReport.model_validate_json(report.model_dump_json()) == report


def test_no_files_is_an_error() -> None:
    with pytest.raises(ContractError, match="No files"):
        check_contract(load_contract("sft"), [], 0, Demands())


def test_file_that_is_not_parquet_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_text("row_id")
    with pytest.raises(ContractError, match="cannot be run"):
        check_contract(load_contract("sft"), [tmp_path / "rows.parquet"], 0, Demands())


def test_fact_that_is_not_sql_is_an_error(tmp_path: Path) -> None:
    contract = load_contract("sft")
    broken = contract.model_copy(update={"facts": contract.facts | {"last_role": "messages[-1].nowhere"}})
    path = write_rows(tmp_path / "rows.parquet", "sft", good_rows("sft"))
    with pytest.raises(ContractError, match="nowhere"):
        check_contract(broken, [path], 5, Demands())
