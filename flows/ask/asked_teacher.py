"""AskedTeacher: what a run keeps of one teacher while it is asked, wherever its shards are."""

from dataclasses import dataclass, field

from cotfactory.flows.ask.back_pressure import BackPressure
from cotfactory.flows.ask.in_flight import InFlight
from cotfactory.flows.ask.stop import Stop
from cotfactory.flows.progress import Progress
from cotfactory.schemas.teacher_spec import TeacherSpec


@dataclass(frozen=True, kw_only=True)
class AskedTeacher:
    """One teacher during one round: whether it is stopped, how much of it is open, and what is on its way."""

    spec: TeacherSpec
    progress: Progress
    stop: Stop
    back_pressure: BackPressure
    in_flight: InFlight = field(default_factory=InFlight)
