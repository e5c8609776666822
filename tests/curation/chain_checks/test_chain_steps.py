"""All that can be recomputed of a chain, on hand-made chains and on the exams."""

import gzip
import json
import os
from pathlib import Path

import pytest

from cotfactory.curation.chain_checks.chain_steps import wrong_step


@pytest.mark.parametrize(
    ("chain", "answer", "found"),
    [
        ("6 * 7 = 42\n42 - 2 = 40\nThe answer is 40", "40", None),
        ("6 * 7 = 43\nThe answer is 42", "42", "6 * 7 = 43"),
        ("20 - 14.99 = 5.01\n5.01 * 1 = 5.01\nThe answer is 5", "5",
         "the answer 5 is not what any step arrives at; the last one is 5.01 * 1 = 5.01"),
        ("20 - 14.99 = 5.01\n5.01 * 1 = 5.01, about 5.\nThe answer is 5", "5", None),  # said where it comes from
        ("20 - 14.99 = 5.01\nThe answer is 5", "5", None),  # one step is no derivation to judge
        ("1 + 1 = 2\n2 + 2 = 4\nThe answer is 9", "9", None),  # the question has it
        ("1 + 1 = 2\n2 + 2 = 4\nThe answer is \\frac{1}{2}", "\\frac{1}{2}", None),  # not a plain number
        ("1,000 + 1 = 1,001\n1,001 * 2 = 2,002\nThe answer is 2002", "2002", None),
    ],
)  # fmt: skip
def test_a_chain(chain: str, answer: str, found: str | None) -> None:
    assert wrong_step("Nine is 9.", chain, answer) == found


@pytest.mark.skipif("COTFACTORY_SHARED" not in os.environ, reason="the shared data is not here")
def test_marked_mistakes_are_caught_and_clean_chains_left_alone() -> None:
    """At least half of the right-answer chains with a marked mistake, at most 2 % of those without."""
    path = Path(os.environ["COTFACTORY_SHARED"]) / "data" / "exam" / "step_mistakes.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["answer"].strip() == row["target"].strip()]
    flagged = [(row, wrong_step(row["input"], "\n".join(row["steps"])) is not None) for row in rows]
    marked = [found for row, found in flagged if row["mistake_index"] is not None]
    clean = [found for row, found in flagged if row["mistake_index"] is None]
    assert len(marked) > 100
    assert sum(marked) >= len(marked) / 2
    assert sum(clean) <= 0.02 * len(clean)
