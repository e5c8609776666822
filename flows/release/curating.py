"""Judge every chain on its own, where that is not known yet, then decide it among all the others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from pydantic import TypeAdapter

from cotfactory.curation.balance import over_domain_share
from cotfactory.curation.chain_checks.findings import ProblemFindings
from cotfactory.curation.decontaminate import BenchmarkIndex, contaminations, strongest
from cotfactory.curation.drop_rules import Selection
from cotfactory.curation.known_chains import ExaminedProblem
from cotfactory.curation.select import (
    SEEN,
    Candidates,
    among_themselves,
    decide,
    examined_problems,
    kept_count,
    near_duplicates,
    with_other_numbers,
)
from cotfactory.curation.split import split_groups, splits
from cotfactory.flows.groups import decided_groups
from cotfactory.flows.host.interpreter import give_up_if_interrupted
from cotfactory.flows.job import Job
from cotfactory.flows.release.examined import ExaminedChains, KnownProblem, ProblemFacts, groups_id
from cotfactory.flows.release.tool_reruns import ToolReruns
from cotfactory.flows.summary import Tally
from cotfactory.schemas.grade import Decision
from cotfactory.schemas.group import Group, is_draft
from cotfactory.schemas.ids import content_id
from cotfactory.warehouse.array_spool import ArraySpool
from cotfactory.warehouse.nameless_file import NamelessFile

BATCH_PROBLEMS = 64


class _Found(NamedTuple):
    """A problem as it waits to be decided, without signatures."""

    findings: ProblemFindings
    facts: ProblemFacts


_FOUND = TypeAdapter(_Found)


@dataclass(frozen=True)
class CuratedProblem:
    """The decisions about one problem: of each of its groups, and of the steps that led to its chains.

    `groups_key` is a hash of all that the groups are made of, None where nobody knows before they are read.
    """

    position: int
    problem_id: str
    groups_key: str | None
    decisions: list[list[Decision]]
    earlier: list[Decision]
    tally: Tally


def curated_problems(job: Job, known: ExaminedChains, rules: str, reruns: ToolReruns) -> Iterator[CuratedProblem]:
    """Yield one problem after the other, every candidate decided, in the order of the recipe.

    `rules` are what `known` knows chains by. What is found waits in nameless files, gone with the process however that
    ends. Raises RecipeError for a domain share that cannot be met, and WorkspaceError when the disk refuses.
    """
    curation, folder, keys = job.run.recipe.curation, job.run.workspace.staging, _keys(job, rules)
    with NamelessFile(folder) as found:
        with ArraySpool(folder, SEEN) as records:
            seen = Candidates(records)
            for batch in _examined(job, known, keys, reruns):
                chains, facts = [problem.chains for problem in batch], [problem.facts for problem in batch]
                findings = [among_themselves(problem.findings(), curation) for problem in chains]
                seen.note(chains, findings, curation)
                for of_problem in map(_Found, findings, facts):
                    found.append(_FOUND.dump_json(of_problem) + b"\n")
            found.flush()
            near = near_duplicates(seen, curation)
            twins = with_other_numbers(seen, curation)
        groups = split_groups(job.problems) if curation.held_out is not None else {}
        selection = Selection(curation, near, splits(groups, curation.held_out), other_numbers=twins)
        if curation.max_per_domain is not None or curation.max_domain_share is not None:
            counts = [kept_count(each.findings, each.facts.domain, selection) for each in _waiting(found)]
            selection = replace(selection, left_out=frozenset(over_domain_share(counts, curation)))
        for (position, key), each in zip(keys.items(), _waiting(found), strict=True):
            yield _curated(position, key, each, selection)


def _waiting(found: NamelessFile) -> Iterator[_Found]:
    return map(_FOUND.validate_json, found.lines())


def _curated(position: int, key: str | None, found: _Found, selection: Selection) -> CuratedProblem:
    findings, facts = found.findings, found.facts
    decisions, tally = decide(findings, selection), facts.tally
    for teacher, members, decided in zip(facts.teachers, findings.groups, decisions, strict=True):
        for finding, decision in zip(members, decided, strict=True):
            tally.add_decision(teacher, decision, calls=finding.calls, turn=facts.turn)
    split = selection.splits.get(findings.problem_id, "train")
    earlier = [decision.model_copy(update={"split": split}) for decision in facts.earlier]
    return CuratedProblem(position, findings.problem_id, key, decisions, earlier, tally)


def _examined(
    job: Job, known: ExaminedChains, keys: Mapping[int, str | None], reruns: ToolReruns
) -> Iterator[list[KnownProblem]]:
    """Yield the problems in batches, judged on their own; only those are read of which that is not known yet."""
    places = list(keys)
    are_known = known.knows_problem([key or "" for key in keys.values()])
    new = {position for position, is_known in zip(places, are_known, strict=True) if not is_known}
    name = job.run.output_name
    stored = reruns.marked(decided_groups(job.problems, job.plans, job.wanted, name, new)) if new else iter(())
    for start in range(0, len(places), BATCH_PROBLEMS):
        give_up_if_interrupted()  # before any problem is decided, which is what shows progress
        batch = places[start : start + BATCH_PROBLEMS]
        carried = [position for position in batch if position not in new]
        ids = [job.problems[position].problem_id for position in carried]
        problems = iter(known.problems(ids, [keys[position] or "" for position in carried]))
        groups = list(islice(stored, len(batch) - len(carried)))
        judged = iter(_judged(job, known, groups, [keys[position] for position in batch if position in new]))
        yield [next(judged) if position in new else next(problems) for position in batch]


def _judged(
    job: Job, known: ExaminedChains, problems: Sequence[tuple[Group, ...]], keys: Sequence[str | None]
) -> list[KnownProblem]:
    """Judge the chains of a batch of problems on their own, and keep what was found."""
    if not problems:
        return []
    recipe, benchmarks = job.run.recipe, job.run.benchmarks
    allow_weak = recipe.code.allow_weak
    examined = examined_problems(problems, recipe.curation, benchmarks, known, allow_weak=allow_weak)
    found = [
        KnownProblem(chains, _facts(groups, chains, benchmarks))
        for groups, chains in zip(problems, examined, strict=True)
    ]
    known.note(found, problems, keys)
    return found


def _facts(groups: Sequence[Group], chains: ExaminedProblem, benchmarks: BenchmarkIndex | None) -> ProblemFacts:
    tally = Tally()
    for group in groups:
        tally.add_chains(group)
    return ProblemFacts(
        domain=groups[0].problem.domain or "",
        turn=groups[0].problem.turn.number if groups[0].problem.turn is not None else 0,
        outside=chains.outside,
        operations=chains.operations,
        teachers=tuple(group.teacher for group in groups),
        sizes=tuple(map(len, chains.groups)),
        tally=tally,
        earlier=tuple(decision for group in groups for decision in earlier_decisions(group, benchmarks)),
    )


def _keys(job: Job, rules: str) -> Mapping[int, str | None]:
    """Return a hash of all that the groups of each problem are made of, by its position.

    None where calls of a tool are run again: what they give back today nobody knows before. What a later turn of a
    conversation is made of is the turn before it, too.
    """
    by, calls = groups_id(job.run.recipe, rules), any(plan.strategy.most_calls for plan in job.plans)
    later, keys, before = job.problems.later_turns(), dict[int, str | None](), ""
    for position, content in job.wanted.contents():
        before = content_id([before, content]) if position in later else content
        keys[position] = None if calls else content_id([by, job.problems.written(position).decode(), before])
    return keys


def earlier_decisions(group: Group, benchmarks: BenchmarkIndex | None) -> list[Decision]:
    """Return the decisions about a group's earlier steps, whatever their split; the detail of one that may be shown
    names what it repeats.

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
        )
        for step in group.earlier_steps
    ]
