"""The tool in a chat request: how it is offered, how an endpoint says that it takes none, and how it does without."""

import re
from collections.abc import Sequence
from typing import Literal

from cotfactory.generators.teacher.stream_choice import NOT_ABOUT_THE_REQUEST
from cotfactory.schemas.python_tool import PYTHON_TOOL
from cotfactory.schemas.teaching import Message

_TOOLS = re.compile(rb"\btools?\b|\btool_choice\b|function.?call", re.IGNORECASE)


def offered(choice: Literal["auto", "none"] | None) -> dict[str, object]:
    """Return what a request says of the tool; it stays offered where it may not be called any more."""
    return {"tools": [PYTHON_TOOL], **({"tool_choice": "none"} if choice == "none" else {})}


def refuses_tools(status: int, said: bytes) -> bool:
    """Whether a reply refuses a request for the tool in it: then it is asked at once without."""
    return 400 <= status <= 501 and status not in NOT_ABOUT_THE_REQUEST and _TOOLS.search(said) is not None


def without_tools(messages: Sequence[Message]) -> list[Message]:
    """Return a conversation as endpoints without tools take it: calls as blocks, what they gave as the user's words."""
    plain: list[Message] = []
    for message in messages:
        if message.role == "tool":
            plain.append(Message(role="user", content=f"```output\n{message.content}\n```"))
        elif message.tool_calls:
            blocks = (f"```python\n{call.code}\n```" for call in message.tool_calls)
            plain.append(Message(role="assistant", content="\n\n".join(filter(None, (message.content, *blocks)))))
        else:
            plain.append(message)
    return plain
