r"""The part of a response that its format sets apart as the answer: `<answer>`, a JSON object, a fenced block.

What is set apart is read like a response of its own.
"""

import json
import re

MAX_JSON_CHARS = 100_000

_FENCED = re.compile(r"\A```[A-Za-z]{0,12}[ \t]*\n(?P<inside>.*?)\n?```\s*\Z", re.DOTALL)
_LAST_FENCE = re.compile(r"```(?:json)?[ \t]*\n(?P<inside>\{[^`]*\})\s*\n?```\s*\Z", re.IGNORECASE)
_TAG = re.compile(
    r"[<\[](?P<tag>answer|final_answer|final answer)[>\]](?P<inside>(?:(?![<\[](?:answer|final_answer"
    r"|final answer)[>\]]).)*?)[<\[]/(?P=tag)[>\]]",
    re.I | re.DOTALL,
)
_LONE_COMMAND = re.compile(r"\\[A-Za-z]{2}")
_KEYS = ("finalanswer", "correctanswer", "answer", "answers", "final", "result", "finalresult", "choice", "ans")


def tagged_answers(text: str) -> list[str]:
    """Return what stands between each pair of answer tags, in order; an empty one is left out."""
    lowered = text.lower()
    if "answer>" not in lowered and "answer]" not in lowered:
        return []
    return [inside for match in _TAG.finditer(text) if (inside := match["inside"].strip())]


def set_apart(text: str) -> str | None:
    """Return what a response sets apart as its answer, None where it sets nothing, or different things, apart."""
    if tagged := tagged_answers(text):
        return tagged[-1] if len(set(tagged)) == 1 else None
    inside = opened(text)
    return inside if inside != text else None


def without_tags(text: str) -> str:
    """Return a text without its answer tags and what stands between them."""
    return _TAG.sub(" ", text)


def opened(text: str) -> str:
    """Return what a response states that is a fenced block or a JSON object; other responses as they are."""
    if text.startswith("```") and (fenced := _FENCED.match(text)) and "```" not in fenced["inside"]:
        text = fenced["inside"].strip()
    if text.startswith("[{") and text.endswith("}]"):
        return json_answer(text) or text
    if text.endswith("}") and (start := text.find("{") if text.startswith("{") else text.rfind("\n{") + 1) >= 0:
        return json_answer(text[start:]) or text
    if text.endswith("```") and "{" in text and (block := _LAST_FENCE.search(text[-MAX_JSON_CHARS:])):
        return json_answer(block["inside"]) or text
    return text


def json_answer(text: str) -> str | None:
    r"""Return the answer that a JSON object states under `answer`, `final_answer` or the like; None where it does not.

    >>> json_answer('{"reasoning": "6 * 7", "answer": 42}')
    '42'
    """
    if '"' not in text or len(text) > MAX_JSON_CHARS:
        return None
    if _LONE_COMMAND.search(text) and "\\\\" not in text:
        text = text.replace("\\", "\\\\")  # "\\frac" was meant, and JSON reads a form feed
    try:
        found = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None
    return _stated_in(found[0] if isinstance(found, list) and len(found) == 1 else found, depth=0)


def _stated_in(value: object, depth: int) -> str | None:
    if not isinstance(value, dict) or depth > 2:
        return None
    by_key = {re.sub(r"[^a-z]", "", str(key).lower()): inside for key, inside in value.items()}
    for key in _KEYS:
        inside = by_key.get(key)
        if isinstance(inside, bool):
            return str(inside)
        if isinstance(inside, str):
            return inside.strip() or None
        if isinstance(inside, list) and inside and all(isinstance(part, str) for part in inside):
            return ", ".join(inside)
        if isinstance(inside, dict):
            return _stated_in(inside, depth + 1)
    return None
