"""Drafts: the problems that were made or written of seeds, before anybody knows the answers of the written ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cotfactory.curation.decontaminate import BenchmarkIndex, benchmark_index, contaminations
from cotfactory.flows.grow.writing import Place
from cotfactory.flows.release.benchmarks import problem_hits
from cotfactory.generators.problems.grown_source import grown_problem
from cotfactory.generators.problems.row import split_group_of
from cotfactory.schemas.curation import Overlap
from cotfactory.schemas.decontamination import BenchmarkText
from cotfactory.schemas.drop_reasons import DropReason
from cotfactory.schemas.grown_rules import GrownWay
from cotfactory.schemas.problem import Problem

BATCH = 1_000


@dataclass(frozen=True)
class Draft:
    """A problem with the position of its seed; a written one is `open` until its answer is found, or `dropped`."""

    problem: Problem
    seed: int
    way: GrownWay
    dropped: DropReason | None = None


def drafts_of(
    places: Iterable[Place], questions: Mapping[tuple[int, GrownWay, int], str], seeds: Sequence[Problem]
) -> list[Draft]:
    """Return what construction gave and what was written, in the order of the places; what was not is left out."""
    drafts = []
    for place in places:
        seed = seeds[place.position]
        problem = place.problem
        if problem is None:
            question = questions.get((place.position, place.way, place.sample))
            if question is None:
                continue
            problem = grown_problem(place.way, seed, question, None, seed.answer_kind)
        drafts.append(Draft(problem, place.position, place.way))
    return drafts


def without_repeats(
    drafts: Sequence[Draft], seeds: Sequence[Problem], benchmarks: BenchmarkIndex | None, overlap: Overlap
) -> list[Draft]:
    """Return the drafts, those dropped that repeat a benchmark, another written one or, in whole or in runs, a seed.

    What is grown by construction holds its seed's words, and is held against the benchmarks alone. A problem that was
    written twice is there once.
    """
    drafts = list({draft.problem.problem_id: draft for draft in reversed(drafts)}.values())[::-1]
    said = {split_group_of(seed.question) for seed in seeds}
    contaminated = problem_hits([draft.problem for draft in drafts], benchmarks)
    texts = [
        BenchmarkText(benchmark="seeds", row=seed.problem_id, column="question", text=seed.question) for seed in seeds
    ]
    index = benchmark_index(texts, overlap)
    found: list[Draft] = []
    for start in range(0, len(drafts), BATCH):
        batch = drafts[start : start + BATCH]
        hits = contaminations([draft.problem.question for draft in batch], index, by_characters=True)
        for draft, near in zip(batch, hits, strict=True):
            reason: DropReason | None = None
            words = split_group_of(draft.problem.question)
            if draft.problem.problem_id in contaminated:
                reason = "contaminated"
            elif draft.problem.reference_by == "open" and (near or words in said):
                reason = "near_twin"
            said.add(words)
            found.append(replace(draft, dropped=reason))
    return found
