"""What looks like a credential is found, by Python and by DuckDB alike; what only resembles one is not."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.schemas.key_like import count_key_like, key_like_sql

# Put together here, so that no scanner takes this file for a leak.
LETTERS = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY"
KEYS = [
    "sk-" + LETTERS,
    "sk-proj-" + LETTERS[:20] + "_x-Y7",
    "sk-ant-api03-" + LETTERS,
    "hf_" + LETTERS + "Zz",
    "ghp_" + LETTERS + "ABCD",
    "github_pat_" + LETTERS,
    "AKIA" + "IOSFODNN7EXAMPL3",
    "glpat-" + LETTERS[:22],
    "xoxb-" + "1234567890-" + LETTERS[:20],
    "AIza" + LETTERS + "abc",
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "-----BEGIN " + "PRIVATE KEY-----",
]
HARMLESS = [
    "a task-oriented answer, a risk-adjusted-rate-of-return-in-2024-for-session-workers",
    r"\sk-1 \mathsf{hf}_{n} \begin{aligned} x_{sk-1} &= 2 \end{aligned}",
    "sk-" + "x" * 40,  # a placeholder has no digit
    "sk-learn-is-not-a-key-though-it-has-17-parts",
    "hf_hub_download(repo_id, revision)",
    "c2stcHJvai1hYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eg==",  # base64 of a key: no longer one
    "QUtJQU" + "AKIA" * 9,  # within a longer run of letters
    "the AKIA prefix, gho_ and ghp_ tokens, xox- strings",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----",
]
fragments = st.sampled_from([*KEYS, *HARMLESS, " ", "\n", "=", "a", "_", "-", "é", "sk-", "hf_", "AKIA", "1" * 20])


def count_in_duckdb(text: str) -> int:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE texts (body VARCHAR)")
        connection.execute("INSERT INTO texts VALUES (?)", [text])
        return int(connection.sql(f"SELECT {key_like_sql('body')} FROM texts").fetchall()[0][0])


@pytest.mark.parametrize("key", KEYS)
def test_key_is_found_wherever_it_stands(key: str) -> None:
    for text in (key, f"OPENAI_API_KEY={key}\n", f"use `{key}`, please", f"first line\n{key}"):
        assert count_key_like(text) == 1, text
        assert count_in_duckdb(text) == 1, text


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_resembles_a_key_is_no_alarm(text: str) -> None:
    assert count_key_like(text) == 0
    assert count_in_duckdb(text) == 0


@given(st.lists(fragments, max_size=8).map("".join))
def test_python_and_duckdb_agree(text: str) -> None:
    assert count_key_like(text) == count_in_duckdb(text)
