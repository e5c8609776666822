"""Grade what is stored of a round before it is asked: what runs before left in batches, and what they did not grade."""

from functools import partial

from cotfactory.flows import stages
from cotfactory.flows.ask.batches import collect_batches, has_batches
from cotfactory.flows.job import Job
from cotfactory.flows.stages import Flip


async def grade_stored(job: Job, what: str = "chains", *, everything: bool = False) -> list[Flip]:
    """Fetch what earlier runs left in batches, where the job asks, and grade what is stored; return what flipped."""
    if job.asks and has_batches(job.run):
        name = "collect batches" if what == "chains" else f"collect batches of {what}"
        await job.runner.run(name, lambda: collect_batches(job.run, job.wanted))
    return await job.stage(f"grade stored {what}", partial(stages.grade_stored, what=what, everything=everything))
