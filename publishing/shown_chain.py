"""ShownChain: a chain as people may look at it in a card or a page: cut to a size, without what may not leave."""

import hashlib

from cotfactory.publishing.may_leave import may_leave
from cotfactory.schemas.grade import Decision, Evidence
from cotfactory.schemas.group import GradedCandidate, Group
from cotfactory.schemas.key_like import count_key_like
from cotfactory.schemas.record import Record

LONGEST_REASONING, LONGEST_TEXT, LONGEST_ANSWER = 3_000, 1_500, 200
WITHHELD = "(withheld: this chain holds what looks like a key)"
BENCHMARK = "(withheld: this chain repeats a benchmark)"


class ShownChain(Record):
    """One chain, its texts cut in the middle, what its grader found, and why it was kept or dropped.

    `detail` is what that rests on: the wrong step, the chain that it repeats. `flags` are findings that only label it.
    """

    candidate_id: str
    problem: str
    domain: str
    teacher: str
    question: str
    reasoning: str
    response: str
    reference: str
    extracted_answer: str
    verdict: str
    grader: str
    grader_reason: str
    evidence: str
    drop_reason: str
    detail: str
    flags: tuple[str, ...]
    output_tokens: int
    finish_reason: str


def shown_chain(group: Group, graded: GradedCandidate, decision: Decision) -> ShownChain:
    """Return a chain to look at. Whole texts are searched for keys, so that no cut makes half a key of one."""
    problem, candidate, grade = group.problem, graded.candidate, graded.grade
    texts = {
        "question": (problem.question, LONGEST_TEXT),
        "reasoning": (candidate.reasoning or "", LONGEST_REASONING),
        "response": (candidate.response, LONGEST_TEXT),
        "reference": (problem.answer, LONGEST_ANSWER),
        "extracted_answer": (grade.extracted_answer or "", LONGEST_ANSWER),
        "evidence": (_evidence(grade.evidence), LONGEST_ANSWER),
        "detail": (decision.detail or "", LONGEST_ANSWER),
        "problem": (f"{problem.source} {problem.source_row_id}", LONGEST_ANSWER),
        "domain": (problem.domain or "", LONGEST_ANSWER),
        "finish_reason": (candidate.finish_reason, LONGEST_ANSWER),
    }
    withheld = any(count_key_like(text) for text, _ in texts.values())
    if not withheld and not may_leave(graded, decision):
        texts |= dict.fromkeys(("reasoning", "response", "extracted_answer"), (BENCHMARK, len(BENCHMARK)))
    return ShownChain(
        candidate_id=candidate.candidate_id,
        teacher=group.teacher,
        verdict=grade.verdict,
        grader=f"{grade.grader} {grade.grader_version}",
        grader_reason=grade.reason,
        drop_reason=decision.reason or "",
        flags=decision.flags,
        output_tokens=graded.output_tokens,
        **{name: WITHHELD if withheld else cut(text, most) for name, (text, most) in texts.items()},
    )


def sha_key(*ids: str) -> int:
    """Return a number to choose a sample by (the smallest ones), the same for the same ids."""
    return int.from_bytes(hashlib.sha256("\n".join(ids).encode()).digest()[:8], "big")


def _evidence(evidence: Evidence) -> str:
    told = {
        "found by": evidence.rule,
        "compared as": evidence.compared_as,
        "detail": evidence.detail,
        "cases passed": evidence.cases_passed,
        "of": evidence.cases_total,
    }
    return ", ".join(f"{name} {value}" for name, value in told.items() if value is not None)


def cut(text: str, most: int) -> str:
    """Return a text without its middle where it is longer than `most` characters: the answer stands at its end."""
    if len(text) <= most:
        return text
    head = most * 2 // 3
    return f"{text[:head]}\n[... {len(text) - most:,} characters left out ...]\n{text[head - most :]}"
