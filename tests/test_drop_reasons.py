"""One table of drop reasons: each has one meaning and one rule, tried in the table's order."""

from typing import get_args

from cotfactory.curation.drop_rules import CHAIN_RULES, SELECTION_RULES, WITHIN_PROBLEM_RULES
from cotfactory.flows import problem_rules
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.drop_reasons import BOUGHT_FOR_OTHER_CHAINS, DROP_REASONS, DropReason, Flag

OF_PROBLEMS = ("unsupported", "bad_reference", "refuted_reference", "near_twin", "no_reference")
OF_CHAINS = [*CHAIN_RULES, *WITHIN_PROBLEM_RULES, *SELECTION_RULES, *BOUGHT_FOR_OTHER_CHAINS]


def test_every_reason_has_a_meaning_in_one_sentence_that_fits_a_table() -> None:
    assert list(DROP_REASONS) == list(get_args(DropReason))
    assert [reason for reason, meaning in DROP_REASONS.items() if not meaning.endswith(".") or "|" in meaning] == []
    assert len(set(DROP_REASONS.values())) == len(DROP_REASONS)


def test_every_reason_has_one_rule_and_the_rules_are_tried_in_the_order_of_the_reasons() -> None:
    assert [*OF_PROBLEMS, *OF_CHAINS] == list(DROP_REASONS)
    # A problem may also go for some of the reasons that a chain may go for.
    assert set(problem_rules.PROBLEM_RULES) - set(OF_CHAINS) == set(OF_PROBLEMS)


def test_what_may_only_label_is_found_by_the_last_rules_about_a_chain_alone() -> None:
    flags = get_args(Flag)
    assert list(CHAIN_RULES)[-len(flags) :] == list(flags)
    assert set(Curation().label_only) <= set(flags)
