"""Decide every candidate: what it is found to be, what it repeats, then choosing per problem and per domain.

Texts are read once: `examined_problems` judges each chain on its own and signs it, `decide` gives the decisions from
findings alone. The rules, and their order, are those of `curation/drop_rules.py`. Findings and signatures (376 bytes)
wait in between wherever the caller puts them; nothing depends on the order of arrival.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cotfactory.curation.balance import DomainCount
from cotfactory.curation.chain_checks.findings import ChainFinding, ProblemFindings
from cotfactory.curation.decontaminate import BenchmarkIndex
from cotfactory.curation.difficulty import outside_difficulty
from cotfactory.curation.drop_rules import SELECTION_RULES, WITHIN_PROBLEM_RULES, GroupRule, Known, Selection
from cotfactory.curation.examine import examine
from cotfactory.curation.known_chains import SIGNATURE, Chain, ExaminedProblem, KnownChain, KnownChains
from cotfactory.curation.near_duplicates import (
    BANDS,
    MOST_ROWS,
    Signatures,
    comparable,
    mixed,
    repeats,
    same_but_for_numbers,
    signatures,
)
from cotfactory.curation.unusual_operations import operations, unusual_operations
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.drop_reasons import OTHER_NUMBERS, UNUSUAL_OPERATION, DropReason, Label
from cotfactory.schemas.grade import Decision, Split
from cotfactory.schemas.group import Group

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

    def note(self, problems: Sequence[ExaminedProblem], found: Sequence[ProblemFindings], curation: Curation) -> None:
        """Remember the chains of a batch of problems that passed, by what was `found` of them `among_themselves`.

        Where nothing is held against near-duplicates there is nothing to.
        """
        passed: list[tuple[ChainFinding, KnownChain, int]] = []
        for problem, findings in zip(problems, found, strict=True):
            self.problem_count += 1
            passed += [
                (finding, known, self.problem_count)
                for group, chains in zip(findings.groups, problem.groups, strict=True)
                for finding, known in zip(group, chains, strict=True)
                if finding.reason is None
            ]
        if passed and curation.near_duplicates.within != "off":
            self.records.append(_records(passed))


def examined_problems(
    problems: Sequence[Sequence[Group]],
    curation: Curation,
    index: BenchmarkIndex | None,
    known: KnownChains,
    *,
    allow_weak: bool = False,
) -> list[ExaminedProblem]:
    """Judge the chains of a batch of problems on their own, and sign those that pass.

    What is `known` of a chain is not found out again. The chains of a problem outside the recipe's difficulty do not
    pass, nor do equal texts but the first, so nothing is dropped for repeating them.
    """
    chains = [(group.problem, graded) for members in problems for group in members for graded in group.candidates]
    before = known.look_up(chains)
    fresh = [chain for chain, was in zip(chains, before, strict=True) if was is None]
    found = iter(examine(fresh, curation, index, allow_weak=allow_weak))
    alone = iter([KnownChain(next(found), None) if was is None else was for was in before])
    examined = [
        ExaminedProblem(
            members[0].problem.problem_id,
            tuple(tuple(next(alone) for _ in group.candidates) for group in members),
            outside_difficulty(members, curation.difficulty),
            operations(members[0].problem.solution or ""),
        )
        for members in problems
    ]
    if curation.near_duplicates.within != "off":
        examined = _signed(examined, chains, curation)
    return examined


def _signed(problems: Sequence[ExaminedProblem], chains: Sequence[Chain], curation: Curation) -> list[ExaminedProblem]:
    """Return the problems with a signature for each chain that passed; `chains` are theirs, in order."""
    passed = (
        finding.reason is None
        for problem in problems
        for group in among_themselves(problem.findings(), curation).groups
        for finding in group
    )
    flat = [known for problem in problems for group in problem.groups for known in group]
    unsigned = [place for place, passes in enumerate(passed) if passes and flat[place].signature is None]
    for place, signature in zip(unsigned, _signatures([chains[place] for place in unsigned]), strict=True):
        flat[place] = flat[place]._replace(signature=signature)
    ends = iter(flat)
    return [
        problem._replace(groups=tuple(tuple(next(ends) for _ in group) for group in problem.groups))
        for problem in problems
    ]


def _signatures(chains: Sequence[Chain]) -> Sequence[npt.NDArray[np.void]]:
    if not chains:
        return []
    found = signatures([graded.candidate.text for _, graded in chains], [problem.question for problem, _ in chains])
    records = np.empty(len(chains), SIGNATURE)
    for name, column in found._asdict().items():
        records[name] = column
    return list(records)


def _records(passed: Sequence[tuple[ChainFinding, KnownChain, int]]) -> npt.NDArray[np.void]:
    records = np.empty(len(passed), SEEN)
    signed = np.array([known.signature for _, known, _ in passed], SIGNATURE)
    for name in Signatures._fields:
        records[name] = signed[name]
    records["id"] = [finding.candidate_id for finding, _, _ in passed]
    records["sample"] = [finding.sample_index for finding, _, _ in passed]
    records["problem"] = [number for _, _, number in passed]
    return records


def near_duplicates(seen: Candidates, curation: Curation) -> dict[str, str]:
    """Return {candidate id: the id of the chain it nearly repeats}.

    The survivor is the lower sample index, then the smaller id. A chain of two problems does not repeat itself.
    """
    rule, column = curation.near_duplicates, seen.records.column
    problems = column("problem") if rule.within == "problem" else None
    bands = (mixed(column("bands", band), problems) for band in range(BANDS))
    found: dict[str, str] = {}
    for rows in comparable(bands, column("words"), rule.min_words):
        alike = seen.records.take(rows)
        ids = alike["id"]
        known = Signatures(*(alike[name] for name in Signatures._fields))
        order = np.lexsort((ids, alike["sample"]))
        of = repeats(known, order, rule, None if problems is None else alike["problem"])
        found |= {ids[row].decode(): ids[other].decode() for row, other in of.items() if ids[row] != ids[other]}
    return found


def with_other_numbers(seen: Candidates, curation: Curation) -> frozenset[str]:
    """Return the ids of the chains that another chain is but for its numbers."""
    column = seen.records.column
    rows = same_but_for_numbers(column("form"), column("words"), curation.near_duplicates.min_words)
    parts = (rows[start : start + MOST_ROWS] for start in range(0, len(rows), MOST_ROWS))
    return frozenset(name.decode() for part in parts for name in seen.records.take(part)["id"])


def among_themselves(problem: ProblemFindings, curation: Curation) -> ProblemFindings:
    """Return the findings of one problem where its chains were held against each other."""
    return _decided(problem, WITHIN_PROBLEM_RULES, curation)


def decide(problem: ProblemFindings, selection: Selection) -> list[list[Decision]]:
    """Return one Decision for each candidate of one problem, a list for each of its groups."""
    decided = _decided(problem, SELECTION_RULES, selection)
    split = selection.splits.get(problem.problem_id, "train")
    unusual = _unusual(decided)
    return [[_decision(finding, selection, split, unusual) for finding in members] for members in decided.groups]


def _unusual(decided: ProblemFindings) -> frozenset[str]:
    """Return the ids of the kept chains that do something with two numbers which none of their fellows does."""
    kept = [finding for members in decided.groups for finding in members if finding.reason is None]
    found = unusual_operations([finding.operations for finding in kept], decided.operations)
    return frozenset(finding.candidate_id for finding, said in zip(kept, found, strict=True) if said)


def _decided(problem: ProblemFindings, rules: Mapping[DropReason, GroupRule[Known]], known: Known) -> ProblemFindings:
    """Return the findings of one problem; what nothing dropped before, the first of these rules may."""
    flat = [finding for group in problem.groups for finding in group]
    for reason, rule in rules.items():
        left = [place for place, finding in enumerate(flat) if finding.reason is None]
        for place, found in zip(left, rule([flat[place] for place in left], problem, known), strict=True):
            if found is not None:
                flat[place] = flat[place].model_copy(update={"reason": reason, "detail": found or None})
    ends = iter(flat)
    return problem.model_copy(update={"groups": tuple(tuple(next(ends) for _ in group) for group in problem.groups)})


def kept_count(problem: ProblemFindings, domain: str, selection: Selection) -> DomainCount:
    """Return how many chains a problem keeps, for `curation.balance`."""
    decided = _decided(problem, SELECTION_RULES, selection)
    kept = sum(finding.reason is None for members in decided.groups for finding in members)
    return DomainCount(problem.problem_id, domain, kept)


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
