"""The proof that what was kept teaches: arms that differ in nothing but what a student may learn from.

Everything goes through the line: `running_totals` problems, the small student behind its own server, graders, curation,
a release, training on the released Parquet; round after round, each arm with its own student. All arms begin with the
same student and ask the same problems with the same seeds; in each round they learn from as many rows, of the same
problems: those that every arm has a row of. Held-out problems are asked and never learned from.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cotfactory.flows.build import ask_and_measure, build
from cotfactory.flows.job import Job
from cotfactory.flows.loop.arms import Arm
from cotfactory.flows.loop.estimates import ProblemResult, measures, paired_difference
from cotfactory.flows.loop.measuring import problem_results
from cotfactory.flows.loop.proof import ArmRound, Proof
from cotfactory.flows.loop.round_problems import RoundProblems, round_problems
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import Progress
from cotfactory.flows.stage_runner import StageRunner, on_thread
from cotfactory.generators.local_teachers.local_server import running
from cotfactory.generators.problems.families.running_totals import true_chain
from cotfactory.schemas.curation import HeldOut
from cotfactory.schemas.errors import InputError
from cotfactory.schemas.group import GradedCandidate
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Recipe

TEACHER = "student"
HELD_OUT_SHARE = 0.15
KEEP_ROUNDS = 2
"""A student learns from the rows of so many rounds, the newest."""
Learned = dict[str, tuple[str, str]]
"""What one round may teach, by problem: question and chain."""


@dataclass(frozen=True)
class ProveRequest:
    """What is to be proved, how thoroughly, and where everything is kept. `base_steps` teach the first student."""

    arms: tuple[Arm, ...]
    workspace: Path
    rounds: int = 6
    seeds: int = 2
    problems_per_round: int = 100
    attempts: int = 8
    base_steps: int = 450
    log_level: str = "warning"


@dataclass
class _Learner:
    """One arm's student of one seed: who it is now, and what it learned from in each round."""

    arm: Arm
    seed: int
    model: str
    learned: list[Learned] = field(default_factory=list)
    results: list[dict[str, ProblemResult]] = field(default_factory=list)


def needs_torch() -> None:
    """Raise InputError where torch is not installed."""
    if find_spec("torch") is None:
        raise InputError(
            "`cotfactory prove` trains a model and needs torch, which is not installed",
            "install the extra `prove` (torch for CPUs is enough)",
        )


async def prove(request: ProveRequest, runner: StageRunner, progress: Progress) -> Proof:
    """Run all arms and return what came of them; `progress.note` is told each step. Raises a CotfactoryError."""
    needs_torch()
    from cotfactory.generators.students.serve_student import student_app

    began = time.monotonic()
    students = (request.workspace / "students").resolve()
    learners = []
    problems: dict[int, RoundProblems] = {}
    for seed in range(request.seeds):
        first = f"{TEACHER}-{seed}-base"
        if not (students / first).exists():
            progress.note(f"seed {seed}: teach the first student")
            await runner.run("train base", on_thread(partial(_trained_base, students, first, seed, request.base_steps)))
        problems[seed] = round_problems(_recipe(request, request.arms[0], seed, first, ""), _held_out(seed))
        learners += [_Learner(arm, seed, first) for arm in request.arms]
    with running(partial(student_app, students)) as base_url:
        for number in range(1, request.rounds + 1):
            for learner in learners:
                progress.note(f"round {number} of {request.rounds}, seed {learner.seed}: {learner.arm.name}")
                await _ask_and_release(request, learner, number, problems[learner.seed], base_url, runner, progress)
            for seed in range(request.seeds):
                mine = [learner for learner in learners if learner.seed == seed]
                await runner.run(f"train round {number}", on_thread(partial(_train, mine, students, number)))
        for learner in learners:
            await _measure_last(request, learner, problems[learner.seed], base_url, runner, progress)
    return _proof(request, learners, time.monotonic() - began)


def _trained_base(students: Path, name: str, seed: int, steps: int) -> None:
    from cotfactory.generators.students.train_student import train_base

    aside = students / f".{name}"
    train_base(aside, seed, steps=steps)
    aside.rename(students / name)


def _held_out(seed: int) -> HeldOut:
    return HeldOut(share=HELD_OUT_SHARE, seed=seed)


def _recipe(request: ProveRequest, arm: Arm, seed: int, model: str, base_url: str) -> Recipe:
    count = round(request.problems_per_round * request.rounds / (1 - HELD_OUT_SHARE)) + 20
    source = {"source": "procedural", "families": ["running_totals"], "count": count, "seed": seed, "difficulty": 3}
    teacher = {
        "name": TEACHER,
        "model": model,
        "prompt": "{{ problem.question }}",
        "sampling": {"temperature": 1.0, "max_tokens": 24, "seed": 0},
        "limits": {"samples_per_request": request.attempts, "concurrency": 512},
        **({"base_url": base_url} if base_url else {}),
    }
    curation = arm.curation.model_copy(update={"held_out": _held_out(seed)})
    written: dict[str, Any] = {
        "name": f"prove-{arm.name}-{seed}",
        "problems": [source],
        "teachers": [teacher],
        "attempts": request.attempts,
        "curation": curation.model_dump(exclude_defaults=True),
        "release": {"products": [arm.product], "license": "cc0-1.0", "unverified": arm.unverified},
    }
    return Recipe.model_validate(written)


async def _ask_and_release(
    request: ProveRequest,
    learner: _Learner,
    number: int,
    problems: RoundProblems,
    base_url: str,
    runner: StageRunner,
    progress: Progress,
) -> None:
    recipe = _recipe(request, learner.arm, learner.seed, learner.model, base_url)
    chosen = problems.of_round(number, request.problems_per_round) | problems.held_out
    wanted = BuildRequest(
        recipe, request.workspace, log_level=request.log_level, chosen={TEACHER: chosen}, with_pictures=False
    )
    summary = await build(wanted, runner, progress, lambda job: _note(job, learner, problems))
    assert summary.release is not None
    chains = learner.arm.chains(Path(summary.release.path))
    learner.learned.append({problem: chain for problem, chain in chains.items() if problem not in problems.held_out})


async def _measure_last(
    request: ProveRequest,
    learner: _Learner,
    problems: RoundProblems,
    base_url: str,
    runner: StageRunner,
    progress: Progress,
) -> None:
    recipe = _recipe(request, learner.arm, learner.seed, learner.model, base_url)
    wanted = BuildRequest(recipe, request.workspace, log_level=request.log_level, chosen={TEACHER: problems.held_out})
    await ask_and_measure(wanted, runner, progress, lambda job: _note(job, learner, problems))


def _note(job: Job, learner: _Learner, problems: RoundProblems) -> None:
    learner.results.append(problem_results(job, TEACHER, problems.held_out, _is_true_chain))


def _is_true_chain(problem: Problem, graded: GradedCandidate) -> bool:
    """Return whether a chain is the one that holds: known here, and told by no check that is on trial."""
    lines, _, _ = graded.candidate.response.rpartition("\n")
    return lines == true_chain(problem.question)


def _train(learners: Sequence[_Learner], students: Path, number: int) -> None:
    """Train the arms of one seed on as many rows, of the same problems."""
    from cotfactory.generators.students.train_student import train_on

    shared = set.intersection(*(set(learner.learned[-1]) for learner in learners))
    for learner in learners:
        learner.learned[-1] = {problem: learner.learned[-1][problem] for problem in sorted(shared)}
        chains = [chain for rows in learner.learned[-KEEP_ROUNDS:] for chain in rows.values()]
        digest = hashlib.sha256(repr((learner.model, sorted(chains))).encode()).hexdigest()
        name = f"{TEACHER}-{learner.seed}+{digest[:12]}"
        if not (students / name).exists():
            aside = students / f".{name}"
            train_on(students / learner.model, chains, aside, seed=learner.seed * 1000 + number)
            aside.rename(students / name)
        learner.model = name


def _proof(request: ProveRequest, learners: Sequence[_Learner], seconds: float) -> Proof:
    by_arm: Mapping[str, list[_Learner]] = {
        arm.name: [learner for learner in learners if learner.arm == arm] for arm in request.arms
    }
    rounds = {
        name: tuple(
            ArmRound(
                round=number,
                measured=measures([learner.results[number] for learner in mine]),
                rows=sum(len(learner.learned[number - 1]) for learner in mine) if number else 0,
            )
            for number in range(request.rounds + 1)
        )
        for name, mine in by_arm.items()
    }
    ahead = {
        name: paired_difference(
            [learner.results[-1] for learner in by_arm["strict"]], [learner.results[-1] for learner in mine]
        )
        for name, mine in by_arm.items()
        if "strict" in by_arm and name != "strict"
    }
    return Proof(
        rounds=rounds,
        means={arm.name: arm.means for arm in request.arms},
        unverified=tuple(arm.name for arm in request.arms if arm.unverified),
        strict_ahead_of=ahead,
        seeds=request.seeds,
        problems_per_round=request.problems_per_round,
        attempts=request.attempts,
        seconds=round(seconds, 1),
    )
