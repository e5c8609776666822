"""Rewarding: from rollouts to rewards - made candidates, graded in time, their steps checked, kept, and watched."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from cotfactory.curation.chain_checks.chain_steps import wrong_step
from cotfactory.flows.grade_rows import grade_row
from cotfactory.flows.serve.prompt_grading import PromptGrading, is_long
from cotfactory.flows.serve.recover_rollouts import reward_row
from cotfactory.flows.serve.rollout_store import KeptRollout, RolloutStore
from cotfactory.flows.serve.served_problems import ServedProblem, ServedProblems
from cotfactory.generators.teacher.reasoning import split
from cotfactory.graders.grading import GRADERS, grader_name_and_version
from cotfactory.rewards.drift import RewardDrift
from cotfactory.rewards.fields import Body
from cotfactory.rewards.gym_wire import gym_row
from cotfactory.rewards.refusal import Refusal
from cotfactory.rewards.reward import RewardRules, reward_of
from cotfactory.rewards.rollout import Rewarded, Rollout
from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.finish_reason import finish_reason_of
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.ids import content_id, prompt_id
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.teaching import Completion, Sampling, Usage

MOST_POLICIES = 32
"""Names of policies that one server keeps apart."""
MOST_STEP_CHARACTERS = 1_000_000
SAMPLING, USAGE = Sampling(), Usage()


class Rewarding:
    """The service behind the routes (`rewards.app.RewardService`). Without a `store` nothing is kept."""

    def __init__(
        self,
        served: ServedProblems,
        grading: PromptGrading,
        rules: RewardRules,
        policy: str,
        store: RolloutStore | None = None,
        counts: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        self._served, self._grading, self._rules, self._policy, self._store = served, grading, rules, policy, store
        self._session = store.run_id if store is not None else ""  # two servers may serve one policy
        self._counts = dict(counts or {})
        self._prompts: dict[str, str] = {}
        self._drifts: dict[str, RewardDrift] = {}
        self.alarms: list[Alarm] = []
        versions: dict[str, str] = {kind: version for kind, (_, version) in GRADERS.items()}
        problems = (known.problem for known in served.problems)
        self.graders: dict[str, str] = {**versions, **dict(map(grader_name_and_version, problems))}

    def knows(self, problem_id: str) -> bool:
        """Whether there is a problem of that id."""
        return problem_id in self._served.by_id

    def rows(self) -> Iterator[Body]:
        """Yield every problem as a row for NeMo-Gym."""
        return (gym_row(known.problem.problem_id, known.messages) for known in self._served.problems)

    async def reward(self, rollouts: Sequence[Rollout], *, takes_ungraded: bool) -> list[Rewarded]:
        """Return the rewards of rollouts of known problems; those that are answered for are on disk by then.

        Raises WorkspaceError where they cannot be written down, Refusal for more policies than are kept apart.
        """
        teachers = [self._teacher(rollout) for rollout in rollouts]
        pairs = [
            self._pair(rollout, teacher, self._served.by_id[rollout.problem_id])
            for rollout, teacher in zip(rollouts, teachers, strict=True)
        ]
        grades = await self._grading.grade_all(pairs)
        found = [
            await asyncio.to_thread(self.rewarded, *pair, grade) if is_long(pair[1]) else self.rewarded(*pair, grade)
            for pair, grade in zip(pairs, grades, strict=True)
        ]
        if not takes_ungraded and any(rewarded.reward is None for rewarded in found):
            return found
        if self._store is not None:
            await self._store.keep([self._kept(*pair, rewarded) for pair, rewarded in zip(pairs, found, strict=True)])
        self._watch(teachers, found)
        return found

    def rewarded(self, problem: Problem, candidate: Candidate, grade: Grade) -> Rewarded:
        """Return a grade with its reward. Steps are checked where the answer is right: elsewhere they say nothing.

        Nor are those of a chain of more than MOST_STEP_CHARACTERS.
        """
        wrong = None
        is_checked = problem.answer_kind != "code" and len(candidate.text) <= MOST_STEP_CHARACTERS
        if grade.verdict == "correct" and is_checked:
            wrong = wrong_step(problem.question, candidate.text, grade.extracted_answer)
        reward = reward_of(grade, wrong, len(candidate.text), self._rules)
        return Rewarded(problem.problem_id, grade, wrong, reward)

    def _teacher(self, rollout: Rollout) -> str:
        teacher = f"policy:{rollout.policy or self._policy}"
        if teacher not in self._drifts:
            if len(self._drifts) >= MOST_POLICIES:
                raise Refusal(400, f"policy {rollout.policy!r} is one of more than {MOST_POLICIES}: name them by run")
            self._drifts[teacher] = RewardDrift(teacher)
        return teacher

    def _pair(self, rollout: Rollout, teacher: str, known: ServedProblem) -> tuple[Problem, Candidate]:
        problem = known.problem
        index = self._counts.get((teacher, problem.problem_id), 0)
        self._counts[teacher, problem.problem_id] = index + 1
        finish_reason = finish_reason_of(rollout.finish_reason)
        completion = Completion(
            content=rollout.text,
            reasoning=rollout.reasoning,
            finish_reason=finish_reason,
            model=teacher,
            usage=USAGE,
            latency_ms=0.0,
        )
        reasoning, response = split(completion)
        return problem, Candidate(
            candidate_id=content_id([teacher, problem.problem_id, index, self._session]),
            problem_id=problem.problem_id,
            teacher=teacher,
            prompt_id=self._prompt_id(known),
            sampling=SAMPLING,
            sample_index=index,
            reasoning=reasoning,
            response=response,
            finish_reason=finish_reason,
            finish_reason_raw=rollout.finish_reason,
            usage=USAGE,
            cost_usd=None,
            latency_ms=0.0,
            created_at=datetime.now(UTC),
            training_step=rollout.step,
            checkpoint=rollout.checkpoint,
        )

    def _prompt_id(self, known: ServedProblem) -> str:
        name = known.problem.problem_id
        if name not in self._prompts:
            self._prompts[name] = prompt_id(known.messages)
        return self._prompts[name]

    def _kept(self, problem: Problem, candidate: Candidate, rewarded: Rewarded) -> KeptRollout:
        return KeptRollout(candidate, grade_row(rewarded.grade, problem, candidate), reward_row(candidate, rewarded))

    def _watch(self, teachers: Sequence[str], found: Sequence[Rewarded]) -> None:
        for teacher, rewarded in zip(teachers, found, strict=True):
            self.alarms += self._drifts[teacher].observe([rewarded])
