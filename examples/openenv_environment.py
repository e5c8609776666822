"""A release as an environment of OpenEnv 0.10: an episode is a problem and one answer, which the graders judge.

Runs where `openenv` is installed, beside a server of `cotfactory serve`; see docs/trainers/openenv.md:
`RELEASE=workspace/releases/my-first/v1.0.0 uvicorn openenv_environment:app`.
"""

import asyncio
import json
import os
import random
import sys
import uuid
from pathlib import Path
from typing import Any

from openenv.core.env_server import Action, Environment, Observation, State, create_app

RELEASE = Path(os.environ["RELEASE"])
sys.path.insert(0, str(RELEASE / "rl"))
import reward  # noqa: E402 - the release's own client, which stands there

(ROWS,) = (RELEASE / "rl" / "environment").glob("*/rows.jsonl")
PROBLEMS = {row["problem_id"]: row for row in map(json.loads, ROWS.read_text("utf-8").splitlines())}
SESSIONS = 256


class Answer(Action):
    """What a policy answered; `reasoning` where its thinking stands apart."""

    content: str
    reasoning: str | None = None


class Problem(Observation):
    """A problem's messages; after the step its verdict. `reward` is null where nobody could grade: leave it out."""

    problem_id: str
    messages: list[dict[str, str]]
    verdict: str | None = None


class ReleaseEnvironment(Environment[Answer, Problem, State]):
    """One session: a problem at a time."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self) -> None:
        super().__init__()
        self._row: dict[str, Any] = {}
        self._state = State()

    def reset(self, seed: int | None = None, episode_id: str | None = None, **chosen: Any) -> Problem:
        """Give a problem: the one with `problem_id=...`, else a random one, the same for the same seed."""
        problem_id = chosen.get("problem_id") or random.Random(seed).choice(sorted(PROBLEMS))  # noqa: S311
        self._row = PROBLEMS[problem_id]
        self._state = State(episode_id=episode_id or uuid.uuid4().hex)
        return self._problem()

    def step(self, action: Answer, timeout_s: float | None = None, **_: Any) -> Problem:
        """Grade an answer."""
        self._state.step_count += 1
        asked = {"reasonings": [action.reasoning]} if action.reasoning else {}
        try:
            found = reward.ask([self._row["problem_id"]], [action.content], **asked)
        except reward.GradingUnavailable:
            return self._problem(done=True, verdict="ungraded")
        return self._problem(done=True, reward=found["rewards"][0], verdict=found["verdicts"][0])

    async def step_async(self, action: Answer, timeout_s: float | None = None, **more: Any) -> Problem:
        """Grade an answer, and keep no other session waiting."""
        return await asyncio.to_thread(self.step, action, timeout_s, **more)

    @property
    def state(self) -> State:
        """Which episode it is, and how many steps it has taken."""
        return self._state

    def _problem(self, **judged: Any) -> Problem:
        return Problem(
            problem_id=self._row["problem_id"], messages=self._row["responses_create_params"]["input"], **judged
        )


app = create_app(ReleaseEnvironment, Answer, Problem, env_name="cotfactory", max_concurrent_envs=SESSIONS)
