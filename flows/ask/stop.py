"""Stop: why nothing more may be sent to a teacher, and when its failures are its endpoint's and not their problems'."""

from dataclasses import dataclass, field

from cotfactory.schemas.errors import CotfactoryError, TeacherError, TeacherRefused, TeacherRejected

FIRST_FAILURES = 5
"""So many problems fail before the first answer: the endpoint, the key or the recipe is wrong. Of those that are
rejected there must be more than are in flight: a rejection comes at once, an answer takes its time."""
FAILURES_IN_A_ROW = 20
"""So many problems fail between two answers."""


@dataclass
class Stop:
    """Why nothing more may be sent to a teacher: budget, refused key, endpoint or sandbox down, full disk.

    A problem that fails time after time counts once, and one of `rejected_before` not at all: a few that are too long
    must not keep a later run from what comes after them. `rejected` are those that this run is to note down.
    """

    reason: CotfactoryError | None = None
    ungraded_in_a_row: int = 0
    rejected_before: frozenset[str] = frozenset()
    rejected: dict[str, str] = field(default_factory=dict)
    first_error: TeacherError | None = None
    has_answered: bool = False
    _failing: set[str] = field(default_factory=set)

    def answered(self) -> None:
        """Note an answer."""
        self.has_answered = True
        self._failing.clear()

    def failed(self, problem_id: str, error: TeacherError, in_flight: int) -> None:
        """Note that a request for a problem failed for good while others are `in_flight`; stop where that says
        something about the endpoint."""
        self.first_error = self.first_error or error
        if isinstance(error, TeacherRejected):
            self.rejected[problem_id] = error.message
        if problem_id not in self.rejected_before:
            self._failing.add(problem_id)
        if self.reason is None and (isinstance(error, TeacherRefused) or self._is_down(error, in_flight)):
            self.reason = error

    def _is_down(self, error: TeacherError, in_flight: int) -> bool:
        if self.has_answered:
            return len(self._failing) >= FAILURES_IN_A_ROW
        undecided = in_flight if isinstance(error, TeacherRejected) else 0
        return len(self._failing) >= FIRST_FAILURES and len(self._failing) > undecided

    def answered_nothing(self) -> TeacherError | None:
        """Return the first error of a teacher that failed and has answered nothing, problems noted before aside."""
        return self.first_error if self._failing and not self.has_answered else None

    def try_again(self) -> None:
        """Forget why it was stopped."""
        self.reason = None
        self._failing.clear()

    def take_rejected(self) -> dict[str, str]:
        """Return what was rejected and not noted yet, with what was said: nothing before the first answer, for until
        then it may be the endpoint that rejects everything."""
        if not self.has_answered:
            return {}
        new = {problem: said for problem, said in self.rejected.items() if problem not in self.rejected_before}
        self.rejected.clear()
        return new
