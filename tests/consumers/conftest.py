"""A small release with every product, and a student and tokenizer that need no download."""

import os
from pathlib import Path
from typing import Any

import pytest

from cotfactory.publishing.release import write_release
from tests.publishing.made_groups import in_split, made_facts, made_mixed_group, made_recipe

os.environ |= {
    "AXOLOTL_DO_NOT_TRACK": "1",
    "DISABLE_VERSION_CHECK": "1",
}  # read when axolotl and LLaMA-Factory are imported


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace, recipe = tmp_path_factory.mktemp("workspace"), made_recipe()
    groups = [(made_mixed_group(number),) for number in range(8)]
    groups += [(in_split(made_mixed_group(number), "test"),) for number in (8, 9)]
    facts = made_facts(problems=groups)
    return write_release(recipe.name, groups, recipe, facts, workspace / "releases", workspace / "staging").path


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """A byte-level tokenizer: every text goes in and out without loss."""
    transformers, tokenizers = pytest.importorskip("transformers"), pytest.importorskip("tokenizers")
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(["<pad>", "<|im_start|>", "<|im_end|>", *alphabet])}
    model = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=[]))
    model.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    model.decoder = tokenizers.decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=model,
        pad_token="<pad>",
        eos_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>"],
        chat_template=(
            "{% for m in messages %}<|im_start|>{{ m.role }}\n{% generation %}"
            "{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}{{ m.content }}"
            "<|im_end|>{% endgeneration %}\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
        ),
    )


@pytest.fixture
def student(tokenizer: Any) -> Any:
    """A language model of a few thousand weights."""
    transformers = pytest.importorskip("transformers")
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=1024,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
