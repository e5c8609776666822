"""Measure a teacher on problems that nothing is learned from: what it was asked in a run, looked at chain by chain."""

import zlib
from collections.abc import Callable, Container

from cotfactory.curation.chain_checks.arithmetic_steps import stated_steps
from cotfactory.curation.chain_checks.chain_steps import wrong_step
from cotfactory.flows.groups import decided_groups
from cotfactory.flows.job import Job
from cotfactory.flows.loop.estimates import ProblemResult
from cotfactory.schemas.group import GradedCandidate
from cotfactory.schemas.problem import Problem

IsValid = Callable[[Problem, GradedCandidate], bool]
"""Whether a chain with the right answer holds in every step."""


def steps_hold(problem: Problem, graded: GradedCandidate) -> bool:
    """Return whether nothing that can be recomputed is wrong: what can be known of any chain."""
    return wrong_step(problem.question, graded.text, graded.grade.extracted_answer) is None


def problem_results(
    job: Job, teacher: str, problem_ids: Container[str], is_valid: IsValid = steps_hold
) -> dict[str, ProblemResult]:
    """Return how one teacher of a job did on some of its problems, of those that have a graded chain."""
    found: dict[str, ProblemResult] = {}
    for groups in decided_groups(job.problems, job.plans, job.wanted, job.run.output_name):
        job.run.advance()
        for group in groups:
            graded = [chain for chain in group.candidates if chain.grade.verdict != "ungraded"]
            if group.teacher != teacher or group.problem.problem_id not in problem_ids or not graded:
                continue
            right = [chain for chain in graded if chain.grade.verdict == "correct"]
            valid = [chain for chain in right if is_valid(group.problem, chain)]
            methods = len({_equations(chain.text) for chain in valid})
            found[group.problem.problem_id] = ProblemResult(len(graded), len(right), len(valid), methods)
    return found


def _equations(text: str) -> frozenset[int]:
    return frozenset(zlib.crc32(step.text.encode()) for step in stated_steps(text))


def spent_usd(job: Job) -> float:
    """Return what the chains of a job cost, over all runs that bought them."""
    return sum(
        chain.candidate.cost_usd or 0.0
        for groups in decided_groups(job.problems, job.plans, job.wanted, job.run.output_name)
        for group in groups
        for chain in (*group.candidates, *group.earlier_steps)
    )
