"""Proof: what came of each arm, round by round, as a table, as JSON, and whether it holds."""

from collections.abc import Mapping

from cotfactory.flows.loop.estimates import Estimate, Measures
from cotfactory.schemas.record import Record


class ArmRound(Record):
    """One arm after `round` rounds (0: the first student), and the rows that its students learned from in it."""

    round: int
    measured: Measures
    rows: int


class Proof(Record):
    """What came of all arms. `means` says what each keeps; `unverified` are those that check against no reference.

    `strict_ahead_of` is by how much the strict arm is ahead at the end, in valid pass@1, on the same problems.
    """

    rounds: Mapping[str, tuple[ArmRound, ...]]
    means: Mapping[str, str]
    unverified: tuple[str, ...]
    strict_ahead_of: Mapping[str, Estimate]
    seeds: int
    problems_per_round: int
    attempts: int
    seconds: float

    def broken(self) -> list[str]:
        """Return what should hold and does not, a line each: empty where the proof stands."""
        found = []
        last = {name: rounds[-1].measured.valid for name, rounds in self.rounds.items()}
        base = {name: rounds[0].measured.valid for name, rounds in self.rounds.items()}
        if "strict" in last and last["strict"].low <= base["strict"].high:
            found.append(f"strict learned nothing: {last['strict'].percent()} after {base['strict'].percent()}")
        for name, ahead in self.strict_ahead_of.items():
            if name in ("answer", *self.unverified) and ahead.low <= 0:
                found.append(f"strict is not ahead of {name}: by {ahead.percent()} points")
        if "unverified" in last and last["unverified"].value >= base["unverified"].value:
            after, before = last["unverified"].percent(), base["unverified"].percent()
            found.append(f"unverified did not fall: {after} after {before}")
        return found

    def text(self) -> str:
        """Return the table for people."""
        count = max(len(rounds) for rounds in self.rounds.values())
        lines = ["valid pass@1 on held-out problems, % (95 % interval); claimed is right answers alone"]
        names = list(self.rounds)
        lines.append(f"{'round':<8}" + "".join(f"{name:>24}" for name in names))
        for number in range(count):
            cells = (rounds[number].measured.valid.percent() for rounds in self.rounds.values())
            lines.append(f"{number:<8}" + "".join(f"{cell:>24}" for cell in cells))
        last = [rounds[-1] for rounds in self.rounds.values()]
        for label, cells in (
            ("claimed", (done.measured.claimed.percent() for done in last)),
            ("pass@8", (done.measured.pass_at_8.percent() for done in last)),
            ("rows", (f"{sum(done.rows for done in rounds):,}" for rounds in self.rounds.values())),
        ):
            lines.append(f"{label:<8}" + "".join(f"{cell:>24}" for cell in cells))
        lines += [
            f"strict is ahead of {name} by {ahead.percent()} points" for name, ahead in self.strict_ahead_of.items()
        ]
        lines += [f"BROKEN: {line}" for line in self.broken()] or ["the proof stands"]
        return "\n".join(lines)
