"""Write a language model of a few thousand random weights, with a tokenizer of bytes: `python tiny_model.py FOLDER`."""

import sys

import tokenizers
import transformers

letters = ["<pad>", "<|im_start|>", "<|im_end|>", *sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())]
model = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={sign: n for n, sign in enumerate(letters)}, merges=[]))
model.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
model.decoder = tokenizers.decoders.ByteLevel()
tokenizer = transformers.PreTrainedTokenizerFast(
    tokenizer_object=model,
    pad_token="<pad>",
    eos_token="<|im_end|>",
    chat_template="{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
)
sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
config = transformers.LlamaConfig(
    vocab_size=len(tokenizer), num_key_value_heads=2, max_position_embeddings=4096, pad_token_id=0, **sizes
)
transformers.LlamaForCausalLM(config).save_pretrained(sys.argv[1])
tokenizer.save_pretrained(sys.argv[1])
