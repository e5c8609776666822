"""The tool in requests and replies: calls as servers send them, whole or in pieces, and endpoints that take none."""

import json
from typing import Any

import pytest

from cotfactory.generators.teacher.completions import read_completion, says_nothing
from cotfactory.generators.teacher.streamed_completion import StreamedCompletion
from cotfactory.generators.teacher.tool_offer import offered, refuses_tools, without_tools
from cotfactory.schemas.python_tool import ToolCall
from cotfactory.schemas.teaching import Message

CALL = {"id": "c1", "type": "function", "function": {"name": "python", "arguments": '{"code": "1"}'}}


def payload(**message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": None, **message}
    return {"model": "m", "choices": [{"index": 0, "message": said, "finish_reason": "tool_calls"}]}


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ({"tool_calls": [CALL]}, ToolCall(id="c1", name="python", arguments='{"code": "1"}')),
        # arguments as an object, and no id: Ollama and others
        (
            {"tool_calls": [{"function": {"name": "python", "arguments": {"code": "1"}}}]},
            ToolCall(id="call_0", name="python", arguments='{"code": "1"}'),
        ),
        # the older API
        (
            {"function_call": {"name": "python", "arguments": '{"code": "1"}'}},
            ToolCall(id="call_0", name="python", arguments='{"code": "1"}'),
        ),
        ({"tool_calls": [{"id": "c1", "function": {}}]}, ToolCall(id="c1", name="", arguments="{}")),
    ],
)
def test_calls_of_a_reply(message: dict[str, Any], call: ToolCall) -> None:
    completion = read_completion(payload(**message), 1.0)
    assert completion.tool_calls == (call,)
    assert not says_nothing(completion)


@pytest.mark.parametrize("message", [{}, {"tool_calls": None}, {"tool_calls": []}, {"tool_calls": ["x"]}])
def test_replies_without_calls(message: dict[str, Any]) -> None:
    assert read_completion(payload(**message), 1.0).tool_calls == ()


def test_calls_of_a_stream_are_joined_piece_by_piece() -> None:
    pieces = [
        {"index": 0, "id": "c1", "type": "function", "function": {"name": "python", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"co'}},
        {"index": 1, "id": "c2", "function": {"name": "python", "arguments": '{"code": "2"}'}},
        {"index": 0, "function": {"arguments": 'de": "1"}'}},
    ]
    stream = StreamedCompletion()
    for piece in pieces:
        chunk = {"model": "m", "choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]}
        stream.feed(b"data: %s\n\n" % json.dumps(chunk).encode())
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    stream.feed(b"data: %s\n\n" % json.dumps(end).encode())
    completion = read_completion(stream.payload(), 1.0)
    assert [(call.id, call.code) for call in completion.tool_calls] == [("c1", "1"), ("c2", "2")]


@pytest.mark.parametrize(
    ("status", "said", "refused"),
    [
        (400, b"this model does not support tools", True),
        (404, b"No endpoints found that support tool use", True),
        (501, b"tool_choice is not implemented", True),
        (400, b"max_tokens is too large", False),
        (401, b"no key for tools", False),  # not about the request
        (429, b"too many tool calls", False),
    ],
)
def test_how_endpoints_say_that_they_take_no_tools(status: int, said: bytes, refused: bool) -> None:
    assert refuses_tools(status, said) is refused


def test_the_tool_stays_offered_where_it_may_not_be_called() -> None:
    """Servers check the calls of a conversation against the tools of its request."""
    assert offered("none") == {**offered("auto"), "tool_choice": "none"}


def test_a_conversation_without_tools_says_the_same() -> None:
    call = ToolCall(id="c1", name="python", arguments='{"code": "1 + 1"}')
    messages = [
        Message(role="user", content="?"),
        Message(role="assistant", content="I compute.", tool_calls=(call,)),
        Message(role="tool", content="2", tool_call_id="c1"),
    ]
    plain = without_tools(messages)
    assert [(message.role, message.content) for message in plain] == [
        ("user", "?"),
        ("assistant", "I compute.\n\n```python\n1 + 1\n```"),
        ("user", "```output\n2\n```"),
    ]
