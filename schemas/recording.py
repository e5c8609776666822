"""Recording: one completion that was recorded elsewhere, as a line of a recordings file."""

from pydantic import JsonValue

from cotfactory.schemas.record import Record


class Turn(Record):
    """One message of a recorded conversation; `role` is `user`, `assistant`, `tool` or another word of its source."""

    role: str
    content: str
    reasoning: str | None = None
    tool_calls: tuple[JsonValue, ...] = ()


class Recording(Record):
    """One recorded completion: `sample` counts the completions of a problem from 0.

    `finish_reason` is the word of the server that it was recorded from, in its own language. `turns` is the whole
    conversation after the question where that is more than one answer (tools were called, somebody asked on);
    `response` is then the last thing that the model said.
    """

    problem_id: str
    question: str
    model: str
    sample: int
    response: str
    reasoning: str | None = None
    finish_reason: str = "stop"
    turns: tuple[Turn, ...] = ()
