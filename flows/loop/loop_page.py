"""rounds.html: how a student did after each round of a loop, with intervals, and what it learned from."""

from html import escape
from pathlib import Path

from cotfactory.flows.loop.curves import page, pictures, table
from cotfactory.flows.loop.loop_summary import LoopSummary
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import WorkspaceError
from cotfactory.warehouse.synced import write_lines


def draw_page(summary: LoopSummary, path: Path) -> None:
    """Write the page, with one picture of valid chains and one of right answers. Raises WorkspaceError."""
    students = summary.rounds
    panels = {
        "Right answer, and every step that can be recomputed holds": {
            "valid pass@1": [student.measured.valid for student in students],
            "pass@8": [student.measured.pass_at_8 for student in students],
        },
        "Right answer, whatever the steps": {"claimed pass@1": [student.measured.claimed for student in students]},
    }
    try:
        write_lines(path, [page(f"{summary.recipe}, round by round", _told(summary) + pictures(panels))])
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be written: {error.strerror}", "free space and run again") from error


def _told(summary: LoopSummary) -> str:
    rounds = summary.rounds
    rows = [
        [
            str(student.round),
            student.measured.valid.percent(),
            student.measured.claimed.percent(),
            student.measured.pass_at_8.percent(),
            f"{student.measured.methods:.2f}",
            f"{student.kept:,}",
            f"{student.rows:,}",
            f"{student.cost_usd:.2f}",
            student.release or "",
            student.model,
        ]
        for student in rounds
    ]
    names = ("round", "valid pass@1", "claimed", "pass@8", "methods", "kept", "rows", "USD", "release", "model")
    stopped = f'<p class="bad">Stopped: {escape(summary.stopped)}</p>' if summary.stopped else ""
    problems = f"{counted(rounds[-1].measured.problems, 'held-out problem')}" if rounds else "no problems yet"
    return (
        f"<h1>{escape(summary.recipe)}, round by round</h1>{stopped}"
        f"<p>Percent on {problems}, which nothing is learned from; 95 % intervals over problems. Round 0 is the first "
        f"student; {summary.cost_usd:,.2f} USD in all.</p>{table(names, rows)}"
        '<p class="soft">methods: different sets of equations among the valid chains of a problem. kept: chains of the '
        "release that this student learned from.</p>"
    )
