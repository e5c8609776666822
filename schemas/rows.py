"""SFT, preference and RL rows: the published columns, in order, as Arrow schemas.

What each column means to a reader is told once, in `data_contracts/`.
"""

import pyarrow as pa

from schemas.recipe import Product

MESSAGES: pa.DataType = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))

PROVENANCE: list[tuple[str, pa.DataType]] = [
    ("row_id", pa.string()),
    ("problem_id", pa.string()),
    ("source", pa.string()),
    ("source_row_id", pa.string()),
    ("license", pa.string()),
    ("domain", pa.string()),
]
"""Where a row comes from. `row_id` is unique in its product; `license` is the problem's."""

PASS_RATE: list[tuple[str, pa.DataType]] = [
    ("teacher", pa.string()),
    ("pass_rate", pa.float64()),
    ("pass_rate_n", pa.int32()),
    ("pass_rate_c", pa.int32()),
]
"""How often `teacher` (the model as declared) solves the problem: c correct of n graded samples, and the
unbiased rate under the stopping rule, which is c / n when the number of samples was fixed."""

SFT = pa.schema(
    [
        *PROVENANCE,
        ("candidate_id", pa.string()),
        ("messages", MESSAGES),
        ("reasoning", pa.string()),
        ("response", pa.string()),
        ("final_answer", pa.string()),
        ("verdict", pa.string()),
        ("finish_reason", pa.string()),
        ("output_tokens", pa.int32()),
        *PASS_RATE,
    ]
)
"""One correct chain. `messages` holds the prompt as it was sent and the assistant's turn, thinking
in `<think>` tags; `reasoning` and `response` are the same text apart, without loss."""

PREFERENCE = pa.schema(
    [
        *PROVENANCE,
        ("chosen_id", pa.string()),
        ("rejected_id", pa.string()),
        ("prompt", MESSAGES),
        ("chosen", MESSAGES),
        ("rejected", MESSAGES),
        ("chosen_verdict", pa.string()),
        ("rejected_verdict", pa.string()),
        ("chosen_finish_reason", pa.string()),
        ("rejected_finish_reason", pa.string()),
        ("rejection_type", pa.string()),
        *PASS_RATE,
    ]
)
"""One pair: a correct and an incorrect chain of the same teacher on the same problem, as TRL's DPO reads it.
Verdicts and finish reasons travel with the pair, so that a contract (and a reader) can check both sides."""

RL = pa.schema(
    [
        *PROVENANCE,
        ("prompt", MESSAGES),
        ("solution", pa.string()),
        ("ground_truth", pa.string()),
        ("data_source", pa.string()),
        ("ability", pa.string()),
        ("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())])),
        (
            "extra_info",
            pa.struct([("index", pa.int64()), ("split", pa.string()), ("problem_id", pa.string())]),
        ),
        ("grader", pa.string()),
        ("grader_args", pa.string()),
        *PASS_RATE,
    ]
)
"""One problem with its reference answer. TRL reads `prompt` and hands `solution` to rewards; verl reads
`prompt`, `data_source`, `ability`, `reward_model`, `extra_info`. `grader_args` is a JSON object (choices,
tests)."""

ROW_SCHEMAS: dict[Product, pa.Schema] = {"sft": SFT, "preference": PREFERENCE, "rl": RL}
