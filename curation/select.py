"""Decide every candidate: what it is found to be, what it repeats, then choosing per problem and per domain.

Two passes over the groups, so that texts are streamed: `first_pass` judges each chain on its own and keeps its
signature, `Selection.decide` gives the decisions. Findings and signatures (236 bytes) wait in between wherever the
caller puts them; nothing depends on the order of arrival.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cotfactory.curation.balance import DomainCount
from cotfactory.curation.chain_checks.findings import ChainFinding, chain_text, examine
from cotfactory.curation.choose import choose, in_order
from cotfactory.curation.decontaminate import BenchmarkIndex
from cotfactory.curation.near_duplicates import BANDS, PERMUTATIONS, Signatures, repeats, sharing_a_band, signatures
from cotfactory.schemas.curation import Curation, Difficulty
from cotfactory.schemas.grade import Decision, DropReason, Split
from cotfactory.schemas.group import Group

ProblemFindings = list[list[ChainFinding]]
"""The findings of one problem: a list for each of its groups."""


SEEN = np.dtype(
    [
        ("low", np.uint8, PERMUTATIONS),
        ("bands", np.uint64, BANDS),
        ("words", np.int32),
        ("id", "S32"),
        ("sample", np.int32),
        ("problem", np.int32),
    ]
)
"""What is remembered of a chain that passed: its signature, id and sample index, and the number of its problem."""


class SeenRecords(Protocol):
    """Where records of type SEEN wait, in the order they came; see `warehouse.array_spool`."""

    def append(self, records: npt.NDArray[np.void]) -> None:
        """Take records in."""
        ...

    def column(self, name: str, at: int | None = None) -> npt.NDArray[Any]:
        """Return one field of all records; of a field with several values only that `at` this place."""
        ...

    def take(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.void]:
        """Return the records with these numbers, which ascend."""
        ...


@dataclass
class Candidates:
    """What is remembered of the chains that passed, one record each, and how many problems came."""

    records: SeenRecords
    problem_count: int = 0


def first_pass(
    problems: Sequence[Sequence[Group]], curation: Curation, index: BenchmarkIndex | None, seen: Candidates
) -> list[ProblemFindings]:
    """Judge the chains of a batch of problems on their own, and note the signatures of those that pass in `seen`.

    Of equal texts at one problem the first by sample index and id passes, the others are `duplicate`. The chains of a
    problem outside the recipe's difficulty do not pass, so nothing is dropped for repeating them.
    """
    groups = [group for one in problems for group in one]
    found = iter(examine(groups, curation, index))
    decided: list[ProblemFindings] = []
    texts: list[str] = []
    prompts: list[str] = []
    passed: list[ChainFinding] = []
    numbers: list[int] = []
    for members in problems:
        seen.problem_count += 1
        outside = outside_difficulty(members, curation.difficulty)
        findings = _without_equals([_in_band(next(found), outside) for _ in members])
        decided.append(findings)
        for group, ones in zip(members, findings, strict=True):
            for graded, one in zip(group.candidates, ones, strict=True):
                if one.reason is None:
                    texts.append(chain_text(graded))
                    prompts.append(group.problem.question)
                    passed.append(one)
                    numbers.append(seen.problem_count)
    if curation.near_duplicates.within != "off" and texts:
        found_signatures = signatures(texts, prompts)
        records = np.empty(len(texts), SEEN)
        records["low"], records["bands"], records["words"] = found_signatures
        records["id"] = [one.candidate_id for one in passed]
        records["sample"] = [one.sample_index for one in passed]
        records["problem"] = numbers
        seen.records.append(records)
    return decided


def _in_band(findings: list[ChainFinding], outside: str | None) -> list[ChainFinding]:
    if outside is None:
        return findings
    return [one if one.reason is not None else _dropped(one, "outside_difficulty", outside) for one in findings]


def _without_equals(groups: ProblemFindings) -> ProblemFindings:
    first: dict[str, ChainFinding] = {}
    for one in in_order([one for group in groups for one in group if one.reason is None]):
        first.setdefault(one.text_key, one)
    return [
        [
            one if one.reason is not None or first[one.text_key] is one
            else _dropped(one, "duplicate", f"of {first[one.text_key].candidate_id}")
            for one in group
        ]
        for group in groups
    ]  # fmt: skip


def near_duplicates(seen: Candidates, curation: Curation) -> dict[str, str]:
    """Return {candidate id: the id of the chain it nearly repeats}.

    The survivor is the lower sample index, then the smaller id. A chain of two problems does not repeat itself.
    """
    rule = curation.near_duplicates
    bands = (seen.records.column("bands", band) for band in range(BANDS))
    rows = sharing_a_band(bands, seen.records.column("words"), rule.min_words)
    alike = seen.records.take(rows)
    ids = alike["id"]
    order = np.lexsort((ids, alike["sample"])).tolist()
    problems = alike["problem"].tolist() if rule.within == "problem" else None
    known = Signatures(alike["low"], alike["bands"], alike["words"])
    found = repeats(known, order, rule.min_words, rule.similarity, problems)
    return {ids[row].decode(): ids[other].decode() for row, other in found.items() if ids[row] != ids[other]}


@dataclass(frozen=True)
class Selection:
    """All that decisions need beside the findings of a problem; `left_out` are problems beyond their domain's share."""

    curation: Curation
    near: dict[str, str]
    splits: dict[str, Split]
    left_out: frozenset[str] = frozenset()

    def decide(self, groups: Sequence[Group], findings: ProblemFindings) -> tuple[Group, ...]:
        """Return the groups of one problem with one Decision for each candidate."""
        ones = [[self._judged(one) for one in group] for group in findings]
        alive = [one for group in ones for one in group if one.reason is None]
        limit = self.curation.max_per_problem
        chosen = choose(alive, len(alive) if limit is None else limit, self.curation.prefer)
        split = self.splits.get(groups[0].problem.problem_id, "train")
        left_out = groups[0].problem.problem_id in self.left_out
        return tuple(
            group.model_copy(
                update={"decisions": tuple(_decision(one, chosen, split, left_out=left_out) for one in members)}
            )
            for group, members in zip(groups, ones, strict=True)
        )

    def _judged(self, one: ChainFinding) -> ChainFinding:
        twin = self.near.get(one.candidate_id) if one.reason is None else None
        return one if twin is None else _dropped(one, "near_duplicate", f"of {twin}")


def outside_difficulty(groups: Sequence[Group], band: Difficulty | None) -> str | None:
    """Return how often the band's model solves a problem, in words, when that is outside the band."""
    if band is None:
        return None
    # How often it solves the problem plainly, if that is known; never how often with the answer before its eyes.
    asked = sorted(groups, key=lambda group: group.strategy != "solve")
    rates = [
        group.pass_rate
        for group in asked
        if group.model == band.model and group.strategy != "hint" and group.pass_rate.rate is not None
    ]
    if not rates:
        return f"{band.model} has no graded attempt at it"
    found = rates[0]
    inside = found.rate is not None and band.min <= found.rate <= band.max
    return None if inside else f"{band.model} solves it {found.c} of {found.n} times"


def kept_counts(decided: Iterator[tuple[Group, ...]]) -> list[DomainCount]:
    """Return how many chains each problem keeps, for `curation.balance`."""
    return [
        DomainCount(
            groups[0].problem.problem_id,
            groups[0].problem.domain or "",
            sum(decision.kept for group in groups for decision in group.decisions),
        )
        for groups in decided
    ]


def _dropped(one: ChainFinding, reason: DropReason, detail: str) -> ChainFinding:
    return one.model_copy(update={"reason": reason, "detail": detail})


def _decision(one: ChainFinding, chosen: set[str], split: Split, *, left_out: bool) -> Decision:
    reason, detail = one.reason, one.detail
    if reason is None and one.candidate_id not in chosen:
        reason, detail = "over_limit", None
    elif reason is None and left_out:
        reason, detail = "over_domain_share", None
    return Decision(
        candidate_id=one.candidate_id, kept=reason is None, reason=reason, detail=detail, flags=one.flags, split=split
    )
