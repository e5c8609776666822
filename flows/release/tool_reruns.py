"""Run the calls of chains again before they are released: one that gives something else back cannot be repeated."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from cotfactory.flows.ask.tool_results import first_difference
from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.schemas.group import GradedCandidate, Group

THREADS = 4


class ToolReruns:
    """Runs the calls of each right chain. Without a sandbox nothing is run."""

    def __init__(self, sandbox: Sandbox | None, most_calls: Mapping[str, int]) -> None:
        """`most_calls` is how often a sample of each teacher may call, by name."""
        self._sandbox, self._most_calls = sandbox, most_calls
        self.ran = False

    def marked(self, stored: Iterator[tuple[Group, ...]]) -> Iterator[tuple[Group, ...]]:
        """Yield the groups, with what was found of their chains. Raises SandboxError."""
        with ThreadPoolExecutor(THREADS) as threads:
            for groups in stored:
                yield tuple(self._marked(group, threads) for group in groups)

    def _marked(self, group: Group, threads: ThreadPoolExecutor) -> Group:
        if not any(graded.turns for graded in group.candidates):
            return group
        rerun = partial(self._rerun, most_calls=self._most_calls[group.teacher])
        return group.model_copy(update={"candidates": tuple(threads.map(rerun, group.candidates))})

    def _rerun(self, graded: GradedCandidate, most_calls: int) -> GradedCandidate:
        if not graded.turns or graded.grade.verdict != "correct" or self._sandbox is None:
            return graded
        self.ran = True
        difference = first_difference(graded.turns, graded.candidate, self._sandbox, most_calls)
        return graded.model_copy(update={"tool_difference": difference})
