"""From graded candidates to published rows: the builder of each product."""

from cotfactory.publishing.products.all_graded import all_graded_rows
from cotfactory.publishing.products.preference import kto_rows, preference_rows
from cotfactory.publishing.products.preference_forms import conversation_rows, kto_text_rows, preference_text_rows
from cotfactory.publishing.products.reviews import reviews_rows
from cotfactory.publishing.products.rl import rl_rows
from cotfactory.publishing.products.row_parts import Builder
from cotfactory.publishing.products.self_correction import self_correction_rows
from cotfactory.publishing.products.sft import no_reasoning_rows, reasoning_content_rows, sft_rows
from cotfactory.publishing.products.sft_policy import sft_policy_rows
from cotfactory.publishing.products.sft_tools import sft_tools_rows
from cotfactory.publishing.products.sft_turns import sft_turns_rows
from cotfactory.publishing.products.steps import steps_rows
from cotfactory.schemas.release_rules import Product

BUILDERS: dict[Product, Builder] = {
    "sft": sft_rows,
    "sft_chat_reasoning_content": reasoning_content_rows,
    "sft_chat_no_reasoning": no_reasoning_rows,
    "sft_tools": sft_tools_rows,
    "sft_turns": sft_turns_rows,
    "sft_policy": sft_policy_rows,
    "preference": preference_rows,
    "preference_conversations": conversation_rows,
    "preference_text": preference_text_rows,
    "kto": kto_rows,
    "kto_text": kto_text_rows,
    "rl": rl_rows,
    "self_correction": self_correction_rows,
    "all_graded": all_graded_rows,
    "steps": steps_rows,
    "reviews": reviews_rows,
}
"""Each product's rows from all groups of one problem."""
