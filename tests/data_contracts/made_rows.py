"""Rows that keep every contract, to be spoiled one value at a time."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cotfactory.schemas.release_rules import Product
from cotfactory.schemas.rows import ROW_SCHEMAS

Row = dict[str, Any]
QUESTION = {"role": "user", "content": "What is 9 + 9?"}
RESPONSE = "The answer is \\boxed{18}."
TURN = f"<think>\nNine and nine.\n</think>\n\n{RESPONSE}"
WRONG_TURN = "<think>\nNine and eight.\n</think>\n\nThe answer is \\boxed{17}."


TEXT_PROMPT = {"system": None, "prompt": QUESTION["content"]}


def _shared(number: int) -> Row:
    return {
        "row_id": f"row-{number:05d}",
        "problem_id": f"{number:032x}",
        "source": "stories",
        "source_row_id": str(number),
        "license": "mit",
        "domain": None,
        "parent_id": None,
        "answer_origin": "given",
        "split_group": f"group-{number}",
        "split": "train",
        "teacher": "owl-7b",
        "strategy": "solve",
        "pass_rate": 0.5,
        "pass_rate_n": 4,
        "pass_rate_c": 2,
    }


def _written(number: int) -> Row:
    return {**_shared(number), "teacher_license": None}


def _chain(number: int) -> Row:
    return {
        **_written(number),
        "candidate_id": f"candidate-{number}",
        "final_answer": "18",
        "verdict": "correct",
        "weak": False,
        "finish_reason": "stop",
        "output_tokens": 12,
    }


def sft_row(number: int) -> Row:
    return {
        **_chain(number),
        "messages": [QUESTION, {"role": "assistant", "content": TURN}],
        "reasoning": "Nine and nine.",
        "response": RESPONSE,
    }


def reasoning_content_row(number: int) -> Row:
    said = {"role": "assistant", "content": RESPONSE, "reasoning_content": "Nine and nine."}
    return {**_chain(number), "messages": [QUESTION | {"reasoning_content": None}, said]}


def no_reasoning_row(number: int) -> Row:
    return {**_chain(number), "messages": [QUESTION, {"role": "assistant", "content": RESPONSE}]}


def policy_row(number: int) -> Row:
    grader = {"grader": "rubric", "grader_version": "1"}
    return {**sft_row(number), "strategy": "deliberate", "policy_id": "0f" * 8, "must_refuse": None, **grader}


def turns_row(number: int) -> Row:
    """Return the second turn of a conversation."""
    said = {"role": "assistant", "content": RESPONSE, "reasoning_content": "Nine and nine."}
    before = [{"role": "user", "content": "Which day is it?"}, {"role": "assistant", "content": "Monday."}]
    place = {"conversation_id": f"conversation-{number}", "turn": 2, "turns": 3}
    return {**_chain(number), **place, "prompt": [*before, QUESTION], "completion": [said]}


def tools_row(number: int) -> Row:
    call = {"id": "c1", "type": "function", "function": {"name": "python", "arguments": {"code": "9 + 9"}}}
    plain = {"tool_calls": None, "tool_call_id": None, "name": None}
    messages = [
        {**QUESTION, **plain},
        {"role": "assistant", "content": "I compute.", **plain, "tool_calls": [call]},
        {"role": "tool", "content": "18", "tool_calls": None, "tool_call_id": "c1", "name": "python"},
        {"role": "assistant", "content": RESPONSE, **plain},
    ]
    return {**_chain(number), "messages": messages, "tools": '[{"type": "function"}]', "calls": 1}


def preference_row(number: int) -> Row:
    return {
        **_written(number),
        "chosen_id": f"chosen-{number}",
        "rejected_id": f"rejected-{number}",
        "prompt": [QUESTION],
        "chosen": [{"role": "assistant", "content": TURN}],
        "rejected": [{"role": "assistant", "content": WRONG_TURN}],
        "chosen_verdict": "correct",
        "rejected_verdict": "incorrect",
        "weak": False,
        "chosen_finish_reason": "stop",
        "rejected_finish_reason": "stop",
        "chosen_chars": len(TURN),
        "rejected_chars": len(WRONG_TURN),
        "rejection_type": "different",
    }


def kto_row(number: int) -> Row:
    return {
        **_written(number),
        "candidate_id": f"candidate-{number}",
        "prompt": [QUESTION],
        "completion": [{"role": "assistant", "content": TURN}],
        "label": True,
        "verdict": "correct",
        "weak": False,
        "finish_reason": "stop",
        "rejection_type": None,
    }


def conversations_row(number: int) -> Row:
    row = preference_row(number)
    return {**row, "chosen": [QUESTION, *row["chosen"]], "rejected": [QUESTION, *row["rejected"]]}


def preference_text_row(number: int) -> Row:
    return {**preference_row(number), **TEXT_PROMPT, "chosen": TURN, "rejected": WRONG_TURN}


def kto_text_row(number: int) -> Row:
    return {**kto_row(number), **TEXT_PROMPT, "completion": TURN}


def rl_row(number: int) -> Row:
    return {
        **_shared(number),
        "prompt": [QUESTION],
        "messages": [QUESTION],
        "solution": "\\boxed{18}",
        "ground_truth": "18",
        "data_source": "lighteval/MATH",
        "dataset": "math",
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": "18"},
        "extra_info": {"index": number, "split": "train", "problem_id": f"{number:032x}"},
        "env_class": "cotfactory",
        "reward_spec": {"method": "rule", "ground_truth": "18"},
        "question": QUESTION["content"],
        "answer": "18",
        "grader": "math",
        "grader_args": "{}",
        "pass_rates": [{"model": "owl-7b", "strategy": "solve", "n": 4, "c": 2, "pass_rate": 0.5}],
    }


WRONG, TRIGGER = "Nine and eight: 17.", "Wait, that is not right."


def self_correction_row(number: int) -> Row:
    turn = f"<think>\n{WRONG}\n\n{TRIGGER}\n\nNine and nine.\n</think>\n\n{RESPONSE}"
    return {
        **_written(number),
        "wrong_id": f"wrong-{number}",
        "right_id": f"right-{number}",
        "prompt": [QUESTION, {"role": "assistant", "content": turn[: 8 + len(WRONG)]}],
        "completion": [{"role": "assistant", "content": turn[8 + len(WRONG) :]}],
        "turn": turn,
        "wrong_attempt": WRONG,
        "trigger": TRIGGER,
        "correction": "Nine and nine.",
        "response": RESPONSE,
        "mask_start": 8,
        "mask_end": 8 + len(WRONG),
        "wrong_verdict": "incorrect",
        "right_verdict": "correct",
        "weak": False,
        "wrong_finish_reason": "stop",
        "right_finish_reason": "stop",
        "wrong_answer": "17",
        "final_answer": "18",
    }


def all_graded_row(number: int) -> Row:
    return {
        **_written(number),
        "candidate_id": f"candidate-{number}",
        "sample_index": 0,
        "prompt": [QUESTION],
        "reasoning": "Nine and nine.",
        "response": RESPONSE,
        "reference_answer": "18",
        "extracted_answer": "18",
        "verdict": "correct",
        "reason": "equal",
        "grader": "math",
        "grader_version": "1",
        "evidence": "{}",
        "weak": False,
        "kept": True,
        "drop_reason": None,
        "finish_reason": "stop",
        "output_tokens": 12,
    }


def steps_row(number: int) -> Row:
    return {
        **_chain(number),
        "prompt": QUESTION["content"],
        "completions": ["Nine and nine ", "is 18."],
        "labels": [True, True],
        "states": [True, True],
        "rollouts_n": [4, 1],
        "rollouts_c": [3, 1],
        "reasoning": "Nine and nine is 18.",
        "response": RESPONSE,
    }


def reviews_row(number: int) -> Row:
    shared = _shared(number)
    for name in ("strategy", "pass_rate", "pass_rate_n", "pass_rate_c"):
        shared.pop(name)
    return {
        **shared,
        "review_id": f"review-{number}",
        "question": "answer_right",
        "answer": "no",
        "first_wrong_step": 1,
        "reason": "Nine and nine is not seventeen.",
        "own_answer": None,
        "person": "reviewer-1",
        "seen": "blind",
        "sampled": "random",
        "guidelines_id": "5ba30702015a3525",
        "seconds": 12.5,
        "candidate_id": f"wrong-{number}",
        "other_id": None,
        "prompt": [QUESTION],
        "completion": [{"role": "assistant", "content": WRONG_TURN}],
        "other": [],
        "verdict": "incorrect",
        "teacher_license": None,
    }


GOOD_ROW: dict[Product, Callable[[int], Row]] = {
    "sft": sft_row,
    "sft_chat_reasoning_content": reasoning_content_row,
    "sft_chat_no_reasoning": no_reasoning_row,
    "sft_tools": tools_row,
    "sft_turns": turns_row,
    "sft_policy": policy_row,
    "preference": preference_row,
    "preference_conversations": conversations_row,
    "preference_text": preference_text_row,
    "kto": kto_row,
    "kto_text": kto_text_row,
    "rl": rl_row,
    "self_correction": self_correction_row,
    "all_graded": all_graded_row,
    "steps": steps_row,
    "reviews": reviews_row,
}


def good_rows(product: Product, count: int = 5) -> list[Row]:
    return [GOOD_ROW[product](number) for number in range(count)]


def write_rows(path: Path, product: Product, rows: Sequence[Row]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows), ROW_SCHEMAS[product]), path)
    return path
