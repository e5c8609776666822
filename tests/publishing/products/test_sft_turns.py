"""Conversations as rows: one answer each, with all that was said before it and nothing that was thought before it."""

from typing import get_args

from cotfactory.publishing.build_rows import BUILDERS
from cotfactory.publishing.personal_data import PersonalDataCount, without_personal_data
from cotfactory.publishing.products.sft_turns import sft_turns_rows
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.grade import Decision
from cotfactory.schemas.release_rules import Product
from tests.publishing.made_groups import made_conversation, made_mixed_group, made_recipe

RECIPE = made_recipe("sft_turns")


def test_a_row_is_one_turn_after_all_before_it() -> None:
    first, second = made_conversation(1)
    rows = [row for group in (first, second) for row in sft_turns_rows([group], RECIPE)]
    assert [(row["turn"], row["turns"], len(row["prompt"])) for row in rows] == [(1, 2, 1), (1, 2, 1), (2, 2, 3)]
    later = rows[2]
    assert [message["role"] for message in later["prompt"]] == ["user", "assistant", "user"]
    assert later["prompt"][1]["content"] == r"It is \boxed{18}. Way 0."  # what it follows, without its thinking
    assert later["completion"] == [
        {"role": "assistant", "content": r"The answer is \boxed{18}.", "reasoning_content": "It is 18, as told."}
    ]
    # The second turn is of the conversation whose first answer it follows.
    assert later["conversation_id"] == rows[0]["conversation_id"] != rows[1]["conversation_id"]
    assert not sft_turns_rows([made_mixed_group(1)], RECIPE)


def test_later_turns_are_in_no_product_that_would_show_them_alone() -> None:
    """Nor is a wrong one the lesser of a pair: the two answer different prompts."""
    _, second = made_conversation(1)
    shown = {product for product in get_args(Product) if BUILDERS[product]([second], RECIPE)}
    assert shown == {"sft_turns", "all_graded"}
    rows = BUILDERS["all_graded"]([second], RECIPE)
    assert ["Way 0" in str(row["prompt"]) for row in rows] == [True, False]


def test_what_goes_on_from_a_dropped_answer_is_not_shown() -> None:
    _, second = made_conversation(1)
    dropped = tuple(
        Decision(candidate_id=decision.candidate_id, kept=False, reason="earlier_turn") for decision in second.decisions
    )
    assert not BUILDERS["all_graded"]([second.model_copy(update={"decisions": dropped})], RECIPE)


def test_addresses_in_earlier_answers_are_masked_too() -> None:
    _, second = made_conversation(1, response=r"Ask jane.doe@acme.org, it is \boxed{18}.")
    curation = Curation(personal_data="mask")
    (row,) = sft_turns_rows([without_personal_data(second, curation, PersonalDataCount())], RECIPE)
    assert "acme" not in str(row)
    assert row["prompt"][1]["content"] == r"Ask [email], it is \boxed{18}. Way 0."
