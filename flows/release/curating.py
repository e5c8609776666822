"""Two passes over the stored groups: judge every chain on its own, then decide it among the others."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from pydantic import TypeAdapter

from cotfactory.curation.balance import over_domain_share
from cotfactory.curation.decontaminate import BenchmarkIndex, contaminations, strongest
from cotfactory.curation.drop_rules import Selection
from cotfactory.curation.known_chains import KnownChains
from cotfactory.curation.select import (
    SEEN,
    Candidates,
    ProblemFindings,
    decide,
    first_pass,
    kept_counts,
    near_duplicates,
    with_other_numbers,
)
from cotfactory.curation.split import split_groups, splits
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.grade import Decision
from cotfactory.schemas.group import Group, is_draft
from cotfactory.schemas.problem import Problem
from cotfactory.warehouse.array_spool import ArraySpool
from cotfactory.warehouse.nameless_file import NamelessFile

BATCH_PROBLEMS = 64
Groups = Callable[[], Iterator[tuple[Group, ...]]]
_FINDINGS: TypeAdapter[ProblemFindings] = TypeAdapter(ProblemFindings)


def curated_groups(
    stored: Groups,
    problems: Sequence[Problem],
    curation: Curation,
    benchmarks: BenchmarkIndex | None,
    folder: Path,
    known: KnownChains,
    *,
    allow_weak: bool = False,
) -> Iterator[tuple[Group, ...]]:
    """Yield the groups of one problem after the other, every candidate decided, in the order of `stored`.

    `stored` is read twice, and a third time where domains are balanced. What the first pass finds waits in nameless
    files of `folder`, gone with the process however that ends. Raises RecipeError for a domain share that cannot be
    met, and WorkspaceError when the disk refuses.
    """
    with NamelessFile(folder) as found:
        with ArraySpool(folder, SEEN) as records:
            seen = Candidates(records)
            for batch in _batches(stored()):
                for findings in first_pass(batch, curation, benchmarks, seen, known, allow_weak=allow_weak):
                    found.append(_FINDINGS.dump_json(findings) + b"\n")
            found.flush()
            near = near_duplicates(seen, curation)
            twins = with_other_numbers(seen, curation)
        groups = split_groups(problems) if curation.held_out is not None else {}
        selection = Selection(curation, near, splits(groups, curation.held_out), other_numbers=twins)
        if curation.max_per_domain is not None or curation.max_domain_share is not None:
            left_out = over_domain_share(kept_counts(_decided(stored(), selection, found)), curation)
            selection = replace(selection, left_out=frozenset(left_out))
        yield from _decided(stored(), selection, found)


def earlier_decisions(group: Group, benchmarks: BenchmarkIndex | None) -> list[Decision]:
    """Return the decisions about a group's earlier steps; the detail of one that may be shown names what it repeats.

    Wrong drafts alone may be: as what their own corrections are better than.
    """
    shown = [step for step in group.earlier_steps if is_draft(step) and step.grade.verdict == "incorrect"]
    repeats: dict[str, str] = {}
    if benchmarks is not None and shown:
        found = contaminations([step.text for step in shown], benchmarks, by_characters=False)
        for step, hit in zip(shown, map(strongest, found), strict=True):
            if hit is not None:
                repeats[step.candidate.candidate_id] = hit.evidence("draft")
    return [
        Decision(
            candidate_id=step.candidate.candidate_id,
            kept=False,
            reason="earlier_step",
            detail=repeats.get(step.candidate.candidate_id),
            split=group.split,
        )
        for step in group.earlier_steps
    ]


def _decided(
    stored: Iterator[tuple[Group, ...]], selection: Selection, found: NamelessFile
) -> Iterator[tuple[Group, ...]]:
    for groups, line in zip(stored, found.lines(), strict=True):
        yield decide(groups, _FINDINGS.validate_json(line), selection)


def _batches(stored: Iterator[tuple[Group, ...]]) -> Iterator[list[tuple[Group, ...]]]:
    while batch := list(islice(stored, BATCH_PROBLEMS)):
        yield batch
