"""The job `cotfactory prove`: the arms, a quiet progress, the table, the page, and an error where it does not hold."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvloop

from cotfactory.flows.host.signals import stoppable
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.loop.arms import chosen_arms
from cotfactory.flows.loop.proof import Proof
from cotfactory.flows.loop.proof_page import proof_page
from cotfactory.flows.loop.prove import ProveRequest, needs_torch, prove
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.summary import RunSummary
from cotfactory.schemas.errors import InputError, ProofBroken, WorkspaceError
from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.printable import printable


class RoundProgress:
    """Tells the rounds of a proof on stderr, and nothing of the dozens of runs inside them."""

    def note(self, text: str) -> None:
        """Tell it, where it is about a round."""
        if text.startswith(("round", "seed")):
            print(printable(text), file=sys.stderr, flush=True)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[None]:
        """Tell nothing."""
        yield

    def advance(self, steps: int = 1) -> None:
        """Tell nothing."""

    def graded(self, verdict: Verdict, cost_usd: float | None) -> None:
        """Tell nothing."""

    def not_needed(self, samples: int) -> None:
        """Tell nothing."""

    def failed(self, reason: str) -> None:
        """Tell that a request failed."""
        print(f"request failed: {printable(reason)}", file=sys.stderr, flush=True)

    def ended(self, summary: RunSummary) -> None:
        """Tell nothing."""


def prove_arms(
    arms: Sequence[str], recipe: Path | None, workspace: Path, rounds: int, seeds: int, page: Path | None
) -> Proof:
    """Run the proof, write its page, and return it.

    Raises InputError without torch, WorkspaceError where the page cannot be written, ProofBroken (with the proof as
    its summary) where an arm did not come out as it must.
    """
    needs_torch()
    curation = load_recipe(recipe).curation if recipe is not None else None
    request = ProveRequest(chosen_arms(arms, curation), workspace, rounds, seeds)
    if page is not None and not page.parent.is_dir():
        raise InputError(f"--out is {page}: expected a file in a folder that is there", "make the folder first")
    proof = uvloop.run(stoppable(prove(request, DirectStages(), RoundProgress())))
    if page is not None:
        try:
            page.write_text(proof_page(proof), "utf-8")
        except OSError as error:
            raise WorkspaceError(f"{page} cannot be written: {error.strerror}", "name another --out") from error
    if proof.broken():
        broken = ProofBroken(proof.text(), "what should hold does not")
        broken.summary = proof
        raise broken
    return proof
