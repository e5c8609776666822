"""Find the program in a response: complete fenced blocks first, by ordered rules, each with its reason code.

Nothing is parsed here as Python: a response is a model's text, and what is wrong with it shows in the
container. The rules in order, with the code each leaves in the evidence:

fenced_block        the one complete Python block (that defines the entry point, where there is one)
last_fenced_block   the last of several such blocks: drafts come first
completion          an indented block, or response: the body of the function that the question began
unfenced            no block at all, and the response itself starts with code

No program: empty, unclosed_fence, no_program, no_entry_point.
"""

import re
from dataclasses import dataclass

PYTHON = frozenset({"python", "py", "python3", "py3"})
FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})")
CODE_START = re.compile(r"(?:import|from|def|class|async)[ \t]|@")


@dataclass(frozen=True)
class _CodeBlock:
    """A fenced block: its language as written, in lower case, and its text."""

    language: str
    text: str


@dataclass(frozen=True)
class _Fence:
    """A fence line: how far it is indented, its backticks or tildes, and what stands after them."""

    indent: int
    marks: str
    info: str


@dataclass(frozen=True)
class ExtractedProgram:
    """The program that was found, and what to execute: the same, after the code the question gave.

    `program` and `executed` are None when nothing was found; `rule` then says why.
    """

    rule: str
    program: str | None = None
    executed: str | None = None


def extract_program(response: str, question: str, entry_point: str | None) -> ExtractedProgram:
    """Return the program of a response. `entry_point` is the function it must define, None for a script."""
    if not response.strip():
        return ExtractedProgram("empty")
    blocks, unclosed = fenced_blocks(response)
    if unclosed:
        return ExtractedProgram("unclosed_fence")
    given = _given_code(question, entry_point)
    if not blocks:
        return _from_bare_text(response, entry_point, given)
    usable = [block.text for block in blocks if block.language in PYTHON or not block.language]
    if entry_point is None:
        labelled = [block.text for block in blocks if block.language in PYTHON]
        return _last_of(labelled or usable, "")
    defining = [text for text in usable if _find_definition(text, entry_point) is not None]
    if defining:
        return _last_of(defining, _prelude(given, entry_point))
    if usable and given and _is_indented(usable[-1]):
        return completed(usable[-1], given)
    return ExtractedProgram("no_entry_point" if usable else "no_program")


def _from_bare_text(response: str, entry_point: str | None, given: str) -> ExtractedProgram:
    """Return the program of a response without any fence."""
    if given and _is_indented(response):
        return completed(response, given)
    defines = entry_point is None or _find_definition(response, entry_point) is not None
    if defines and CODE_START.match(response.lstrip()):
        return ExtractedProgram("unfenced", response, before(_prelude(given, entry_point), response))
    return ExtractedProgram("no_program")


def _last_of(programs: list[str], given: str) -> ExtractedProgram:
    """Return the last of the programs; the rule says whether there was a choice."""
    if not programs:
        return ExtractedProgram("no_program")
    rule = "fenced_block" if len(set(programs)) == 1 else "last_fenced_block"
    return ExtractedProgram(rule, programs[-1], before(given, programs[-1]))


def completed(body: str, given: str) -> ExtractedProgram:
    """Return the function the question began, with its body."""
    return ExtractedProgram("completion", body, given.rstrip() + "\n" + body.lstrip("\n"))


def fenced_blocks(text: str) -> tuple[list[_CodeBlock], bool]:
    """Return the complete fenced blocks of a text, and whether one more was begun and never closed.

    A fence closes with the character it was opened with, at least as often, and nothing after it. A block
    that stands indented (in a list) loses the indentation of its fence.
    """
    blocks: list[_CodeBlock] = []
    opened: _Fence | None = None
    inside: list[str] = []
    for line in text.split("\n"):
        fence = _read_fence(line)
        if opened is None:
            opened, inside = fence, []
        elif fence and fence.marks.startswith(opened.marks) and not fence.info:
            language = opened.info.split()[0].lower() if opened.info else ""
            blocks.append(_CodeBlock(language, "\n".join(inside) + "\n"))
            opened = None
        else:
            inside.append(line[opened.indent :] if not line[: opened.indent].strip() else line)
    return blocks, opened is not None


def _read_fence(line: str) -> _Fence | None:
    """Return the fence that a line is, or None; inline code between backticks is none."""
    found = FENCE.match(line)
    info = line[found.end() :].strip() if found else ""
    if found is None or "`" in info:
        return None
    return _Fence(len(found[1]), found[2], info)


def _given_code(question: str, entry_point: str | None) -> str:
    """Return the code block of the question that begins the asked function; empty when there is none."""
    if entry_point is None:
        return ""
    blocks, _ = fenced_blocks(question)
    defining = [block.text for block in blocks if _find_definition(block.text, entry_point) is not None]
    return defining[-1] if defining else ""


def _prelude(given: str, entry_point: str | None) -> str:
    """Return what the question's code says before the asked function: imports and helpers it may rely on."""
    start = _find_definition(given, entry_point) if entry_point else None
    return given[:start].rstrip() if start else ""


def before(given: str, program: str) -> str:
    """Return the program after the code that was given, unless it repeats that or must itself come first."""
    if not given or given in program or "from __future__" in program:
        return program
    return f"{given}\n\n\n{program}"


def _find_definition(text: str, entry_point: str) -> int | None:
    """Return where a text defines a name at the top level, or None."""
    name = re.escape(entry_point)
    found = re.search(
        rf"^(?:(?:async[ \t]+)?def[ \t]+{name}[ \t]*[(\[]|class[ \t]+{name}\b|{name}[ \t]*=(?!=))",
        text,
        re.MULTILINE,
    )
    return found.start() if found else None


def _is_indented(text: str) -> bool:
    """Whether the first line that is not empty starts with white space."""
    return text.lstrip("\r\n")[:1] in (" ", "\t")
