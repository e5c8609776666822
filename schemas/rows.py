"""Rows of every product: the published columns, in order, as Arrow schemas.

What each column means to a reader is told once, in `data_contracts/`.
"""

import pyarrow as pa

from cotfactory.schemas.release_rules import Product

MESSAGES: pa.DataType = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
REASONED_MESSAGES: pa.DataType = pa.list_(
    pa.struct([("role", pa.string()), ("content", pa.string()), ("reasoning_content", pa.string())])
)

PROVENANCE: list[tuple[str, pa.DataType]] = [
    ("row_id", pa.string()),
    ("problem_id", pa.string()),
    ("source", pa.string()),
    ("source_row_id", pa.string()),
    ("license", pa.string()),
    ("domain", pa.string()),
    ("parent_id", pa.string()),
    ("answer_origin", pa.string()),
    ("split_group", pa.string()),
    ("split", pa.string()),
]
"""Where a row comes from and which file it is in. `row_id` is unique in its product; `license` is the problem's.
`parent_id` is the problem that it was grown from, `answer_origin` where its reference answer is from."""

PASS_RATE: list[tuple[str, pa.DataType]] = [
    ("teacher", pa.string()),
    ("strategy", pa.string()),
    ("pass_rate", pa.float64()),
    ("pass_rate_n", pa.int32()),
    ("pass_rate_c", pa.int32()),
]
"""How often `teacher` (the model as declared) solves the problem when asked by `strategy`: c correct of n graded
samples, and the unbiased rate under the stopping rule, which is c / n when the number of samples was fixed."""

WRITTEN_BY: list[tuple[str, pa.DataType]] = [*PASS_RATE, ("teacher_license", pa.string())]
"""The same of the teacher that wrote the chains of a row, and the terms they are under, where the recipe names them."""

CHAIN: list[tuple[str, pa.DataType]] = [
    ("final_answer", pa.string()),
    ("verdict", pa.string()),
    ("weak", pa.bool_()),
    ("finish_reason", pa.string()),
    ("output_tokens", pa.int32()),
    *WRITTEN_BY,
]

SFT = pa.schema(
    [
        *PROVENANCE,
        ("candidate_id", pa.string()),
        ("messages", MESSAGES),
        ("reasoning", pa.string()),
        ("response", pa.string()),
        *CHAIN,
    ]
)
"""One correct chain. `messages` holds the prompt as it was sent and the assistant's turn, thinking
in `<think>` tags; `reasoning` and `response` are the same text apart, without loss."""

SFT_CHAT_REASONING_CONTENT = pa.schema(
    [*PROVENANCE, ("candidate_id", pa.string()), ("messages", REASONED_MESSAGES), *CHAIN]
)
"""The same chains for chat templates that read the thinking from a field of its own."""

SFT_CHAT_NO_REASONING = pa.schema([*PROVENANCE, ("candidate_id", pa.string()), ("messages", MESSAGES), *CHAIN])
"""The same chains without their thinking; one row where two chains of a problem differ in nothing else."""

SFT_POLICY = pa.schema(
    [
        *SFT,
        ("policy_id", pa.string()),
        ("must_refuse", pa.bool_()),
        ("grader", pa.string()),
        ("grader_version", pa.string()),
    ]
)
"""One correct chain of a teacher that was shown the recipe's policies; the prompt does not hold them."""

TOOL_MESSAGES: pa.DataType = pa.list_(
    pa.struct(
        [
            ("role", pa.string()),
            ("content", pa.string()),
            (
                "tool_calls",
                pa.list_(
                    pa.struct(
                        [
                            ("id", pa.string()),
                            ("type", pa.string()),
                            (
                                "function",
                                pa.struct([("name", pa.string()), ("arguments", pa.struct([("code", pa.string())]))]),
                            ),
                        ]
                    )
                ),
            ),
            ("tool_call_id", pa.string()),
            ("name", pa.string()),
        ]
    )
)

SFT_TOOLS = pa.schema(
    [
        *PROVENANCE,
        ("candidate_id", pa.string()),
        ("messages", TOOL_MESSAGES),
        ("tools", pa.string()),
        ("calls", pa.int32()),
        *CHAIN,
    ]
)
"""One correct chain that calls a tool, turn by turn; `tools` is what trainers hand to the chat template, as JSON."""


SFT_TURNS = pa.schema(
    [
        *PROVENANCE,
        ("candidate_id", pa.string()),
        ("conversation_id", pa.string()),
        ("turn", pa.int32()),
        ("turns", pa.int32()),
        ("prompt", MESSAGES),
        ("completion", REASONED_MESSAGES),
        *CHAIN,
    ]
)
"""One turn of a conversation. `prompt` is all that a model sees before it, earlier turns without their thinking;
`completion` is the turn, with its thinking in a field of its own."""


def _as_text(schema: pa.Schema) -> pa.Schema:
    """Return the columns with every list of messages as one text, and the system message before the prompt."""
    fields = [pa.field(field.name, pa.string()) if field.type == MESSAGES else field for field in schema]
    at = schema.get_field_index("prompt")
    return pa.schema([*fields[:at], pa.field("system", pa.string()), *fields[at:]])


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
        ("weak", pa.bool_()),
        ("chosen_finish_reason", pa.string()),
        ("rejected_finish_reason", pa.string()),
        ("chosen_chars", pa.int32()),
        ("rejected_chars", pa.int32()),
        ("rejection_type", pa.string()),
        *WRITTEN_BY,
    ]
)
"""One pair: a correct and an incorrect chain of the same teacher on the same problem, as TRL's DPO reads it.
Verdicts and finish reasons travel with the pair, so that a contract (and a reader) can check both sides."""

PREFERENCE_CONVERSATIONS = pa.schema([field for field in PREFERENCE if field.name != "prompt"])
"""The same pairs, the prompt in both `chosen` and `rejected`: whole conversations."""

PREFERENCE_TEXT = _as_text(PREFERENCE)
"""The same pairs as plain text: `system`, `prompt`, `chosen`, `rejected`."""

KTO = pa.schema(
    [
        *PROVENANCE,
        ("candidate_id", pa.string()),
        ("prompt", MESSAGES),
        ("completion", MESSAGES),
        ("label", pa.bool_()),
        ("verdict", pa.string()),
        ("weak", pa.bool_()),
        ("finish_reason", pa.string()),
        ("rejection_type", pa.string()),
        *WRITTEN_BY,
    ]
)
"""One chain that is wanted (`label`) or not, as TRL's KTO reads it: no pairs needed."""

KTO_TEXT = _as_text(KTO)
"""The same as plain text: `system`, `prompt`, `completion`."""

RL = pa.schema(
    [
        *PROVENANCE,
        ("prompt", MESSAGES),
        ("messages", MESSAGES),
        ("solution", pa.string()),
        ("ground_truth", pa.string()),
        ("data_source", pa.string()),
        ("dataset", pa.string()),
        ("ability", pa.string()),
        ("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())])),
        (
            "extra_info",
            pa.struct([("index", pa.int64()), ("split", pa.string()), ("problem_id", pa.string())]),
        ),
        ("env_class", pa.string()),
        ("reward_spec", pa.struct([("method", pa.string()), ("ground_truth", pa.string())])),
        ("question", pa.string()),
        ("answer", pa.string()),
        ("grader", pa.string()),
        ("grader_args", pa.string()),
        *PASS_RATE,
        (
            "pass_rates",
            pa.list_(
                pa.struct(
                    [
                        ("model", pa.string()),
                        ("strategy", pa.string()),
                        ("n", pa.int32()),
                        ("c", pa.int32()),
                        ("pass_rate", pa.float64()),
                    ]
                )
            ),
        ),
    ]
)
"""One problem with its reference answer. TRL reads `prompt` and hands `solution` to rewards; verl reads
`prompt`, `data_source`, `ability`, `reward_model`, `extra_info`; open-instruct reads `messages`, `ground_truth`,
`dataset`; SkyRL `prompt`, `env_class`, `reward_spec`; verifiers `question`, `answer`.
`grader_args` is a JSON object (choices, tests); `pass_rates` has every teacher's."""

SELF_CORRECTION = pa.schema(
    [
        *PROVENANCE,
        ("wrong_id", pa.string()),
        ("right_id", pa.string()),
        ("prompt", MESSAGES),
        ("completion", MESSAGES),
        ("turn", pa.string()),
        ("wrong_attempt", pa.string()),
        ("trigger", pa.string()),
        ("correction", pa.string()),
        ("response", pa.string()),
        ("mask_start", pa.int32()),
        ("mask_end", pa.int32()),
        ("wrong_verdict", pa.string()),
        ("right_verdict", pa.string()),
        ("weak", pa.bool_()),
        ("wrong_finish_reason", pa.string()),
        ("right_finish_reason", pa.string()),
        ("wrong_answer", pa.string()),
        ("final_answer", pa.string()),
        *WRITTEN_BY,
    ]
)
"""One turn that thinks wrong, says so, and thinks right. `prompt` ends inside it, after the wrong attempt: context to
the student, never a target; `completion` is the rest. The wrong attempt is `mask_start` up to `mask_end` of `turn`."""

ALL_GRADED = pa.schema(
    [
        *PROVENANCE,
        ("candidate_id", pa.string()),
        ("sample_index", pa.int32()),
        ("prompt", MESSAGES),
        ("reasoning", pa.string()),
        ("response", pa.string()),
        ("reference_answer", pa.string()),
        ("extracted_answer", pa.string()),
        ("verdict", pa.string()),
        ("reason", pa.string()),
        ("grader", pa.string()),
        ("grader_version", pa.string()),
        ("evidence", pa.string()),
        ("weak", pa.bool_()),
        ("kept", pa.bool_()),
        ("drop_reason", pa.string()),
        ("finish_reason", pa.string()),
        ("output_tokens", pa.int32()),
        *WRITTEN_BY,
    ]
)
"""One attempt, right or wrong or beyond our graders, with all that was found about it."""

STEPS = pa.schema(
    [
        *PROVENANCE,
        ("candidate_id", pa.string()),
        ("prompt", pa.string()),
        ("completions", pa.list_(pa.string())),
        ("labels", pa.list_(pa.bool_())),
        ("states", pa.list_(pa.bool_())),
        ("rollouts_n", pa.list_(pa.int32())),
        ("rollouts_c", pa.list_(pa.int32())),
        ("reasoning", pa.string()),
        ("response", pa.string()),
        *CHAIN,
    ]
)
"""One chain cut into steps, `completions`, each with a label, as axolotl's `stepwise_supervised` and the `PRMTrainer`
of TRL before 1.1 read them. A step of which `states` is false only announces, and has the label of the next.
`rollouts_c` of `rollouts_n` continuations from the end of a step came to the right answer."""

REVIEWS = pa.schema(
    [
        *PROVENANCE,
        ("review_id", pa.string()),
        ("question", pa.string()),
        ("answer", pa.string()),
        ("first_wrong_step", pa.int32()),
        ("reason", pa.string()),
        ("own_answer", pa.string()),
        ("person", pa.string()),
        ("seen", pa.string()),
        ("sampled", pa.string()),
        ("guidelines_id", pa.string()),
        ("seconds", pa.float64()),
        ("candidate_id", pa.string()),
        ("other_id", pa.string()),
        ("prompt", MESSAGES),
        ("completion", MESSAGES),
        ("other", MESSAGES),
        ("verdict", pa.string()),
        ("teacher", pa.string()),
        ("teacher_license", pa.string()),
    ]
)
"""One answer of one person about one chain, pair or problem; `completion` and `other` are empty where there is none."""

ROW_SCHEMAS: dict[Product, pa.Schema] = {
    "sft": SFT,
    "sft_chat_reasoning_content": SFT_CHAT_REASONING_CONTENT,
    "sft_chat_no_reasoning": SFT_CHAT_NO_REASONING,
    "sft_tools": SFT_TOOLS,
    "sft_turns": SFT_TURNS,
    "sft_policy": SFT_POLICY,
    "preference": PREFERENCE,
    "preference_conversations": PREFERENCE_CONVERSATIONS,
    "preference_text": PREFERENCE_TEXT,
    "kto": KTO,
    "kto_text": KTO_TEXT,
    "rl": RL,
    "self_correction": SELF_CORRECTION,
    "all_graded": ALL_GRADED,
    "steps": STEPS,
    "reviews": REVIEWS,
}
