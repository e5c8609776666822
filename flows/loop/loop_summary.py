"""LoopSummary: what came of each round of a loop, as a table and as JSON."""

from cotfactory.flows.loop.estimates import Estimate, Measures
from cotfactory.schemas.record import Record


class StudentRound(Record):
    """A student after `round` rounds (0: the first one), and what it learned from.

    `release`, `rows_sha` and `kept` chains are those of its round's release, of which it has seen `rows` of all
    products. `ahead_of_last` is by how much it is ahead of the student before, in what the recipe watches. `cost_usd`
    is what the chains of its round cost, and those that measure it.
    """

    round: int
    model: str
    measured: Measures
    ahead_of_last: Estimate | None = None
    release: str | None = None
    rows_sha: str | None = None
    rows: int = 0
    kept: int = 0
    cost_usd: float = 0.0


class LoopSummary(Record):
    """All rounds so far; `stopped` says why there are no more than that, `page` is where they are drawn."""

    recipe: str
    rounds: tuple[StudentRound, ...]
    stopped: str | None = None
    page: str | None = None

    @property
    def cost_usd(self) -> float:
        """What all chains cost."""
        return sum(student.cost_usd for student in self.rounds)

    def text(self) -> str:
        """Return the table for people."""
        lines = [
            f"{self.recipe}: held-out problems, % (95 % interval over problems)",
            f"{'round':<6}{'valid pass@1':>23}{'pass@8':>23}{'methods':>9}{'kept':>8}{'USD':>9}  release",
        ]
        lines += [
            f"{student.round:<6}{student.measured.valid.percent():>23}{student.measured.pass_at_8.percent():>23}"
            f"{student.measured.methods:>9.2f}{student.kept:>8,}{student.cost_usd:>9.2f}  {student.release or ''}"
            for student in self.rounds
        ]
        if self.stopped:
            lines.append(f"stopped: {self.stopped}")
        if self.page:
            lines.append(f"page: {self.page}")
        return "\n".join(lines)
