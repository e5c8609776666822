"""Find the script in a response that computes its answer: the last complete Python block, or the code that it is."""

import re
import textwrap
from typing import NamedTuple

from cotfactory.graders.code.bindings import is_program, returns_at_top, tree_of
from cotfactory.graders.code.program import CODE_START, PYTHON, bare_program, fenced_blocks, tagged, with_helpers

CODE_LINE = re.compile(r"[ \t]*(?:[A-Za-z_][A-Za-z0-9_]* = |print\()")


class Script(NamedTuple):
    """A script as the response has it, and what is executed: with what it needs of other blocks."""

    text: str
    executed: str


def script_in(response: str) -> Script | None:
    """Return the script that a response holds: its last complete Python block that does something, with the blocks
    before it that define what it uses; else a block that nothing closes, else bare code. None where there is none.

    The body of a function that a prompt began (`    x = 3` and so on, or with a `return`) becomes a script of its own.
    """
    blocks, cut_off = fenced_blocks(tagged(response))
    if not blocks and cut_off is not None:
        blocks = [cut_off]
    if not blocks:
        text = bare_program(response, None) or response
        return _script(text, text)
    usable = [block.text for block in blocks if block.language in PYTHON or not block.language]
    programs = [text for text in usable if is_program(text)] or usable
    return _script(programs[-1], with_helpers(programs[-1], usable, None)) if programs else None


def _script(text: str, whole: str) -> Script | None:
    executed = _script_of_body(whole)
    return None if executed is None else Script(text.strip("\n"), executed)


def _script_of_body(text: str) -> str | None:
    """Return a text as a script, None where it is none in any reading."""
    dedented = textwrap.dedent(text)
    for script in (text, dedented):
        tree = tree_of(script)
        if tree is not None and not returns_at_top(tree):
            return script if is_program(script) else None
    wrapped = f"def solution():\n{textwrap.indent(dedented, '    ')}\n"
    return wrapped if tree_of(wrapped) is not None else text if _has_code(text) else None


def _has_code(text: str) -> bool:
    """Whether a text that is no Python was meant to be some: running it tells what is wrong with it."""
    return any(CODE_START.match(line) or CODE_LINE.match(line) for line in text.splitlines())
