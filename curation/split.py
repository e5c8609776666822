"""Where a problem goes: `test` for a seeded share of the problem groups, near-twins together."""

from collections.abc import Iterable, Mapping

from cotfactory.curation.near_duplicates import joined, repeats, signatures
from cotfactory.schemas.curation import HeldOut, NearDuplicates
from cotfactory.schemas.grade import Split
from cotfactory.schemas.ids import seed_from
from cotfactory.schemas.problem import Problem

TWINS = NearDuplicates(similarity=0.8, min_words=8)
BATCH = 2_000


def split_groups(problems: Iterable[Problem]) -> dict[str, str]:
    """Return problem id -> split group, where problems that are nearly the same share one.

    A group is called by the smallest `split_group` in it. Holds all problems while it works, and 344 bytes of
    signature for each.
    """
    ordered = sorted(problems, key=lambda problem: problem.problem_id)
    parts = [
        signatures([problem.asked_text for problem in ordered[start : start + BATCH]])
        for start in range(0, len(ordered), BATCH)
    ]
    twins = repeats(joined(parts), range(len(ordered)), TWINS, numbers_matter=False)
    parent = {problem.split_group: problem.split_group for problem in ordered}

    def root(group: str) -> str:
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    for row, other in twins.items():
        smaller, larger = sorted((root(ordered[row].split_group), root(ordered[other].split_group)))
        parent[larger] = smaller
    return {problem.problem_id: root(problem.split_group) for problem in ordered}


def splits(groups: Mapping[str, str], held_out: HeldOut | None) -> dict[str, Split]:
    """Return problem id -> split. A group's side depends on its name and the seed alone, not on the other groups."""
    if held_out is None:
        return dict.fromkeys(groups, "train")
    limit = int(held_out.share * 2**64)
    return {
        problem: "test" if seed_from("held out", held_out.seed, group) < limit else "train"
        for problem, group in groups.items()
    }
