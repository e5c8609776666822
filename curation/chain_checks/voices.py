"""Whose voice a chain speaks with: another role's, or the teacher's own name."""

import re

# Marks of chat templates; no text that was generated and parsed well holds one.
_TEMPLATE = re.compile(
    r"<\|(?:im_start|im_end|eot_id|start_header_id|end_header_id|endoftext|user|assistant|system|begin_of_text)\|>"
    r"|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<\uff5c(?:User|Assistant|begin\u2581of\u2581sentence|end\u2581of\u2581sentence)\uff5c>"
)
_TURN = re.compile(r"^(?:#{2,4} ?)?(Human|User|Assistant|Instruction)(?::|\n)", re.MULTILINE)
_MAKERS = (
    r"OpenAI|Anthropic|Google(?: DeepMind)?|Alibaba(?: Cloud)?|Meta(?: AI)?|Mistral(?: AI)?|DeepSeek"
    r"|Moonshot(?: AI)?|Zhipu(?: AI)?|xAI|Microsoft"
)
_NAMES = (
    r"ChatGPT|GPT-?[345][\w.-]*|Claude|Gemini|Bard|Qwen|QwQ|Llama|DeepSeek|Mistral|Kimi|Grok|ChatGLM"
    r"|GLM-?\d[\w.]*|Phi-?\d"
)
_SELF = re.compile(
    rf"\b(?:I am|I['’]m|I, |[Mm]y name is|[Aa]s) (?:an? (?:AI|large language) ?(?:language )?(?:model|assistant)\b"
    rf"|(?:{_NAMES})\b)|\b(?:created|developed|trained|made) by (?:{_MAKERS})\b|\b(?:[Mm]y|a) knowledge cut-?off\b"
    r"|\b[Mm]y (?:training data|last update)\b",
)
# What any of these says; looked for by its first sign, mostly a capital, at a tenth of the cost.
_SAYS_NAME = re.compile(rf"AI|{_NAMES}|{_MAKERS}")
_SAYS_ELSE = ("large language", "knowledge cut", "y training data", "y last update")


def leaked_role(chain: str, prompt: str) -> str | None:
    """Return a chat template's mark or another's turn (`Human:` at a line's start), unless the prompt has it."""
    for pattern in (_TEMPLATE, _TURN):
        for match in pattern.finditer(chain):
            if match.group().strip() not in prompt:
                return match.group().strip()
    return None


def self_naming(chain: str, prompt: str) -> str | None:
    """Return where a chain names itself a model, its maker or its knowledge cut-off, unless the prompt does too."""
    if not any(words in chain for words in _SAYS_ELSE) and not _SAYS_NAME.search(chain):
        return None
    for match in _SELF.finditer(chain):
        if match.group() not in prompt:
            return match.group()
    return None
