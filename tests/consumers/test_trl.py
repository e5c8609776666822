"""TRL's trainers take the rows as they are: each makes a step on a tiny student, and its rewards read the solutions."""

import copy
import re
from pathlib import Path
from typing import Any

import datasets
import pytest

trl = pytest.importorskip("trl")
pytestmark = pytest.mark.filterwarnings("ignore")

IGNORED = -100
"""The label of a token that counts for nothing."""

ONE_STEP = {
    "max_steps": 1,
    "per_device_train_batch_size": 2,
    "report_to": [],
    "use_cpu": True,
    "bf16": False,
    "save_strategy": "no",
    "disable_tqdm": True,
}


def rows(released: Path, product: str, cache: Path, split: str = "train") -> Any:
    return datasets.load_dataset(str(released), product, split=split, cache_dir=str(cache))


@pytest.mark.parametrize("product", ["sft", "sft_chat_reasoning_content", "sft_chat_no_reasoning"])
def test_sft_trains_on_the_chains(product: str, released: Path, tmp_path: Path, student: Any, tokenizer: Any) -> None:
    chains = rows(released, product, tmp_path)
    arguments = trl.SFTConfig(output_dir=str(tmp_path), max_length=None, assistant_only_loss=True, **ONE_STEP)
    trainer = trl.SFTTrainer(
        student,
        args=arguments,
        train_dataset=chains,
        eval_dataset=rows(released, product, tmp_path, "test"),
        processing_class=tokenizer,
    )
    seen = tokenizer.decode(trainer.train_dataset[0]["input_ids"])
    thought = "It is 18, as told."
    thinks = product != "sft_chat_no_reasoning" and chains[0].get("reasoning", thought) == thought
    assert seen.count(thought) == seen.count("<think>") == (1 if thinks and thought in str(chains[0]) else 0)
    assert seen.count(r"The answer is \boxed{18}.") == 1
    assert trainer.train().training_loss > 0


def test_sft_trains_on_corrections_and_not_on_the_mistake(
    released: Path, tmp_path: Path, student: Any, tokenizer: Any
) -> None:
    corrections = rows(released, "self_correction", tmp_path)
    arguments = trl.SFTConfig(output_dir=str(tmp_path), max_length=None, **ONE_STEP)
    trainer = trl.SFTTrainer(student, args=arguments, train_dataset=corrections, processing_class=tokenizer)
    row, seen = corrections[0], trainer.train_dataset[0]
    learnt = tokenizer.decode([token for token in seen["labels"] if token != IGNORED])
    assert row["trigger"] in learnt
    assert learnt.count(row["response"]) == 1
    shown = tokenizer.decode(seen["input_ids"]).removesuffix(learnt)
    assert row["wrong_attempt"] in shown
    assert row["trigger"] not in shown
    assert trainer.train().training_loss > 0


def test_dpo_trains_on_the_pairs(released: Path, tmp_path: Path, student: Any, tokenizer: Any) -> None:
    pairs = rows(released, "preference", tmp_path)
    arguments = trl.DPOConfig(output_dir=str(tmp_path), max_length=None, **ONE_STEP)
    trainer = trl.DPOTrainer(
        student, ref_model=copy.deepcopy(student), args=arguments, train_dataset=pairs, processing_class=tokenizer
    )
    assert trainer.train().training_loss > 0


def test_kto_trains_on_the_labels(released: Path, tmp_path: Path, student: Any, tokenizer: Any) -> None:
    labels = rows(released, "kto", tmp_path)
    arguments = trl.KTOConfig(output_dir=str(tmp_path), max_length=None, **ONE_STEP)
    trainer = trl.KTOTrainer(
        student, ref_model=copy.deepcopy(student), args=arguments, train_dataset=labels, processing_class=tokenizer
    )
    assert trainer.train().training_loss >= 0


def test_prm_learns_the_labels_of_steps(released: Path, tmp_path: Path, tokenizer: Any) -> None:
    # TRL 1.0 trains on such rows, 1.16 no longer does: `pip install --no-deps trl==1.0.0` to run this one.
    prm, transformers = pytest.importorskip("trl.experimental.prm"), pytest.importorskip("transformers")
    labelled = rows(released, "steps", tmp_path)
    arguments = prm.PRMConfig(output_dir=str(tmp_path), max_length=None, **ONE_STEP)
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    judge = transformers.Qwen2ForTokenClassification(
        transformers.Qwen2Config(
            vocab_size=len(tokenizer), num_key_value_heads=2, num_labels=2, pad_token_id=tokenizer.pad_token_id, **size
        )
    )
    trainer = prm.PRMTrainer(judge, args=arguments, train_dataset=labelled, processing_class=tokenizer)
    learnt = trainer.train_dataset[0]
    assert [each for each in learnt["labels"] if each != -100] == [int(label) for label in labelled[0]["labels"]]
    assert trainer.train().training_loss > 0


def test_grpo_asks_the_prompts_and_rewards_with_the_solution(
    released: Path, tmp_path: Path, student: Any, tokenizer: Any
) -> None:
    given: list[dict[str, Any]] = []

    def reward(completions: list[Any], **columns: Any) -> list[float]:
        given.append(columns)
        return [float(len(completion[0]["content"])) for completion in completions]

    problems = rows(released, "rl", tmp_path)
    arguments = trl.GRPOConfig(output_dir=str(tmp_path), num_generations=2, max_completion_length=4, **ONE_STEP)
    trl.GRPOTrainer(
        student, args=arguments, train_dataset=problems, processing_class=tokenizer, reward_funcs=[reward]
    ).train()
    assert set(given[0]["solution"]) == {r"\boxed{18}"}
    assert {"ground_truth", "grader", "grader_args", "pass_rate_n", "extra_info"} <= set(given[0])


def test_accuracy_reward_reads_the_solutions(released: Path, tmp_path: Path) -> None:
    from trl.rewards import accuracy_reward

    solutions = rows(released, "rl", tmp_path)["solution"][:2]
    said = [[{"role": "assistant", "content": rf"So $\boxed{{{answer}}}$."}] for answer in ("18", "17")]
    assert accuracy_reward(said, list(solutions)) == [1.0, 0.0]


TEMPLATES = {
    "qwen3_training.jinja": ("sft", "sft_chat_reasoning_content"),
    "glm4moe_training.jinja": ("sft", "sft_chat_reasoning_content"),
    "qwen3_8_training.jinja": ("sft_chat_reasoning_content",),  # doubles the tags of `sft`
    "deepseek_r1_distill_training.jinja": ("sft",),  # loses `reasoning_content`
}
"""Which config keeps its thinking, exactly once, in which of TRL's own templates for training."""


@pytest.mark.parametrize(
    ("template", "product"), [(template, product) for template, products in TEMPLATES.items() for product in products]
)
def test_template_shows_the_thinking_once(
    template: str, product: str, released: Path, tmp_path: Path, tokenizer: Any
) -> None:
    source = (Path(trl.__file__).parent / "chat_templates" / template).read_text("utf-8")
    chain = next(row for row in rows(released, product, tmp_path) if "It is 18, as told." in str(row["messages"][-1]))
    shown = tokenizer.apply_chat_template(chain["messages"], chat_template=source, tokenize=False)
    assert shown.count("It is 18, as told.") == 1
    assert re.search(r"<think>\s*It is 18, as told\.\s*</think>\s*The answer is", shown)
