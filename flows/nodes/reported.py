"""What stands on a node for the parts of a run that are at the head: each notes what it is told for the next report."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from cotfactory.flows.ask.back_pressure import BackPressure
from cotfactory.flows.ask.stop import Stop
from cotfactory.flows.nodes.messages import TeacherReport
from cotfactory.flows.summary import RunSummary
from cotfactory.generators.teacher.teacher_watch import SignReader
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import TeacherError
from cotfactory.schemas.grade import Verdict


class Reporting:
    """What is to be reported of one teacher."""

    def __init__(self) -> None:
        self.report = TeacherReport()

    def take(self) -> TeacherReport:
        """Return what was noted since the last call."""
        taken, self.report = self.report, TeacherReport()
        return taken


class ReportedProgress:
    """Progress that is told at the head."""

    def __init__(self, reporting: Reporting, notes: list[str]) -> None:
        self._reporting, self._notes = reporting, notes

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[None]:
        """Announce nothing: stages begin and end at the head."""
        yield

    def advance(self, steps: int = 1) -> None:
        """Move nothing, for the same reason."""

    def graded(self, verdict: Verdict, cost_usd: float | None) -> None:
        """Note a chain and what it cost."""
        self._reporting.report.graded.append((verdict, cost_usd))

    def not_needed(self, samples: int) -> None:
        """Note samples that need not be asked for."""
        self._reporting.report.not_needed += samples

    def failed(self, reason: str) -> None:
        """Note a request that failed for good."""
        self._reporting.report.failed.append(reason)

    def note(self, text: str) -> None:
        """Note what people should see."""
        self._notes.append(text)

    def ended(self, summary: RunSummary) -> None:
        """Tell nothing: a run ends at the head."""


class ReportedStop(Stop):
    """Whether a teacher is stopped here, while the head counts the failures of all nodes."""

    def __init__(self, reporting: Reporting, rejected_before: frozenset[str]) -> None:
        super().__init__(rejected_before=rejected_before)
        self._reporting = reporting

    def answered(self) -> None:
        """Note an answer."""
        super().answered()
        self._reporting.report.has_answered = True

    def failed(self, problem_id: str, error: TeacherError, in_flight: int) -> None:
        """Note a failure."""
        super().failed(problem_id, error, in_flight)
        self._reporting.report.failures.append((problem_id, error, in_flight))


class ReportedBackPressure(BackPressure):
    """Which prompts are decided here; the head opens shards."""

    def __init__(self, reporting: Reporting) -> None:
        super().__init__(enough=0)
        self._reporting = reporting

    def decided(self, prompts: Iterable[str]) -> None:
        """Note prompts that need no further answer."""
        self._reporting.report.decided += prompts


class ReportedSigns:
    """Reads what answers show of their teacher, for the head to count."""

    def __init__(self, reader: SignReader, reporting: Reporting) -> None:
        self._reader, self._reporting = reader, reporting

    def observe(self, candidate: Candidate, answered_as: str) -> None:
        """Note the signs of one answer."""
        self._reporting.report.signs.append(self._reader.read(candidate, answered_as))
