"""Why chains are dropped: each reason with its rule, in the order in which they are tried.

What the reasons mean is in `schemas/drop_reasons.py`; `curation/examine.py` and `curation/select.py` go through the
tables and say nothing of their own. A rule is asked about all chains that no earlier rule dropped, and answers for each
of them, in order: None to let it pass, else what it found, as a text for people ("" where the reason says it all).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from cotfactory.curation.chain_checks.chain_steps import wrong_step
from cotfactory.curation.chain_checks.findings import ChainFinding, ExaminedChain, ProblemFindings
from cotfactory.curation.chain_checks.language import foreign_share, other_language
from cotfactory.curation.chain_checks.leaks import answer_first, answer_from_prompt, hint_words, key_like, refers_back
from cotfactory.curation.chain_checks.personal_data import personal_words
from cotfactory.curation.chain_checks.repetition import repetitions
from cotfactory.curation.chain_checks.unclosed_reasoning import unclosed_reasoning
from cotfactory.curation.chain_checks.voices import leaked_role, self_naming
from cotfactory.curation.choose import choose, in_order
from cotfactory.curation.decontaminate import BenchmarkIndex, contaminations, strongest
from cotfactory.schemas.broken_text import count_broken_signs
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.drop_reasons import DropReason
from cotfactory.schemas.grade import Split, Verdict
from cotfactory.schemas.refusals import refusal
from cotfactory.schemas.review import PEOPLE

HINTED = "hint"
"""The strategy whose prompt shows the reference answer (STaR's rationalisation)."""

Found = str | None
Check = Callable[[ExaminedChain, Curation], Found]
ChainRule = Callable[[Sequence[ExaminedChain], Curation, BenchmarkIndex | None], Sequence[Found]]
Known = TypeVar("Known")
GroupRule = Callable[[Sequence[ChainFinding], ProblemFindings, Known], Sequence[Found]]
"""A rule for the chains of one problem, given what else is known of it and of all."""


@dataclass(frozen=True)
class Selection:
    """What is known once all chains of a recipe were examined.

    `near` names, for a candidate id, the chain it nearly repeats; `splits` where the rows of a problem go; `left_out`
    are problems beyond their domain's share, `other_numbers` chains that another is but for its numbers.
    """

    curation: Curation
    near: dict[str, str]
    splits: dict[str, Split]
    left_out: frozenset[str] = frozenset()
    other_numbers: frozenset[str] = frozenset()


def _when(holds: bool) -> Found:
    return "" if holds else None


def _each(check: Check, chains: Sequence[ExaminedChain], curation: Curation, _: BenchmarkIndex | None) -> list[Found]:
    return [check(chain, curation) for chain in chains]


def _earlier_turn(chain: ExaminedChain, _: Curation) -> Found:
    return chain.dropped_before


def _truncated(chain: ExaminedChain, _: Curation) -> Found:
    return _when(chain.graded.candidate.is_truncated)


def _not_finished(chain: ExaminedChain, _: Curation) -> Found:
    return _when(not chain.graded.candidate.is_finished)


def _unclosed_reasoning(chain: ExaminedChain, _: Curation) -> Found:
    return _when(unclosed_reasoning(chain.graded.candidate))


def _no_reasoning(chain: ExaminedChain, curation: Curation) -> Found:
    return _when(curation.require_reasoning and not chain.graded.candidate.reasoning)


def _verdict_is(verdict: Verdict, chain: ExaminedChain, _: Curation) -> Found:
    return _when(chain.graded.grade.verdict == verdict)


def _weak_check(chain: ExaminedChain, _: Curation) -> Found:
    return _when(chain.graded.grade.evidence.weak)


def _tool_output_differs(chain: ExaminedChain, _: Curation) -> Found:
    return chain.graded.tool_difference


def _hinted(chain: ExaminedChain, curation: Curation) -> Found:
    return _when(chain.graded.candidate.strategy == HINTED and not curation.keep_hinted)


def _contaminated(chains: Sequence[ExaminedChain], _: Curation, index: BenchmarkIndex | None) -> list[Found]:
    if index is None:
        return [None] * len(chains)
    best = map(strongest, contaminations([chain.text for chain in chains], index, by_characters=False))
    return [hit.evidence("chain") if hit is not None else None for hit in best]


def _broken_text(chain: ExaminedChain, _: Curation) -> Found:
    count = count_broken_signs(chain.text)
    return f"{count} signs that no text is made of" if count else None


def _key_like(chain: ExaminedChain, _: Curation) -> Found:
    return key_like(chain.text)


def _personal_data(chain: ExaminedChain, _: Curation) -> Found:
    return personal_words(chain.text, chain.prompt)


def _repetitive(chains: Sequence[ExaminedChain], curation: Curation, _: BenchmarkIndex | None) -> list[Found]:
    return repetitions([chain.text for chain in chains], curation.repetition)


def _wrong_language(chain: ExaminedChain, curation: Curation) -> Found:
    share = foreign_share(chain.text, chain.prompt)
    if share > curation.max_foreign_letters:
        return f"{share:.0%} of its letters are foreign to the prompt"
    language = other_language(chain.text, chain.prompt)
    return f"its prose is in {language!r}, its prompt is not" if language is not None else None


def _role_leak(chain: ExaminedChain, _: Curation) -> Found:
    return leaked_role(chain.text, chain.prompt)


def _refusal(chain: ExaminedChain, _: Curation) -> Found:
    rubric = chain.problem.rubric
    if rubric is not None and rubric.must_refuse is not None:
        return None  # whether to refuse is what its grader decided
    return refusal(chain.graded.candidate.response)


def _self_named(chain: ExaminedChain, _: Curation) -> Found:
    return self_naming(chain.text, chain.prompt)


def _hint_words(chain: ExaminedChain, _: Curation) -> Found:
    hinted = chain.graded.candidate.strategy == HINTED
    return hint_words(chain.text, chain.problem.question) if hinted else None


def _refers_back(chain: ExaminedChain, _: Curation) -> Found:
    follows = chain.graded.candidate.parent_id is not None and chain.problem.follows is None
    return refers_back(chain.text, chain.problem.question) if follows else None


def _answer_from_prompt(chain: ExaminedChain, _: Curation) -> Found:
    return answer_from_prompt(chain.text, chain.problem.question)


def _answer_first(chain: ExaminedChain, _: Curation) -> Found:
    candidate, problem = chain.graded.candidate, chain.problem
    return answer_first(candidate.reasoning or candidate.response, problem.answer, problem.question)


def _wrong_step(chain: ExaminedChain, _: Curation) -> Found:
    """Return what people found of the steps, where they were asked, else what can be recomputed."""
    grade = chain.graded.grade
    if grade.grader == PEOPLE and grade.reason in ("wrong_step", "steps_right"):
        return grade.evidence.detail if grade.reason == "wrong_step" else None
    return wrong_step(chain.problem.question, chain.text, chain.graded.grade.extracted_answer)


def _outside_difficulty(chains: Sequence[ChainFinding], problem: ProblemFindings, _: Curation) -> list[Found]:
    return [problem.outside] * len(chains)


def _duplicate(chains: Sequence[ChainFinding], _: ProblemFindings, __: Curation) -> list[Found]:
    """Of equal texts the first by sample index and id passes."""
    first: dict[str, ChainFinding] = {}
    for chain in in_order(chains):
        first.setdefault(chain.text_key, chain)
    firsts = [first[chain.text_key] for chain in chains]
    return [
        None if original is chain else f"of {original.candidate_id}"
        for chain, original in zip(chains, firsts, strict=True)
    ]


def _near_duplicate(chains: Sequence[ChainFinding], _: ProblemFindings, selection: Selection) -> list[Found]:
    twins = (selection.near.get(chain.candidate_id) for chain in chains)
    return [f"of {twin}" if twin is not None else None for twin in twins]


def _over_limit(chains: Sequence[ChainFinding], _: ProblemFindings, selection: Selection) -> list[Found]:
    limit = selection.curation.max_per_problem
    chosen = choose(chains, len(chains) if limit is None else limit, selection.curation.prefer)
    return [_when(chain.candidate_id not in chosen) for chain in chains]


def _over_domain_share(chains: Sequence[ChainFinding], problem: ProblemFindings, selection: Selection) -> list[Found]:
    return [_when(problem.problem_id in selection.left_out)] * len(chains)


CHAIN_RULES: dict[DropReason, ChainRule] = {
    "earlier_turn": partial(_each, _earlier_turn),
    "truncated": partial(_each, _truncated),
    "not_finished": partial(_each, _not_finished),
    "unclosed_reasoning": partial(_each, _unclosed_reasoning),
    "no_reasoning": partial(_each, _no_reasoning),
    "incorrect": partial(_each, partial(_verdict_is, "incorrect")),
    "no_answer": partial(_each, partial(_verdict_is, "no_answer")),
    "ungraded": partial(_each, partial(_verdict_is, "ungraded")),
    "weak_check": partial(_each, _weak_check),
    "tool_output_differs": partial(_each, _tool_output_differs),
    "hinted": partial(_each, _hinted),
    "contaminated": _contaminated,
    "broken_text": partial(_each, _broken_text),
    "key_like": partial(_each, _key_like),
    "personal_data": partial(_each, _personal_data),
    "repetitive": _repetitive,
    "wrong_language": partial(_each, _wrong_language),
    "role_leak": partial(_each, _role_leak),
    "refusal": partial(_each, _refusal),
    "self_named": partial(_each, _self_named),
    "hint_words": partial(_each, _hint_words),
    "refers_back": partial(_each, _refers_back),
    "answer_from_prompt": partial(_each, _answer_from_prompt),
    "answer_first": partial(_each, _answer_first),
    "wrong_step": partial(_each, _wrong_step),
}
"""What a chain is on its own. `schemas.drop_reasons.Flag` are those that a recipe may have label and not drop."""

WITHIN_PROBLEM_RULES: dict[DropReason, GroupRule[Curation]] = {
    "outside_difficulty": _outside_difficulty,
    "duplicate": _duplicate,
}
"""What it is among the chains of its problem, by all teachers."""

SELECTION_RULES: dict[DropReason, GroupRule[Selection]] = {
    "near_duplicate": _near_duplicate,
    "over_limit": _over_limit,
    "over_domain_share": _over_domain_share,
}
"""What it is once all chains of the recipe were seen."""
