"""Examine chains on their own: the first rule that drops each, and the findings that only label it."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from cotfactory.curation.chain_checks.arithmetic_steps import stated_steps
from cotfactory.curation.chain_checks.findings import ChainFinding, ExaminedChain
from cotfactory.curation.decontaminate import BenchmarkIndex
from cotfactory.curation.drop_rules import CHAIN_RULES
from cotfactory.curation.known_chains import Chain
from cotfactory.curation.near_duplicates import text_key
from cotfactory.curation.unusual_operations import operations
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.drop_reasons import DropReason, Flag
from cotfactory.schemas.group import GradedCandidate
from cotfactory.schemas.problem import Problem

MAX_EQUATIONS = 64


@dataclass
class _Examination:
    """What has been found of a chain so far; `said` are the words of its labels, or of what dropped it."""

    chain: ExaminedChain
    reason: DropReason | None = None
    flags: list[Flag] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def examine(
    asked: Sequence[Chain], curation: Curation, index: BenchmarkIndex | None, *, allow_weak: bool = False
) -> list[ChainFinding]:
    """Return what each chain is found to be, in order.

    The first rule of CHAIN_RULES that drops a chain counts; `allow_weak` leaves that of weak checks out. What none
    drops is compared with others of its kind by `curation.select`.
    """
    before = _dropped_before(asked, curation, index, allow_weak=allow_weak)
    chains = [_Examination(_chain(*chain, reason)) for chain, reason in zip(asked, before, strict=True)]
    left = chains
    rules = {reason: rule for reason, rule in CHAIN_RULES.items() if not (allow_weak and reason == "weak_check")}
    for reason, rule in rules.items():
        for chain, found in zip(left, rule([examined.chain for examined in left], curation, index), strict=True):
            if found is None:
                continue
            if _only_labels(reason, curation):
                chain.flags.append(reason)
                chain.said.append(found)
            else:
                chain.reason, chain.said = reason, [found]
        left = [chain for chain in left if chain.reason is None]
    return [_finding(chain, curation) for chain in chains]


def _only_labels(reason: DropReason, curation: Curation) -> TypeGuard[Flag]:
    return (
        reason in curation.label_only
        or (reason == "wrong_step" and not curation.drop_wrong_steps)
        or (reason == "personal_data" and curation.personal_data != "drop")
    )


def _dropped_before(
    asked: Sequence[Chain], curation: Curation, index: BenchmarkIndex | None, *, allow_weak: bool
) -> list[DropReason | None]:
    """Return, of each later turn of a conversation, what the answer that it follows is dropped for by itself."""
    follow = [
        (problem.follows, graded.before) if problem.follows is not None and graded.before is not None else None
        for problem, graded in asked
    ]
    earlier = [chain for chain in follow if chain is not None]
    found = iter(examine(earlier, curation, index, allow_weak=allow_weak) if earlier else [])
    return [None if chain is None else next(found).reason for chain in follow]


def _chain(problem: Problem, graded: GradedCandidate, dropped_before: DropReason | None) -> ExaminedChain:
    return ExaminedChain.model_construct(
        text=graded.text,
        prompt=problem.asked_text,
        problem=problem,
        graded=graded,
        dropped_before=dropped_before,
    )


def _finding(examined: _Examination, curation: Curation) -> ChainFinding:
    chain, candidate = examined.chain, examined.chain.graded.candidate
    is_left = examined.reason is None
    return ChainFinding(
        candidate_id=candidate.candidate_id,
        sample_index=candidate.sample_index,
        reason=examined.reason,
        detail="; ".join(examined.said) or None,
        flags=tuple(examined.flags),
        length=len(chain.text),
        text_key=text_key(candidate) if is_left else "",
        equations=_equations(chain.text) if is_left and curation.prefer == "most_different" else (),
        operations=operations(chain.text) if is_left else (),
        calls=bool(chain.graded.turns),
    )


def _equations(text: str) -> tuple[int, ...]:
    """Return the numbers of the equations a chain states, the same in every process."""
    return tuple(sorted({zlib.crc32(step.text.encode()) for step in stated_steps(text)})[:MAX_EQUATIONS])
