r"""Boxes: every `\boxed{...}` and `\fbox{...}` of a text, outermost ones, with balanced braces. Linear."""

import re

MAX_STATEMENTS = 32
"""Of more boxes or statements than these the last ones are read."""

_BOX = re.compile(r"\\f?box(?:ed)?\s*(?=\{)|\\boxed[ \t]+(?=[^\s{])(?![A-Za-z]{2})")


def _close(text: str, start: int) -> int:
    """Return the index after the brace that closes the one at `start`, or -1."""
    depth = 0
    for match in _BRACE.finditer(text, start):
        piece = match[0]
        if piece == "{":
            depth += 1
        elif piece == "}":
            depth -= 1
            if depth == 0:
                return match.end()
    return -1


_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


def last_boxes(text: str) -> list[tuple[int, int, str]] | None:
    """Return up to the last MAX_STATEMENTS boxes, outermost ones, as (start, end, content); None if one is open."""
    starts = list(_BOX.finditer(text))[-MAX_STATEMENTS:]
    boxes: list[tuple[int, int, str]] = []
    covered = -1
    for match in starts:
        if match.start() < covered:
            continue  # a box inside a box
        if text[match.end()] != "{":
            piece = re.compile(r"\\[A-Za-z]+|[^\s$.,]+").match(text, match.end())
            if piece:
                boxes.append((match.start(), piece.end(), piece[0]))
            continue
        covered = _close(text, match.end())
        if covered < 0:
            return None
        boxes.append((match.start(), covered, unboxed(text[match.end() + 1 : covered - 1])))
    return boxes


def boxes(text: str) -> list[str]:
    """Return the contents of the outermost boxes of a text in order (of many the last ones), none if one is open."""
    return [content.strip() for _, _, content in last_boxes(text) or []]


def unboxed(text: str) -> str:
    r"""Return `text` with every `\boxed{...}` in it replaced by its content."""
    for _ in range(8):
        match = _BOX.search(text)
        if match is None or text[match.end()] != "{":
            return text
        end = _close(text, match.end())
        if end < 0:
            return text
        text = text[: match.start()] + text[match.end() + 1 : end - 1] + text[end:]
    return text
