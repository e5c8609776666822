"""Rows that keep every contract, to be spoiled one value at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.recipe import Product
from schemas.rows import ROW_SCHEMAS

Row = dict[str, Any]
QUESTION = {"role": "user", "content": "What is 9 + 9?"}
TURN = "<think>\nNine and nine.\n</think>\n\nThe answer is \\boxed{18}."
WRONG_TURN = "<think>\nNine and eight.\n</think>\n\nThe answer is \\boxed{17}."


def _shared(number: int) -> Row:
    return {
        "row_id": f"row-{number:05d}",
        "problem_id": f"problem-{number}",
        "source": "stories",
        "source_row_id": str(number),
        "license": "mit",
        "domain": None,
        "teacher": "owl-7b",
        "pass_rate": 0.5,
        "pass_rate_n": 4,
        "pass_rate_c": 2,
    }


def sft_row(number: int) -> Row:
    return {
        **_shared(number),
        "candidate_id": f"candidate-{number}",
        "messages": [QUESTION, {"role": "assistant", "content": TURN}],
        "reasoning": "Nine and nine.",
        "response": "The answer is \\boxed{18}.",
        "final_answer": "18",
        "verdict": "correct",
        "finish_reason": "stop",
        "output_tokens": 12,
    }


def preference_row(number: int) -> Row:
    return {
        **_shared(number),
        "chosen_id": f"chosen-{number}",
        "rejected_id": f"rejected-{number}",
        "prompt": [QUESTION],
        "chosen": [{"role": "assistant", "content": TURN}],
        "rejected": [{"role": "assistant", "content": WRONG_TURN}],
        "chosen_verdict": "correct",
        "rejected_verdict": "incorrect",
        "chosen_finish_reason": "stop",
        "rejected_finish_reason": "stop",
        "rejection_type": "different",
    }


def rl_row(number: int) -> Row:
    return {
        **_shared(number),
        "prompt": [QUESTION],
        "solution": "\\boxed{18}",
        "ground_truth": "18",
        "data_source": "lighteval/MATH",
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": "18"},
        "extra_info": {"index": number, "split": "train", "problem_id": f"problem-{number}"},
        "grader": "math",
        "grader_args": "{}",
    }


GOOD_ROW = {"sft": sft_row, "preference": preference_row, "rl": rl_row}


def good_rows(product: Product, count: int = 5) -> list[Row]:
    return [GOOD_ROW[product](number) for number in range(count)]


def write_rows(path: Path, product: Product, rows: Sequence[Row]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows), ROW_SCHEMAS[product]), path)
    return path
