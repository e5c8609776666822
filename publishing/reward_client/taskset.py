"""The `rl` rows of a release as a taskset of verifiers 0.4: `vf-eval` and prime-rl run it. The graders are the reward.

Written into a release as the package `rl/environment/`, beside its `reward.py`, which asks the graders, and
`rows.jsonl`, the prompts. Answers are not in it: they stay with whoever grades.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import verifiers.v1 as vf
from verifiers.v1.harnesses.null import NullHarness

from .reward import GradingUnavailable, ask

__all__ = ["NullHarness", "ReleaseTaskset"]  # the harness of a plain conversation is then the default
ROWS = Path(__file__).with_name("rows.jsonl")


class ReleaseData(vf.TaskData):
    """One problem of the release."""

    problem_id: str


class ReleaseTask(vf.Task[ReleaseData]):
    """A problem whose last reply is graded; a rollout that nobody could grade is errored, and has no reward."""

    @property
    def key(self) -> str:
        """The problem's id: the same problem in another release is the same task."""
        return str(self.data.problem_id)

    @vf.reward(weight=1.0)
    async def graded(self, trace: vf.Trace) -> float:
        """Return what the graders say of the last reply. Raises GradingUnavailable, GradingRefused."""
        replies = trace.assistant_messages
        text, thought = (replies[-1].content or "", replies[-1].reasoning_content) if replies else ("", None)
        reason = "length" if trace.is_truncated else "stop"
        found = await asyncio.to_thread(
            ask, [self.data.problem_id], [text], reasonings=[thought], finish_reasons=[reason]
        )
        trace.info["verdict"], trace.info["reason"] = found["verdicts"][0], found["reasons"][0]
        trace.record_metric("wrong_step", 0.0 if found["wrong_steps"][0] is None else 1.0)
        reward: float | None = found["rewards"][0]
        if reward is None:
            raise GradingUnavailable(f"an answer to problem {self.data.problem_id} is ungraded: {found['reasons'][0]}")
        return reward


class ReleaseConfig(vf.TasksetConfig):
    """Which rows are asked, under `--env.taskset.*`."""

    split: Literal["train", "test"] = "train"
    """`train`, or what is kept aside."""


class ReleaseTaskset(vf.Taskset[ReleaseTask, ReleaseConfig]):
    """The problems of the release."""

    def load(self) -> Iterator[ReleaseTask]:
        """Yield the problems of the split. Raises ValueError where there is none."""
        found = False
        with ROWS.open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                if row["split"] != self.config.split:
                    continue
                found = True
                system, asked = _parted(row["responses_create_params"]["input"])
                data = ReleaseData(
                    id=row["problem_id"], problem_id=row["problem_id"], prompt=asked, system_prompt=system
                )
                yield ReleaseTask(data, self.config.task)
        if not found:
            raise ValueError(f"no row of the split {self.config.split!r} in {ROWS}: choose another with `split`")


def _parted(messages: list[dict[str, str]]) -> tuple[str | None, list[dict[str, str]]]:
    """Return the system prompt, where there is one, and the other messages."""
    system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    return system or None, [message for message in messages if message["role"] != "system"]
