"""Recording: one completion that was recorded elsewhere, as a line of a recordings file."""

from cotfactory.schemas.record import Record


class Recording(Record):
    """One recorded completion: `sample` counts the completions of a problem from 0.

    `finish_reason` is the word of the server that it was recorded from, in its own language.
    """

    problem_id: str
    question: str
    model: str
    sample: int
    response: str
    reasoning: str | None = None
    finish_reason: str = "stop"
