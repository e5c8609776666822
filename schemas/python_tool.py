"""The tool `python`: how it is offered to a teacher, and a call of it."""

import json
from typing import Any

from cotfactory.schemas.record import Record

PYTHON_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "python",
        "description": (
            "Runs Python and returns what it prints and the value of its last expression, or its error. Variables stay "
            "from one call to the next. There is no network."
        ),
        "parameters": {
            "type": "object",
            "properties": {"code": {"type": "string", "description": "Python code"}},
            "required": ["code"],
        },
    },
}
"""As requests and rows have it, in the form of the OpenAI chat API."""


MOST_RESULT_CHARACTERS = 10_000
"""What a call gives back is cut to so many."""


class ToolCall(Record):
    """One call that an answer makes. `arguments` are as the teacher sent them: an object as JSON, mostly.

    `id` None: it was written as a fenced block at the end of the answer, whose code the arguments are.
    """

    id: str | None
    name: str
    arguments: str

    @property
    def code(self) -> str:
        """The code that is to be run. Teachers that send no object mean the code itself."""
        if self.id is None:
            return self.arguments
        try:
            given = json.loads(self.arguments)
        except (ValueError, RecursionError):
            return self.arguments
        if isinstance(given, dict):
            given = given.get("code", next(iter(given.values()), ""))
        return given if isinstance(given, str) else self.arguments
