"""What the head and its nodes tell each other: a lease of a shard, orders one way, reports the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cotfactory.flows.ask.assignments import Assignment
from cotfactory.flows.host.grading_tools import GradingTerms
from cotfactory.generators.ask.strategies import Strategy
from cotfactory.generators.teacher.budget import Limited
from cotfactory.generators.teacher.budget_leases import LeaseAnswer, LeaseReport
from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.limiter import LimitShare
from cotfactory.generators.teacher.teacher_watch import AnswerSigns
from cotfactory.schemas.errors import CotfactoryError, TeacherError
from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.spending import Spending
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.warehouse.ledger import JournalHeader
from cotfactory.warehouse.seal import GradeRow
from cotfactory.warehouse.shipped_journal import Piece


@dataclass(frozen=True)
class NodeTerms:
    """For which run a node works, and what it needs for grading. What its budget limits needs a lease."""

    run_id: str
    limits: Limited
    grading: GradingTerms


@dataclass(frozen=True)
class TeacherTerms:
    """A teacher that a node is to open, and how it is asked.

    Without an `endpoint` the node's own environment says where it is asked. `rejected_before` are problems that its
    endpoint rejected in earlier runs.
    """

    spec: TeacherSpec
    strategy: Strategy
    endpoint: Endpoint | None
    rejected_before: frozenset[str]
    share: LimitShare


@dataclass(frozen=True)
class ShardLease:
    """A shard that a node is to ask, under the journal's header, whose name holds the number of the attempt.

    `again`: what stopped the shard before is forgotten.
    """

    header: JournalHeader
    teacher: str
    assignments: tuple[Assignment, ...]
    again: bool


@dataclass(frozen=True)
class ShardResult:
    """What came of a shard, when all lines of its journal have arrived at the head."""

    bought: Spending
    grades: list[GradeRow]
    stopped_by: CotfactoryError | None


@dataclass(frozen=True)
class Orders:
    """What the head tells a node: all that it last reported is on disk. Teachers are given by name.

    `stops` say why a teacher is sent nothing more, `pauses` for how many seconds.
    """

    lease: LeaseAnswer | None = None
    stops: Mapping[str, CotfactoryError] = field(default_factory=dict)
    shares: Mapping[str, LimitShare] = field(default_factory=dict)
    pauses: Mapping[str, float] = field(default_factory=dict)


@dataclass
class TeacherReport:
    """What happened to one teacher on a node since its last report, and how it stands there.

    `failures` are problems with their errors, and how many requests were in flight then. `decided` prompts need no
    further answer. `in_flight` requests are on their way, or answered and not yet at the head. `places` are taken,
    and `wanted` by those that wait for one as well.
    """

    graded: list[tuple[Verdict, float | None]] = field(default_factory=list)
    not_needed: int = 0
    failed: list[str] = field(default_factory=list)
    failures: list[tuple[str, TeacherError, int]] = field(default_factory=list)
    has_answered: bool = False
    signs: list[AnswerSigns] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)
    in_flight: int = 0
    places: int = 0
    wanted: int = 0
    paused_s: float = 0.0
    is_stopped: bool = False


@dataclass(frozen=True)
class Report:
    """What a node tells the head: lines of its journals, what became of its lease, and its teachers by name."""

    pieces: list[Piece]
    lease: LeaseReport | None
    teachers: dict[str, TeacherReport]
    notes: list[str]


@dataclass(frozen=True)
class AboutNode:
    """Which software a node has."""

    version: str
    code: str
    python: str
