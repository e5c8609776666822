"""What a candidate is found to be on its own: the first reason to drop it, and the findings that only label it."""

import zlib
from collections.abc import Callable, Sequence

from cotfactory.curation.chain_checks.arithmetic_steps import stated_steps
from cotfactory.curation.chain_checks.chain_steps import wrong_step
from cotfactory.curation.chain_checks.degenerate import degenerate
from cotfactory.curation.chain_checks.language import foreign_share
from cotfactory.curation.chain_checks.leaks import answer_first, answer_from_prompt, hint_words, key_like, refers_back
from cotfactory.curation.chain_checks.repetition import repetition
from cotfactory.curation.chain_checks.voices import leaked_role, refusal, self_naming
from cotfactory.curation.decontaminate import BenchmarkIndex, contaminations, strongest
from cotfactory.curation.near_duplicates import text_key
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.grade import DropReason, Flag
from cotfactory.schemas.group import GradedCandidate, Group
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.record import Record

HINTED = "hint"
"""The strategy whose prompt shows the reference answer (STaR's rationalisation)."""

MAX_EQUATIONS = 64


class ChainFinding(Record):
    """One candidate, judged on its own, with all that choosing among candidates needs; its text is not in it.

    `length` is in characters, `text_key` equal for equal texts, `equations` the ids of the equations it states.
    """

    candidate_id: str
    sample_index: int
    reason: DropReason | None
    detail: str | None
    flags: tuple[Flag, ...]
    length: int = 0
    text_key: str = ""
    equations: tuple[int, ...] = ()


class ExaminedChain(Record):
    """What the checks read: the whole chain, and what it was asked."""

    text: str
    prompt: str
    problem: Problem
    graded: GradedCandidate


Check = Callable[[ExaminedChain, Curation], str | None]


def _wrong_language(chain: ExaminedChain, curation: Curation) -> str | None:
    share = foreign_share(chain.text, chain.prompt)
    return f"{share:.0%} of its letters are foreign to the prompt" if share > curation.max_foreign_letters else None


def _answer_first(chain: ExaminedChain, _: Curation) -> str | None:
    candidate, problem = chain.graded.candidate, chain.problem
    return answer_first(candidate.reasoning or candidate.response, problem.answer, problem.question)


def _hint_words(chain: ExaminedChain, _: Curation) -> str | None:
    hinted = chain.graded.candidate.strategy == HINTED
    return hint_words(chain.text, chain.problem.question) if hinted else None


def _refers_back(chain: ExaminedChain, _: Curation) -> str | None:
    follows = chain.graded.candidate.parent_id is not None
    return refers_back(chain.text, chain.problem.question) if follows else None


CHECKS: dict[Flag, Check] = {
    "repetitive": lambda chain, curation: repetition(chain.text, curation.repetition),
    "wrong_language": _wrong_language,
    "role_leak": lambda chain, _: leaked_role(chain.text, chain.prompt),
    "refusal": lambda chain, _: refusal(chain.graded.candidate.response),
    "self_named": lambda chain, _: self_naming(chain.text, chain.prompt),
    "hint_words": _hint_words,
    "refers_back": _refers_back,
    "answer_from_prompt": lambda chain, _: answer_from_prompt(chain.text, chain.problem.question),
    "answer_first": _answer_first,
    "wrong_step": lambda chain, _: wrong_step(chain.problem.question, chain.text, chain.graded.grade.extracted_answer),
}
"""Flag -> what finds it, in this order; each returns what it found as text."""


def examine(groups: Sequence[Group], curation: Curation, index: BenchmarkIndex | None) -> list[list[ChainFinding]]:
    """Return one ChainFinding for each candidate of each group, in order.

    The first reason counts: form, verdict, keys, contamination, then CHECKS. What has no reason is compared with
    others of its kind by `curation.select`.
    """
    chains = [_chain(group.problem, graded) for group in groups for graded in group.candidates]
    reasons = [_without_reading(chain.graded, curation) for chain in chains]
    hits = contaminations(
        [chain.text if reason is None else "" for chain, reason in zip(chains, reasons, strict=True)], index,
        by_characters=False,
    ) if index is not None else [[] for _ in chains]  # fmt: skip
    found = []
    for chain, reason, contamination in zip(chains, reasons, hits, strict=True):
        hit = strongest(contamination)
        if reason is None and hit is not None:
            found.append(_finding(chain, "contaminated", hit.evidence("chain"), ()))
        elif reason is not None:
            found.append(_finding(chain, reason, None, ()))
        else:
            found.append(_read(chain, curation))
    ends = iter(found)
    return [[next(ends) for _ in group.candidates] for group in groups]


def chain_text(graded: GradedCandidate) -> str:
    """Return reasoning and response as one text."""
    return f"{graded.candidate.reasoning or ''}\n{graded.candidate.response}"


def _chain(problem: Problem, graded: GradedCandidate) -> ExaminedChain:
    prompt = "\n".join((problem.question, *(problem.choices or ())))
    return ExaminedChain.model_construct(text=chain_text(graded), prompt=prompt, problem=problem, graded=graded)


def _without_reading(graded: GradedCandidate, curation: Curation) -> DropReason | None:
    form = degenerate(graded.candidate, require_reasoning=curation.require_reasoning)
    verdict = graded.grade.verdict
    if form is not None:
        return form
    if verdict != "correct":
        return verdict
    return "hinted" if graded.candidate.strategy == HINTED and not curation.keep_hinted else None


def _read(chain: ExaminedChain, curation: Curation) -> ChainFinding:
    keys = key_like(chain.text)
    if keys is not None:
        return _finding(chain, "key_like", keys, ())
    flags: list[Flag] = []
    details = []
    for flag, check in CHECKS.items():
        text = check(chain, curation)
        if text is None:
            continue
        if flag not in curation.label_only and (flag != "wrong_step" or curation.drop_wrong_steps):
            return _finding(chain, flag, text, tuple(flags))
        flags.append(flag)
        details.append(text)
    found = _finding(chain, None, "; ".join(details) or None, tuple(flags))
    equations = (
        {_number_of(step.text) for step in stated_steps(chain.text)} if curation.prefer == "most_different" else set()
    )
    more = {"text_key": text_key(chain.graded.candidate), "equations": tuple(sorted(equations)[:MAX_EQUATIONS])}
    return found.model_copy(update=more)


def _number_of(text: str) -> int:
    """Return the number of an equation, the same in every process."""
    return zlib.crc32(text.encode())


def _finding(
    chain: ExaminedChain, reason: DropReason | None, detail: str | None, flags: tuple[Flag, ...]
) -> ChainFinding:
    candidate = chain.graded.candidate
    return ChainFinding(
        candidate_id=candidate.candidate_id,
        sample_index=candidate.sample_index,
        reason=reason,
        detail=detail,
        flags=flags,
        length=len(chain.text),
    )
