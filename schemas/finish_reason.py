"""FinishReason: why a teacher stopped, in six words, whatever its server calls it; and what each of them means for us.

Servers have some eighty words for it (OpenAI, vLLM, SGLang, TGI, llama.cpp, Anthropic, Gemini, Bedrock, Cohere,
Mistral, DeepSeek, OpenRouter, watsonx). They are read once, here; the server's own word is kept beside ours.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

FinishReason = Literal["stop", "length", "content_filter", "tool_calls", "error", "unknown"]
FINISH_REASONS: tuple[FinishReason, ...] = get_args(FinishReason)

FINISHED: tuple[FinishReason, ...] = ("stop", "unknown")
"""The teacher came to its end. `unknown`: many servers say nothing, or `null`."""
UNFINISHED: tuple[FinishReason, ...] = ("length", "content_filter", "tool_calls", "error")
"""Somebody else ended it, so that what is wrong with it says nothing of the teacher: in no product but all_graded."""

WORDS: Mapping[str, FinishReason] = {
    **dict.fromkeys(("", "null", "none", "unknown", "other", "finish_reason_unspecified", "unspecified"), "unknown"),
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "word", "endoftext", "done"), "stop"),
    **dict.fromkeys(("length", "limit", "error_limit", "incomplete", "model_context_window_exceeded"), "length"),
    **dict.fromkeys(("cut_timeout", "cut_silence", "cut_connection"), "length"),  # ours, for streams that ended early
    **dict.fromkeys(
        ("refusal", "recitation", "spii", "language", "guardrail_intervened", "error_toxic"), "content_filter"
    ),
    **dict.fromkeys(("tool_calls", "tool_use", "tool_call", "function_call"), "tool_calls"),
    **dict.fromkeys(("error", "abort", "pause_turn", "load", "unload", "not_finished", "preempted"), "error"),
}
"""Words that need no rule, in lower case."""

PARTS: tuple[tuple[FinishReason, tuple[str, ...]], ...] = (
    (
        "error",
        ("error", "fail", "abort", "cancel", "timeout", "time_out", "timed_out", "time_limit", "insufficient",
         "malformed", "disconnect", "interrupt", "unavailable", "overload", "exception", "resource"),
    ),
    ("content_filter", ("filter", "safety", "sensitive", "prohibit", "block", "policy", "moderat", "refus", "violat")),
    ("length", ("length", "max", "limit", "budget", "trunc", "context")),
    ("tool_calls", ("tool", "function")),
    ("stop", ("stop", "eos", "end", "complete", "finish")),
)  # fmt: skip
"""What a word that is not in WORDS holds, in this order: `IMAGE_SAFETY` is content_filter, `max_new_tokens` length."""


def finish_reason_of(word: Any) -> FinishReason:
    """Return what a server's word for its end means; some servers send an object with the word as its `type`.

    >>> [finish_reason_of(word) for word in ("eos_token", "MAX_TOKENS", "insufficient_system_resource", None)]
    ['stop', 'length', 'error', 'unknown']
    """
    if not isinstance(word, str) and isinstance(word, Mapping):
        word = word.get("type")
    text = word.strip().lower() if isinstance(word, str) else ""
    if text in WORDS:
        return WORDS[text]
    return next((meant for meant, parts in PARTS if any(part in text for part in parts)), "unknown")


def finish_reason_sql(column: str) -> str:
    """Return the same as a DuckDB expression, for tables that were written before words were read on receipt."""
    text = f"lower(trim(coalesce({column}, '')))"
    known = " ".join(f"WHEN {text} = '{word}' THEN '{meant}'" for word, meant in WORDS.items() if word != meant)
    rules = " ".join(
        f"WHEN {' OR '.join(f'contains({text}, {part!r})' for part in parts)} THEN '{meant}'" for meant, parts in PARTS
    )
    ours = ", ".join(f"'{word}'" for word in FINISH_REASONS)
    return f"CASE WHEN {column} IN ({ours}) THEN {column} {known} {rules} ELSE 'unknown' END"
