"""RolloutStore: every rollout that is answered for is a candidate, journalled first, sealed every minute or so."""

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import WorkspaceError
from cotfactory.warehouse.ledger import Journal, JournalHeader
from cotfactory.warehouse.seal import GradeRow, seal_own_journal, write_grades
from cotfactory.warehouse.stored_rollouts import ROLLOUT_FILES
from cotfactory.warehouse.tables import write_table
from cotfactory.warehouse.workspace import Workspace

logger = logging.getLogger(__name__)

SEAL_S = 60.0
"""A journal is sealed when it is so old: `sql` sees a rollout that long after its answer."""
SEAL_ROLLOUTS = 10_000


@dataclass(frozen=True)
class RewardRow:
    """What a rollout was worth, beside its grade."""

    candidate_id: str
    problem_id: str
    reward: float | None
    wrong_step: str | None
    rewarded_at: datetime


@dataclass(frozen=True)
class KeptRollout:
    """A rollout with all that is stored of it."""

    candidate: Candidate
    grade: GradeRow
    reward: RewardRow


@dataclass
class _Segment:
    """One journal, and what will be sealed beside it. `writing` counts who has not yet been told that it is on disk."""

    journal: Journal
    opened: float = field(default_factory=time.monotonic)
    kept: list[KeptRollout] = field(default_factory=list)
    writing: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class RolloutStore:
    """Keeps rollouts in a workspace, beside runs: its journals have a lock of their own.

    Opened and closed inside an event loop. What a killed server leaves is sealed by the next one, or by the next run.
    """

    def __init__(self, workspace: Workspace, policy: str, seal_s: float = SEAL_S) -> None:
        self._workspace, self._policy, self._seal_s = workspace, policy, seal_s
        self._run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        self._numbers = iter(range(10**9))
        self._segment: _Segment | None = None
        self._sealing: set[asyncio.Task[None]] = set()
        self._clock: asyncio.Task[None] | None = None
        self.verdicts: Counter[str] = Counter()

    @property
    def run_id(self) -> str:
        """The id that the rollouts of this server have in the tables."""
        return self._run_id

    def start(self) -> None:
        """Seal by the clock from now on."""
        self._clock = asyncio.create_task(self._seal_by_the_clock())

    async def keep(self, rollouts: Sequence[KeptRollout]) -> None:
        """Write rollouts down; when this returns they are on disk. Raises WorkspaceError."""
        segment = self._open_segment()
        segment.writing += 1
        segment.idle.clear()
        try:
            await segment.journal.record_all([rollout.candidate for rollout in rollouts])
            segment.kept += rollouts
        finally:
            segment.writing -= 1
            if not segment.writing:
                segment.idle.set()
        self.verdicts.update(rollout.grade.grade.verdict for rollout in rollouts)
        if segment is self._segment and len(segment.kept) >= SEAL_ROLLOUTS:
            self._rotate()

    async def close(self) -> None:
        """Seal what is open; nobody keeps anything any more."""
        if self._clock is not None:
            self._clock.cancel()
        self._rotate()
        await asyncio.gather(*self._sealing, return_exceptions=True)

    def _open_segment(self) -> _Segment:
        if self._segment is None:
            shard = f"{ROLLOUT_FILES}{self._policy}-{next(self._numbers)}"
            header = JournalHeader(recipe=f"policy:{self._policy}", run_id=self._run_id, shard=shard)
            self._segment = _Segment(Journal(self._workspace.ledger, header))
        return self._segment

    def _rotate(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            task = asyncio.create_task(self._seal(segment))
            self._sealing.add(task)
            task.add_done_callback(self._sealing.discard)

    async def _seal_by_the_clock(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._seal_s))
            segment = self._segment
            if segment is not None and time.monotonic() - segment.opened >= self._seal_s:
                self._rotate()

    async def _seal(self, segment: _Segment) -> None:
        if segment.writing:
            await segment.idle.wait()
        try:
            await asyncio.to_thread(self._write_tables, segment)
        except WorkspaceError as error:
            # The journal is still there: the next server seals it, or the next run.
            logger.error("rollouts stay in their journal: %s", error)
        finally:
            segment.journal.close()

    def _write_tables(self, segment: _Segment) -> None:
        """Seal grades and rewards before the journal: who finds the candidates finds them too."""
        name = segment.journal.path.stem
        write_grades(self._workspace, name, (rollout.grade for rollout in segment.kept))
        write_table(self._workspace, "rewards", name, (vars(rollout.reward) for rollout in segment.kept))
        seal_own_journal(self._workspace, segment.journal.path)
