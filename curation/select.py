"""Decide every candidate: what it is found to be, what it repeats, then choosing per problem and per domain.

Two passes over the groups, so that texts are streamed: `first_pass` judges each chain on its own and keeps its
signature, `decide` gives the decisions. The rules, and their order, are those of `curation/drop_rules.py`. Findings and
signatures (376 bytes) wait in between wherever the caller puts them; nothing depends on the order of arrival.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cotfactory.curation.balance import DomainCount
from cotfactory.curation.chain_checks.findings import ChainFinding
from cotfactory.curation.decontaminate import BenchmarkIndex
from cotfactory.curation.drop_rules import SELECTION_RULES, WITHIN_PROBLEM_RULES, GroupRule, Known, Selection
from cotfactory.curation.examine import examine
from cotfactory.curation.known_chains import SIGNATURE, Chain, KnownChain, KnownChains
from cotfactory.curation.near_duplicates import (
    BANDS,
    Signatures,
    repeats,
    same_but_for_numbers,
    sharing_a_band,
    signatures,
)
from cotfactory.curation.unusual_operations import unusual_operations
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.drop_reasons import OTHER_NUMBERS, UNUSUAL_OPERATION, DropReason, Label
from cotfactory.schemas.grade import Decision, Split
from cotfactory.schemas.group import Group

ProblemFindings = list[list[ChainFinding]]
"""The findings of one problem: a list for each of its groups."""


SEEN = np.dtype([*SIGNATURE.descr, ("id", "S32"), ("sample", np.int32), ("problem", np.int32)])
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
    problems: Sequence[Sequence[Group]],
    curation: Curation,
    index: BenchmarkIndex | None,
    seen: Candidates,
    known: KnownChains,
    *,
    allow_weak: bool = False,
) -> list[ProblemFindings]:
    """Judge the chains of a batch of problems on their own, and note the signatures of those that pass in `seen`.

    What is `known` of a chain is not found out again. Of equal texts at one problem the first by sample index and id
    passes, the others are `duplicate`. The chains of a problem outside the recipe's difficulty do not pass, so nothing
    is dropped for repeating them.
    """
    chains = [(group.problem, graded) for members in problems for group in members for graded in group.candidates]
    before = known.look_up(chains)
    fresh = [chain for chain, was in zip(chains, before, strict=True) if was is None]
    found = iter(examine(fresh, curation, index, allow_weak=allow_weak))
    alone = [next(found) if was is None else was.finding for was in before]
    ends = iter(alone)
    decided: list[ProblemFindings] = []
    passed: list[int] = []
    numbers: list[int] = []
    for members in problems:
        seen.problem_count += 1
        own = [[next(ends) for _ in group.candidates] for group in members]
        findings = _decided(own, WITHIN_PROBLEM_RULES, members, curation)
        flat = [finding for group in findings for finding in group]
        first = len(numbers)
        numbers += [seen.problem_count] * len(flat)
        passed += [first + place for place, finding in enumerate(flat) if finding.reason is None]
        decided.append(findings)
    signed = [None if was is None else was.signature for was in before]
    if curation.near_duplicates.within != "off" and passed:
        unsigned = [place for place in passed if signed[place] is None]
        for place, signature in zip(unsigned, _signatures([chains[place] for place in unsigned]), strict=True):
            signed[place] = signature
        seen.records.append(_records([(alone[place], signed[place], numbers[place]) for place in passed]))
    known.note(chains, list(map(KnownChain, alone, signed)))
    return decided


def _signatures(chains: Sequence[Chain]) -> Sequence[npt.NDArray[np.void]]:
    if not chains:
        return []
    found = signatures([graded.candidate.text for _, graded in chains], [problem.question for problem, _ in chains])
    records = np.empty(len(chains), SIGNATURE)
    for name, column in found._asdict().items():
        records[name] = column
    return list(records)


def _records(passed: Sequence[tuple[ChainFinding, npt.NDArray[np.void] | None, int]]) -> npt.NDArray[np.void]:
    records = np.empty(len(passed), SEEN)
    for record, (finding, signature, number) in zip(records, passed, strict=True):
        assert signature is not None
        for name in Signatures._fields:
            record[name] = signature[name]
        record["id"], record["sample"], record["problem"] = finding.candidate_id, finding.sample_index, number
    return records


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
    known = Signatures(*(alike[name] for name in Signatures._fields))
    found = repeats(known, order, rule, problems)
    return {ids[row].decode(): ids[other].decode() for row, other in found.items() if ids[row] != ids[other]}


def with_other_numbers(seen: Candidates, curation: Curation) -> frozenset[str]:
    """Return the ids of the chains that another chain is but for its numbers."""
    column = seen.records.column
    rows = same_but_for_numbers(column("form"), column("words"), curation.near_duplicates.min_words)
    return frozenset(name.decode() for name in seen.records.take(rows)["id"])


def decide(groups: Sequence[Group], findings: ProblemFindings, selection: Selection) -> tuple[Group, ...]:
    """Return the groups of one problem with one Decision for each candidate."""
    problem_id = groups[0].problem.problem_id
    decided = _decided(findings, SELECTION_RULES, groups, selection)
    split = selection.splits.get(problem_id, "train")
    unusual = _unusual(groups, decided)
    return tuple(
        group.model_copy(
            update={"decisions": tuple(_decision(finding, selection, split, unusual) for finding in members)}
        )
        for group, members in zip(groups, decided, strict=True)
    )


def _unusual(groups: Sequence[Group], decided: ProblemFindings) -> frozenset[str]:
    """Return the ids of the kept chains that do something with two numbers which none of their fellows does."""
    kept = [
        graded
        for group, members in zip(groups, decided, strict=True)
        for graded, finding in zip(group.candidates, members, strict=True)
        if finding.reason is None
    ]
    if not kept:
        return frozenset()
    found = unusual_operations([graded.text for graded in kept], groups[0].problem.solution)
    return frozenset(graded.candidate.candidate_id for graded, said in zip(kept, found, strict=True) if said)


def _decided(
    findings: ProblemFindings, rules: Mapping[DropReason, GroupRule[Known]], groups: Sequence[Group], known: Known
) -> ProblemFindings:
    """Return the findings of one problem; what nothing dropped before, the first of these rules may."""
    flat = [finding for group in findings for finding in group]
    for reason, rule in rules.items():
        left = [place for place, finding in enumerate(flat) if finding.reason is None]
        for place, found in zip(left, rule([flat[place] for place in left], groups, known), strict=True):
            if found is not None:
                flat[place] = flat[place].model_copy(update={"reason": reason, "detail": found or None})
    ends = iter(flat)
    return [[next(ends) for _ in group] for group in findings]


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


def _decision(finding: ChainFinding, selection: Selection, split: Split, unusual: frozenset[str]) -> Decision:
    kept = finding.reason is None
    flags: tuple[Label, ...] = finding.flags
    if kept and finding.candidate_id in selection.other_numbers:
        flags = (*flags, OTHER_NUMBERS)
    if finding.candidate_id in unusual:
        flags = (*flags, UNUSUAL_OPERATION)
    return Decision(
        candidate_id=finding.candidate_id,
        kept=kept,
        reason=finding.reason,
        detail=finding.detail,
        flags=flags,
        split=split,
    )
