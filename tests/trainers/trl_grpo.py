"""Train a policy of a few thousand weights on a release with TRL's GRPOTrainer and the release's own reward.

Runs in TRL's environment, which knows nothing of cotfactory:
`python trl_grpo.py RELEASE SENTENCES.json OUT.jsonl STEPS`. The policy's tokens are whole sentences, so that random
weights state right answers, wrong ones and none. What was rewarded is written down as the trainer got it.
"""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import datasets
import tokenizers
import torch
import transformers
import trl

SPECIAL = ["<pad>", "<|im_start|>", "<|im_end|>"]
GENERATIONS = 8
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def sentence_tokenizer(sentences: list[str]) -> Any:
    """Return a byte-level tokenizer that has each sentence as one token too."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate([*SPECIAL, *alphabet])}
    model = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=[]))
    model.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    model.decoder = tokenizers.decoders.ByteLevel()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=model,
        pad_token="<pad>",
        eos_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>"],
        chat_template=CHAT,
    )
    tokenizer.add_tokens(sentences)
    return tokenizer


def random_policy(words: int) -> Any:
    """Return a Llama with random weights."""
    transformers.set_seed(7)
    config = transformers.LlamaConfig(
        vocab_size=words,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    return transformers.LlamaForCausalLM(config)


def released_reward(release: Path) -> Any:
    """Return the reward client that lies in the release, as a module."""
    spec = importlib.util.spec_from_file_location("released_reward", release / "rl" / "reward.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(release: Path, sentences: list[str], out: Path, steps: int) -> None:
    reward, tokenizer = released_reward(release), sentence_tokenizer(sentences)
    policy = random_policy(len(tokenizer))
    bytes_of_text = [number for number in range(len(SPECIAL) + 256) if number != tokenizer.eos_token_id]
    rows = datasets.load_dataset("parquet", data_files=[str(path) for path in (release / "rl").glob("train-*.parquet")])

    async def graded(prompts: Any, completions: Any, problem_id: Any, **columns: Any) -> list[float | None]:
        rewards: list[float | None] = await reward.graded(prompts, completions, problem_id, **columns)
        step = columns["trainer_state"].global_step
        with out.open("a", encoding="utf-8") as file:
            for problem, completion, value in zip(problem_id, completions, rewards, strict=True):
                line = {"problem_id": problem, "response": completion[-1]["content"], "reward": value, "step": step}
                file.write(json.dumps(line) + "\n")
        return rewards

    arguments = trl.GRPOConfig(
        output_dir=str(out.parent / "trained"),
        max_steps=steps,
        per_device_train_batch_size=2 * GENERATIONS,
        num_generations=GENERATIONS,
        max_completion_length=2,
        learning_rate=1e-2,
        generation_kwargs={"suppress_tokens": bytes_of_text},
        logging_steps=1,
        report_to=[],
        use_cpu=True,
        bf16=False,
        save_strategy="no",
        disable_tqdm=True,
        seed=7,
    )
    trainer = trl.GRPOTrainer(
        policy, reward_funcs=graded, args=arguments, train_dataset=rows["train"], processing_class=tokenizer
    )
    before = [weight.detach().clone() for weight in policy.parameters()]
    trainer.train()
    after = [weight.detach() for weight in policy.parameters()]
    moved = any(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
    means = [entry["reward"] for entry in trainer.state.log_history if "reward" in entry]
    print(json.dumps({"steps": trainer.state.global_step, "rewards": means, "moved": moved}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3]), int(sys.argv[4]))
