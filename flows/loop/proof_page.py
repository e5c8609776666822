"""prove.html: the curves of all arms with their intervals, what is claimed beside what is true, and the numbers."""

from html import escape
from typing import Literal

from cotfactory.flows.loop.curves import page, pictures, table
from cotfactory.flows.loop.proof import Proof

PANELS: dict[Literal["valid", "claimed", "pass_at_8"], str] = {
    "valid": "True: right answer, and every step holds (valid pass@1)",
    "claimed": "Claimed: right answer, whatever the steps (pass@1)",
    "pass_at_8": "At least one valid chain in eight (pass@8)",
}


def proof_page(proof: Proof) -> str:
    """Return the page: it loads nothing, runs nothing, and goes without pictures where none can be drawn."""
    broken = proof.broken()
    verdict = (
        "".join(f'<p class="bad">{escape(line)}</p>' for line in broken)
        or '<p class="good">The proof stands: what was kept teaches, what was not does not.</p>'
    )
    ahead = "".join(
        f"<li>strict is ahead of {escape(name)} by {found.percent()} points</li>"
        for name, found in proof.strict_ahead_of.items()
    )
    kept = "".join(f"<li><b>{escape(name)}</b>: {escape(means)}</li>" for name, means in proof.means.items())
    panels = {
        title: {name: [getattr(done.measured, measure) for done in rounds] for name, rounds in proof.rounds.items()}
        for measure, title in PANELS.items()
    }
    body = f"""<h1>What this filter does to a student</h1>
{verdict}<ul>{ahead}</ul>
<p>Every arm begins with the same student and asks the same {proof.problems_per_round} problems a round,
{proof.attempts} chains each, with the same seeds; it learns from as many rows as the others, of the same problems, and
differs in nothing but what it may learn from. Percent on held-out problems, 95 % intervals over problems,
{proof.seeds} {"seed" if proof.seeds == 1 else "seeds"}.</p><ul>{kept}</ul>
{pictures(panels)}
<h2>Valid pass@1, round by round</h2>{_rounds(proof)}
<h2>After the last round</h2>{_last(proof)}
<p class="soft">{proof.seconds:,.0f} s in all.</p>"""
    return page("cotfactory prove", body)


def _rounds(proof: Proof) -> str:
    count = max(len(rounds) for rounds in proof.rounds.values())
    return table(
        ["round", *proof.rounds],
        [
            [str(number), *(rounds[number].measured.valid.percent() for rounds in proof.rounds.values())]
            for number in range(count)
        ],
    )


def _last(proof: Proof) -> str:
    rows = []
    for name, rounds in proof.rounds.items():
        last = rounds[-1].measured
        learned = f"{sum(done.rows for done in rounds):,}"
        shown = [last.valid, last.claimed, last.pass_at_8]
        rows.append([name, learned, *(found.percent() for found in shown), f"{last.problems:,}"])
    return table(["arm", "rows learned", "true", "claimed", "pass@8", "held-out problems"], rows)
