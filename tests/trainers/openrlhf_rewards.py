"""Reward responses as OpenRLHF's agent executor does: `python openrlhf_rewards.py URL SAID.json`.

Runs in OpenRLHF's environment. SAID is a list of [problem id, prompt, response]. The engine that would generate says
what SAID says, with the marks of a chat template around it; prints the rewards.
"""

import asyncio
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import tokenizers
import torch
import transformers
from openrlhf.utils.agent import SingleTurnAgentExecutor

SPECIAL = ["<pad>", "<|im_start|>", "<|im_end|>"]


def byte_tokenizer() -> Any:
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate([*SPECIAL, *alphabet])}
    model = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=[]))
    model.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    model.decoder = tokenizers.decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=model, pad_token=SPECIAL[0], eos_token=SPECIAL[2], additional_special_tokens=[SPECIAL[1]]
    )


class SayingEngine:
    """Stands where vLLM would: it generates what it was told to."""

    def __init__(self, tokenizer: Any, response: str) -> None:
        self._ids = tokenizer(response + SPECIAL[2], add_special_tokens=False)["input_ids"]

    async def generate(self, prompt_ids: Any, sampling: Any, multi_modal_data: Any = None) -> Any:
        return SimpleNamespace(outputs=[SimpleNamespace(token_ids=self._ids, finish_reason="stop", logprobs=None)])


async def main(url: str, said: list[list[str]]) -> None:
    executor, tokenizer = SingleTurnAgentExecutor(url), byte_tokenizer()
    sampling = SimpleNamespace(max_tokens=1024, logprobs=None)
    found = []
    for problem, asked, response in said:
        prompt = f"<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n"
        engine = SayingEngine(tokenizer, response)
        output = await executor.execute(prompt, problem, sampling, 4096, tokenizer, engine)
        found.append(None if output["reward"] is None else torch.tensor(output["reward"]).item())
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text())))
