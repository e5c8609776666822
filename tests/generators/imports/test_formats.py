"""Rows of each format, and what must not become of them."""

from typing import Any

import pytest

from cotfactory.generators.imports.formats import FORMATS
from cotfactory.generators.imports.imported import Imported, ImportedCompletion, NotThisFormat
from tests.generators.imports.rows import episode, gym_row, node, openr1_row, said, thought


def only(form: str, row: dict[str, Any]) -> Imported:
    (imported,) = FORMATS[form](row)
    return imported


def completions(form: str, row: dict[str, Any]) -> tuple[ImportedCompletion, ...]:
    return only(form, row).completions


def test_a_gym_rollout_is_one_completion() -> None:
    imported = only("nemo-gym", gym_row(thought("6 * 7 = 42"), said("It is 42.")))

    assert imported.problem.question == "What is 6 * 7?"
    assert (imported.problem.answer, imported.problem.source_row_id) == ("42", "task-3")
    (completion,) = imported.completions
    assert (completion.reasoning, completion.response) == ("6 * 7 = 42", "It is 42.")
    assert (completion.model, completion.finish_reason, completion.turns) == ("policy", "stop", ())
    assert completion.rewards == {"nemo-gym": 1.0}


@pytest.mark.parametrize(
    "row",
    [
        gym_row(),  # nothing came back
        {**gym_row(), "response": None, "_ng_failure_class": "timeout"},  # a line of NAME_failures.jsonl
        gym_row(said("It is"), response={"status": "failed", "output": [said("It is")]}),  # the server gave up
    ],
)
def test_a_failed_gym_rollout_comes_to_nothing(row: dict[str, Any]) -> None:
    assert only("nemo-gym", row) == Imported(only("nemo-gym", row).problem, (), "failed")


@pytest.mark.parametrize(
    "row",
    [
        gym_row(said("42"), reward=None),
        gym_row(said("42"), reward=0.0, mask_sample=True),  # their verifier failed: the zero is a filler
        gym_row(said("42"), reward=0.0, instance_config={"mask_sample": True}),  # the same, in older words
    ],
)
def test_a_gym_reward_that_nobody_gave_is_unknown(row: dict[str, Any]) -> None:
    assert completions("nemo-gym", row)[0].rewards == {"nemo-gym": None}


def test_gym_tool_calls_are_turns() -> None:
    call = {"type": "function_call", "name": "python", "arguments": "6*7", "call_id": "c"}
    result = {"type": "function_call_output", "call_id": "c", "output": "42"}

    (completion,) = completions("nemo-gym", gym_row(thought("I compute."), call, result, said("It is 42.")))

    assert [turn.role for turn in completion.turns] == ["assistant", "tool", "assistant"]
    assert completion.turns[0].reasoning == "I compute."
    assert completion.turns[0].tool_calls == ({"name": "python", "arguments": "6*7", "id": "c"},)
    assert completion.turns[1].content == "42"
    assert (completion.response, completion.reasoning) == ("It is 42.", None)


def test_a_gym_response_cut_at_its_limit_says_so() -> None:
    response = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": [thought("6")]}

    (completion,) = completions("nemo-gym", gym_row(response=response))

    assert (completion.finish_reason, completion.reasoning, completion.response) == ("max_output_tokens", "6", "")


def test_gym_options_are_choices() -> None:
    row = gym_row(said("B"), options=[{"A": "4"}, {"B": "9"}], expected_answer="B")

    assert only("nemo-gym", row).problem.choices == ("4", "9")


def test_a_trace_without_branches_is_one_completion() -> None:
    row = episode(node("user", "What is 6 * 7?", None), node("assistant", "42", 0, reasoning_content="6 * 7 = 42"))

    imported = only("verifiers", row)

    assert (imported.problem.source_row_id, imported.problem.answer) == ("six-sevens", "42")
    (completion,) = imported.completions
    assert (completion.response, completion.reasoning, completion.turns) == ("42", "6 * 7 = 42", ())
    assert (completion.model, completion.finish_reason, completion.rewards) == ("policy", "stop", {"correct": 1.0})


def test_each_branch_of_a_trace_is_one_completion() -> None:
    row = episode(
        node("user", "What is 6 * 7?", None),
        node("assistant", "41", 0),
        node("assistant", "Let me see.", 0),
        node("user", "Go on.", 2),
        node("assistant", "42", 3),
    )

    first, second = completions("verifiers", row)

    assert (first.response, first.turns) == ("41", ())
    assert [turn.content for turn in second.turns] == ["Let me see.", "Go on.", "42"]
    assert second.response == "42"
    assert first.rollout_id != second.rollout_id


def test_a_trace_that_never_spoke_comes_to_nothing() -> None:
    assert only("verifiers", episode(node("user", "What is 6 * 7?", None), ok=False)).why_none == "failed"
    given = node("assistant", "An example.", 0) | {"sampled": False}  # part of the prompt, not of the rollout
    assert completions("verifiers", episode(node("user", "What is 6 * 7?", None), given)) == ()


@pytest.mark.parametrize(
    ("rewards", "more", "known"),
    [
        ({"correct": None}, {}, {"correct": None}),
        ({"correct": {"score": 0.0, "weight": 1.0}}, {"ok": False}, {"correct": None}),  # it broke: that is no zero
        ({"correct": {"score": 0.0, "weight": 1.0}, "length": {"score": 9.0, "weight": 0}}, {}, {"correct": 0.0}),
    ],
)
def test_rewards_of_a_trace(rewards: dict[str, Any], more: dict[str, Any], known: dict[str, float | None]) -> None:
    row = episode(node("user", "6 * 7?", None), node("assistant", "42", 0), rewards=rewards, **more)

    assert completions("verifiers", row)[0].rewards == known


def test_nodes_that_are_no_tree_are_refused() -> None:
    with pytest.raises(NotThisFormat, match="parent 1"):
        list(FORMATS["verifiers"](episode(node("user", "6 * 7?", 1), node("assistant", "42", 0))))


def test_each_generation_has_the_labels_of_its_place() -> None:
    row = openr1_row("a", "b", correctness_math_verify=[True, False], correctness_llama=[None, True])

    assert [completion.rewards for completion in completions("openr1", row)] == [
        {"math_verify": 1.0, "llama": None},
        {"math_verify": 0.0, "llama": 1.0},
    ]


@pytest.mark.parametrize(
    ("labels", "known"),
    [
        ([True, False, True], [1.0, 0.0]),  # generations are fewer than labels: no third completion
        ([False], [0.0, None]),  # labels are fewer: the second is unknown
        (None, [None, None]),
    ],
)
def test_labels_and_generations_of_unequal_number(labels: list[bool] | None, known: list[float | None]) -> None:
    found = completions("openr1", openr1_row("a", "b", correctness_math_verify=labels))

    assert [completion.rewards["math_verify"] for completion in found] == known


def test_reasoning_that_was_not_complete_was_cut() -> None:
    row = openr1_row("a", "b", finish_reasons=None, is_reasoning_complete=[True, False])

    assert [completion.finish_reason for completion in completions("openr1", row)] == ["unknown", "length"]


def test_openthoughts_conversations() -> None:
    row = {
        "problem": "What is 6 * 7?",
        "solution": "Six sevens are $\\boxed{42}$.",
        "conversations": [
            {"from": "user", "value": "Return your final response within \\boxed{}. What is 6 * 7?"},
            {"from": "assistant", "value": "<think>6 * 7</think>\\boxed{42}"},
        ],
        "correct": False,
    }

    imported = only("openthoughts", row)

    assert (imported.problem.question, imported.problem.answer) == ("What is 6 * 7?", None)
    assert imported.problem.solution == "Six sevens are $\\boxed{42}$."
    assert imported.completions[0].response == "<think>6 * 7</think>\\boxed{42}"
    assert imported.completions[0].rewards == {"correct": 0.0}


def test_synthetic1_responses() -> None:
    row = {
        "response_id": "r-9",
        "problem_id": "p-1",
        "prompt": "What is 6 * 7?",
        "gold_standard_solution": "\\boxed{42}",
        "llm_response": "42",
        "score": 1,
    }

    imported = only("synthetic1", row)

    assert imported.problem.source_row_id == "p-1"
    assert imported.completions[0].rollout_id == "r-9"
    assert imported.completions[0].rewards == {"score": 1.0}
    assert only("synthetic1", {**row, "llm_response": None}).completions == ()


def test_distilabel_generations_have_models_of_their_own() -> None:
    row = {
        "instruction": "What is 6 * 7?",
        "generations": ["42", None, "41"],  # null: their request failed
        "generation_models": ["a", "b", "c"],
        "answer": 42,
    }

    imported = only("distilabel", row)

    assert imported.problem.answer == "42"
    assert [(found.model, found.response) for found in imported.completions] == [("a", "42"), ("c", "41")]
    single = {"instruction": "6 * 7?", "generation": "42", "model_name": "a"}
    assert [(found.model, found.response) for found in completions("distilabel", single)] == [("a", "42")]
    assert completions("distilabel", {"instruction": "6 * 7?", "generation": None, "model_name": "a"}) == ()


def test_messages_keep_their_turns() -> None:
    row = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is 6 * 7?"},
            {"role": "assistant", "content": "41"},
            {"role": "user", "content": "Again."},
            {"role": "assistant", "content": [{"type": "text", "text": "42"}], "reasoning_content": "6 * 7"},
        ],
        "ground_truth": "42",
        "reward": 1.0,
    }

    imported = only("messages", row)

    assert (imported.problem.question, imported.problem.answer) == ("What is 6 * 7?", "42")
    (completion,) = imported.completions
    assert [turn.content for turn in completion.turns] == ["41", "Again.", "42"]
    assert (completion.response, completion.reasoning, completion.rewards) == ("42", "6 * 7", {"reward": 1.0})


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_a_row_of_something_else_is_refused(form: str) -> None:
    with pytest.raises(NotThisFormat):
        list(FORMATS[form]({"text": "no row of any of these"}))
