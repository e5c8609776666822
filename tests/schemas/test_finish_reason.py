"""What eighty servers call the end of an answer is read once, in Python and in SQL alike."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.schemas.finish_reason import (
    FINISH_REASONS,
    FINISHED,
    PARTS,
    UNFINISHED,
    WORDS,
    FinishReason,
    finish_reason_of,
    finish_reason_sql,
)

MEANT: dict[FinishReason, tuple[object, ...]] = {
    "stop": (
        "stop",
        *("eos", "eos_token", "stop_sequence"),  # TGI, Together
        *("end_turn", "STOP", "COMPLETE", "completed"),  # Anthropic, Gemini, Cohere, Responses
        {"type": "stop", "matched": 151645},  # SGLang's object
    ),
    "length": (
        *("length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length", "token_limit"),
        *("limit", "incomplete", "context_length_exceeded", "model_context_window_exceeded", "ERROR_LIMIT"),
        {"type": "length", "length": 4096},
    ),
    "content_filter": (
        *("content_filter", "content_filtered", "SAFETY", "IMAGE_SAFETY", "RECITATION", "PROHIBITED_CONTENT"),
        *("BLOCKLIST", "SPII", "sensitive", "refusal", "guardrail_intervened", "ERROR_TOXIC"),
    ),
    "tool_calls": ("tool_calls", "function_call", "tool_use", "UNEXPECTED_TOOL_CALL"),
    "error": (
        *("error", "abort", "cancelled", "USER_CANCEL", "TIMEOUT", "time_limit", "engine_error", "network_error"),
        *("insufficient_system_resource", "MALFORMED_FUNCTION_CALL", "pause_turn"),
        {"type": "abort", "message": "preempted"},
    ),
    "unknown": ("unknown", "", None, "null", "FINISH_REASON_UNSPECIFIED", "banana", 7, {}),
}


@pytest.mark.parametrize(("word", "meant"), [(word, meant) for meant, words in MEANT.items() for word in words])
def test_a_servers_word(word: object, meant: FinishReason) -> None:
    assert finish_reason_of(word) == meant


def test_every_word_of_ours_means_itself_and_is_finished_or_not() -> None:
    assert [finish_reason_of(word) for word in FINISH_REASONS] == list(FINISH_REASONS)
    assert sorted((*FINISHED, *UNFINISHED)) == sorted(FINISH_REASONS)


PIECES = [*WORDS, *(part for _, parts in PARTS for part in parts), "_", "X", " "]


@given(st.lists(st.sampled_from(PIECES), max_size=4).map("".join), st.booleans())
def test_a_table_of_an_older_version_is_read_alike(word: str, upper: bool) -> None:
    written = word.upper() if upper else word
    expression = finish_reason_sql("word")
    (found,) = duckdb.execute(f"SELECT {expression} FROM (SELECT ? AS word)", [written]).fetchall()
    assert found == (finish_reason_of(written),)
