"""Two passes over the stored groups: judge every chain on its own, then decide it among the others."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from pydantic import TypeAdapter

from curation.balance import over_domain_share
from curation.decontaminate import BenchmarkIndex
from curation.select import SEEN, Candidates, ProblemFindings, Selection, first_pass, kept_counts, near_duplicates
from curation.split import split_groups, splits
from schemas.curation import Curation
from schemas.group import Group
from schemas.problem import Problem
from warehouse.array_spool import ArraySpool

BATCH_PROBLEMS = 64
Groups = Callable[[], Iterator[tuple[Group, ...]]]
_FINDINGS: TypeAdapter[ProblemFindings] = TypeAdapter(ProblemFindings)


def curated_groups(
    stored: Groups,
    problems: Sequence[Problem],
    curation: Curation,
    benchmarks: BenchmarkIndex | None,
    spool: Path,
) -> Iterator[tuple[Group, ...]]:
    """Yield the groups of one problem after the other, every candidate decided, in the order of `stored`.

    `stored` is read twice, and a third time where domains are balanced. What the first pass finds waits in the file
    `spool`, a line a problem, which is removed at the end. Raises RecipeError for a domain share that cannot be met.
    """
    try:
        with ArraySpool(spool.parent, SEEN) as records, spool.open("w", encoding="utf-8") as file:
            seen = Candidates(records)
            for batch in _batches(stored()):
                for findings in first_pass(batch, curation, benchmarks, seen):
                    file.write(_FINDINGS.dump_json(findings).decode("utf-8") + "\n")
            near = near_duplicates(seen, curation)
        groups = split_groups(problems) if curation.held_out is not None else {}
        selection = Selection(curation, near, splits(groups, curation.held_out))
        if curation.max_per_domain is not None or curation.max_domain_share is not None:
            left_out = over_domain_share(kept_counts(_decided(stored(), selection, spool)), curation)
            selection = Selection(curation, selection.near, selection.splits, frozenset(left_out))
        yield from _decided(stored(), selection, spool)
    finally:
        spool.unlink(missing_ok=True)


def _decided(stored: Iterator[tuple[Group, ...]], selection: Selection, spool: Path) -> Iterator[tuple[Group, ...]]:
    with spool.open(encoding="utf-8") as lines:
        for groups, line in zip(stored, lines, strict=True):
            yield selection.decide(groups, _FINDINGS.validate_json(line))


def _batches(stored: Iterator[tuple[Group, ...]]) -> Iterator[list[tuple[Group, ...]]]:
    while batch := list(islice(stored, BATCH_PROBLEMS)):
        yield batch
