"""A conversation, as chat messages or as ShareGPT turns, cut into the question, what followed, and the last answer."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cotfactory.generators.imports.imported import NotThisFormat
from cotfactory.generators.imports.row_fields import listed, mapping
from cotfactory.schemas.recording import Turn

ROLES = {"human": "user", "gpt": "assistant", "developer": "system", "model": "assistant"}
"""What ShareGPT and some servers call the roles of a chat."""


class Conversation(NamedTuple):
    """`turns` is all that follows the question, empty where it is one answer; `answer` None: nobody answered."""

    question: str
    answer: Turn | None
    turns: tuple[Turn, ...]


def conversation_of(messages: Sequence[Any]) -> Conversation:
    """Cut a list of messages, `{role, content}` or `{from, value}`. Raises NotThisFormat where nobody asks anything.

    The question is the first message of the user (else of the system); a system message before it is no turn.
    """
    turns = [turn_of(message) for message in messages]
    asked = next((place for place, turn in enumerate(turns) if turn.role == "user"), None)
    if asked is None:
        asked = next((place for place, turn in enumerate(turns) if turn.role == "system"), None)
    if asked is None:
        raise NotThisFormat(f"{len(turns)} messages, none of a user: expected a question")
    after = tuple(turns[asked + 1 :])
    answer = next((turn for turn in reversed(after) if turn.role == "assistant"), None)
    return Conversation(turns[asked].content, answer, after if len(after) > 1 else ())


def turn_of(message: Any) -> Turn:
    """Return one message as a turn. Raises NotThisFormat."""
    said = mapping(message)
    role = said.get("role", said.get("from"))
    if not isinstance(role, str):
        raise NotThisFormat("a message without `role` (or `from`): expected {role, content} or {from, value}")
    reasoning = said.get("reasoning_content", said.get("reasoning"))
    return Turn(
        role=ROLES.get(role, role),
        content=text_of(said.get("content", said.get("value"))),
        reasoning=reasoning if isinstance(reasoning, str) and reasoning else None,
        tool_calls=tuple(listed(said, "tool_calls")),
    )


def text_of(content: Any) -> str:
    """Return the text of a message, of its text parts where it comes in parts; nothing is an empty text.

    >>> text_of([{"type": "text", "text": "6 * 7"}, {"type": "image_url"}, {"type": "text", "text": " = ?"}])
    '6 * 7 = ?'
    """
    if isinstance(content, str):
        return content
    return "".join(_part_texts(content)) if isinstance(content, list | tuple) else ""


def _part_texts(parts: Iterable[Any]) -> Iterable[str]:
    for part in parts:
        text = part if isinstance(part, str) else mapping(part).get("text")
        if isinstance(text, str):
            yield text
