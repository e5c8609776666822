"""Recording: one completion that was recorded elsewhere, as a line of a recordings file."""

from cotfactory.schemas.record import Record


class Recording(Record):
    """One recorded completion: `sample` counts the completions of a problem from 0."""

    problem_id: str
    question: str
    model: str
    sample: int
    response: str
    reasoning: str | None = None
    finish_reason: str = "stop"
