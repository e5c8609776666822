"""From stored chains to groups: which samples a recipe uses, their pass rate and their decisions."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from flows.plan import Asker
from generators.stopping import pass_rate, used_samples
from schemas.grade import Verdict
from schemas.group import GradedCandidate, Group
from schemas.problem import Problem
from warehouse.wanted import StoredGroup, WantedSamples


def decided_groups(
    problems: Sequence[Problem], askers: Sequence[Asker], wanted: WantedSamples, recipe: str
) -> Iterator[tuple[Group, ...]]:
    """Yield the groups of one problem after the other, in the recipe's order, with the decisions that are stored."""
    for _, members in groupby(wanted.groups(recipe), key=lambda group: group.position):
        yield tuple(_group(one, problems, askers) for one in members)


def _group(stored: StoredGroup, problems: Sequence[Problem], askers: Sequence[Asker]) -> Group:
    problem, asker = problems[stored.position], askers[stored.teacher_position]
    found = {candidate.sample_index: (candidate, grade, decision) for candidate, grade, decision in stored.candidates}
    if asker.attempts.is_fixed:
        used = list(found.values())
    else:
        by_index: list[Verdict | None] = [
            found[index][1].verdict if index in found else None for index in range(max(found) + 1)
        ]
        used = [found[index] for index in range(used_samples(asker.attempts, by_index))]
    return Group(
        problem=problem,
        teacher=asker.spec.name,
        model=asker.spec.model,
        messages=asker.render(problem),
        candidates=tuple(GradedCandidate(candidate=one, grade=grade) for one, grade, _ in used),
        decisions=tuple(decision for _, _, decision in used if decision is not None),
        pass_rate=pass_rate(asker.attempts, [grade.verdict for _, grade, _ in used]),
    )
