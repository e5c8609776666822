"""DropReason: the words for why a chain or a problem is dropped, and what each of them means.

The rule that decides each stands under the same name in `curation/drop_rules.py`, for chains, and in
`flows/problem_rules.py`, for problems before anything is asked. Card and docs/drop_reasons.md have the words from here.
"""

from typing import Literal

DropReason = Literal[
    "unsupported",
    "bad_reference",
    "refuted_reference",
    "near_twin",
    "no_reference",
    "earlier_turn",
    "truncated",
    "not_finished",
    "unclosed_reasoning",
    "no_reasoning",
    "incorrect",
    "no_answer",
    "ungraded",
    "weak_check",
    "tool_output_differs",
    "hinted",
    "contaminated",
    "broken_text",
    "key_like",
    "personal_data",
    "repetitive",
    "wrong_language",
    "role_leak",
    "refusal",
    "self_named",
    "hint_words",
    "refers_back",
    "answer_from_prompt",
    "answer_first",
    "wrong_step",
    "outside_difficulty",
    "duplicate",
    "near_duplicate",
    "over_limit",
    "over_domain_share",
    "earlier_step",
    "rollout",
]

Flag = Literal[
    "personal_data",
    "repetitive",
    "wrong_language",
    "role_leak",
    "refusal",
    "self_named",
    "hint_words",
    "refers_back",
    "answer_from_prompt",
    "answer_first",
    "wrong_step",
]
"""What a check of the chain itself finds: it drops the candidate or, where the recipe says so, only labels it."""

Label = Flag | Literal["other_numbers", "unusual_operation"]
"""What a chain is published with: a flag, or that another chain is the same but for its numbers."""

OTHER_NUMBERS: Literal["other_numbers"] = "other_numbers"
UNUSUAL_OPERATION: Literal["unusual_operation"] = "unusual_operation"

DROP_REASONS: dict[DropReason, str] = {
    "unsupported": "Nothing here can judge the problem: it has no tests, or such that need an interactor, say.",
    "bad_reference": "The problem's own grader does not accept its reference answer.",
    "refuted_reference": "Two people or more solved the problem and found its reference answer wrong (`review`).",
    "near_twin": "A problem that a teacher wrote says nearly what a seed says, or the same as another written one.",
    "no_reference": "Nobody found an answer of a written problem: no agreement, or another one than its seed's.",
    "earlier_turn": "Its conversation ended before: a turn that it follows is dropped, or would be for itself alone.",
    "truncated": "The endpoint cut the chain at its token limit.",
    "not_finished": "The chain ended for another reason than being done: a content filter, say.",
    "unclosed_reasoning": "Thinking without a response after it, or a mark of thinking in the response.",
    "no_reasoning": "`curation.require_reasoning` demands separate thinking, and there is none.",
    "incorrect": "The final answer is wrong.",
    "no_answer": "There is no single final answer.",
    "ungraded": "We could not judge it: a fact about us. It is tried again in the next run.",
    "weak_check": "Its program passed tests within its reach, which can be forged, and `code.allow_weak` is off.",
    "tool_output_differs": "A call of the tool gave something else back when it was run again: nobody could repeat it.",
    "hinted": "The prompt held the reference answer (`strategy: hint`), and `curation.keep_hinted` is off.",
    "contaminated": "The problem, or the chain, repeats a text of a benchmark (`curation.decontaminate`).",
    "broken_text": "The chain holds signs that no text is made of: NUL, or bytes that could not be read (U+FFFD).",
    "key_like": "Something in the chain looks like a credential.",
    "personal_data": "The chain holds somebody's address or number, its question does not (`curation.personal_data`).",
    "repetitive": "The same sentence, phrase or passage over and over (`curation.repetition`).",
    "wrong_language": "Prose in another language than the prompt's, or its letters (`curation.max_foreign_letters`).",
    "role_leak": "The chain speaks in another role, or holds a chat template's own tokens.",
    "refusal": "The response refuses to answer.",
    "self_named": "The chain calls itself by a model's name.",
    "hint_words": "The chain mentions the hint that it was given.",
    "refers_back": "A later turn speaks of what its readers never see: an earlier attempt, a review.",
    "answer_from_prompt": "The chain says that the answer was told to it.",
    "answer_first": "The answer is stated before it is derived.",
    "wrong_step": "Something that can be recomputed is wrong: `6 * 7 = 44`.",
    "outside_difficulty": "The problem is solved too seldom or too often (`curation.difficulty`, `pass_rate`).",
    "duplicate": "The problem asks what another one asks, or the chain says what another one of its problem says.",
    "near_duplicate": "Another chain says nearly the same (`curation.near_duplicates`).",
    "over_limit": "The problem has more good chains than `curation.max_per_problem`.",
    "over_domain_share": "The domain has more than `curation.max_per_domain` or `curation.max_domain_share` allow.",
    "earlier_step": "A plan, draft, critique or cut attempt that led to a candidate: never an answer of its own.",
    "rollout": "It labels a step of another chain.",
}
"""Reason -> what it means, in one sentence. The first one that holds of a chain is the one it is dropped for."""

BOUGHT_FOR_OTHER_CHAINS: tuple[DropReason, ...] = ("earlier_step", "rollout")
"""No rule looks at these chains: what they were bought for decides (`flows/stages.py`)."""
