"""Find the program in a response: complete fenced blocks first, by ordered rules, each with its reason code.

A response is a model's text: it is read as Python where that tells what belongs together, and what is wrong with it
shows in the container. The rules in order, with the code each leaves in the evidence:

fenced_block        the one complete Python block (that defines the entry point, where there is one)
last_fenced_block   the last of several such blocks: drafts come first
completion          an indented block, or response: the body of the function that the question began
unfenced            no block at all: from the response's first line of code to its last

No program: empty, unclosed_fence, no_program, no_entry_point.
"""

import ast
import re
from dataclasses import dataclass

from cotfactory.graders.code.bindings import (
    free_names,
    is_program,
    module_names,
    reads_input,
    returns_at_top,
    tree_of,
)
from cotfactory.graders.extract import without_template_marks
from cotfactory.schemas.judging import LANGUAGE_NAMES, Language

PYTHON = frozenset({"python", "py", "python3", "py3"})
VERSIONED = re.compile(r"i?py(?:thon)?[0-9.]{0,6}")
FENCE_AT_END = re.compile(r"\S[ \t]*```[ \t]*([A-Za-z][\w.:+{}-]{0,40})[ \t]*$")
TRIPLE_QUOTES = re.compile(r"\"\"\"|'''")
TAGS = (("<answer>", "</answer>"), ("[PYTHON]", "[/PYTHON]"))
DOCSTRING_LINES = 60
TRIES = 12
"""How many first and last lines are tried to find where unfenced code begins and ends."""
FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})")
C_START = re.compile(r"^#include[ \t]*[<\"]", re.MULTILINE)
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

    Also after other blocks that it uses. `program` and `executed` are None when nothing was found; `rule` then says
    why.
    """

    rule: str
    program: str | None = None
    executed: str | None = None
    language: Language = "python"


def extract_program(
    response: str, question: str, entry_point: str | None, language: Language | None = None
) -> ExtractedProgram:
    """Return the program of a response. `entry_point` is the function it must define, None for a script.

    `Solution.f` may also be defined as `f`, and `f` as a method of `class Solution`. A script is of the `language`
    asked for; where the problem asks for none, of the one that its block names.
    """
    if not response.strip():
        return ExtractedProgram("empty")
    answer = tagged(_without_marks(response))
    blocks, cut_off = fenced_blocks(answer)
    if entry_point is None and (other := _in_other_language(answer, blocks, cut_off, language)) is not None:
        return other
    given = given_code(question, entry_point)
    if cut_off is not None and not _goes_without(blocks, cut_off, entry_point):
        return ExtractedProgram("unclosed_fence")
    if not blocks:
        return _from_bare_text(answer, entry_point, given)
    usable = [block.text for block in blocks if block.language in PYTHON or not block.language]
    if entry_point is None:
        return _script(blocks, usable)
    defining = [text for text in usable if defines(text, entry_point)]
    if defining:
        return _last_of(defining, usable, _prelude(given, entry_point), entry_point)
    if usable and given and _is_indented(usable[-1]):
        return completed(usable[-1], given)
    return ExtractedProgram("no_entry_point" if usable else "no_program")


def _without_marks(response: str) -> str:
    """Return a response without the marks of a chat template at its end; its first line stays as far in as it was."""
    bare = without_template_marks(response)
    if bare == response.strip():
        return response
    return response[: len(response) - len(response.lstrip())] + bare + "\n"


def tagged(response: str) -> str:
    """Return what stands between the last `<answer>` or `[PYTHON]` tags, as a block; else the whole response."""
    for opening, closing in TAGS:
        end = response.rfind(closing)
        start = response.rfind(opening, 0, max(end, 0))
        if start >= 0:
            inside = response[start + len(opening) : end].strip("\n")
            return inside if "```" in inside or "~~~" in inside else f"````python\n{inside}\n````"
    return response


def _in_other_language(
    answer: str, blocks: list[_CodeBlock], cut_off: _CodeBlock | None, language: Language | None
) -> ExtractedProgram | None:
    """Return the last script of another language; None where Python is asked for, or is what the response is in."""
    named = [(LANGUAGE_NAMES.get(block.language), block.text) for block in blocks]
    if language is None:
        others = [found for found, _ in named if found is not None]
        is_python = "python" in others or not others or (cut_off is not None and cut_off.language in PYTHON)
        language = "python" if is_python else others[-1]
        if not blocks and cut_off is None and C_START.search(answer):
            language = "cpp"
    if language == "python":
        return None
    if cut_off is not None and LANGUAGE_NAMES.get(cut_off.language, language) == language:
        return ExtractedProgram("unclosed_fence")
    programs = [text for found, text in named if found == language]
    programs = programs or [block.text for block in blocks if not block.language]
    if programs:
        rule = "fenced_block" if len(set(programs)) == 1 else "last_fenced_block"
        return ExtractedProgram(rule, programs[-1], programs[-1], language)
    start = C_START.search(answer) if language == "cpp" and not blocks else None
    if start is None:
        return ExtractedProgram("no_program")
    return ExtractedProgram("unfenced", answer[start.start() :], answer[start.start() :], language)


def _goes_without(blocks: list[_CodeBlock], cut_off: _CodeBlock, entry_point: str | None) -> bool:
    """Whether a block that was begun last and never closed is no correction of a complete one before it."""
    complete = [block.text for block in blocks if block.language in PYTHON or not block.language]
    if entry_point is None:
        is_python = cut_off.language in PYTHON
        return any(map(reads_input, complete)) and not (is_python and reads_input(cut_off.text))
    begins = re.search(rf"\b(?:def|class)[ \t]+{re.escape(_plain_name(entry_point))}\b", cut_off.text)
    return begins is None and any(defines(text, entry_point) for text in complete)


def _script(blocks: list[_CodeBlock], usable: list[str]) -> ExtractedProgram:
    """Return the last script: of the blocks that read input where one does, for the others only show how to run it."""
    labelled = [block.text for block in blocks if block.language in PYTHON]
    programs = labelled or [text for text in usable if is_program(text)] or usable
    reading = [text for text in programs if reads_input(text)]
    return _last_of(reading or programs, usable, "", None)


def _from_bare_text(response: str, entry_point: str | None, given: str) -> ExtractedProgram:
    """Return the program of a response without any fence."""
    if given and (body := _bare_body(response)):
        return completed(body, given)
    program = bare_program(response, entry_point)
    if program is None:
        return ExtractedProgram("no_program")
    return ExtractedProgram("unfenced", program, before(_prelude(given, entry_point), program))


def _bare_body(response: str) -> str | None:
    """Return a function's body; its first line may have lost its indentation to whoever trimmed the response."""
    if _is_indented(response):
        return response
    tree = tree_of(response)
    if tree is not None:
        return "".join(f"    {line}" for line in response.splitlines(keepends=True)) if returns_at_top(tree) else None
    first = f"    {response}"
    return first if tree_of(f"def _():\n{first}") is not None else None


def bare_program(response: str, entry_point: str | None) -> str | None:
    """Return the code of a response that may begin and end in prose: from its first line of code to its last."""
    lines = response.split("\n")
    starts = [place for place, line in enumerate(lines) if CODE_START.match(line)]
    if entry_point is None:
        starts = [place for place, line in enumerate(lines) if line.strip()]
    for start in starts[:TRIES]:
        ends = [len(lines), *(place for place in range(len(lines) - 1, start, -1) if not lines[place].strip())]
        for end in ends[:TRIES]:
            text = "\n".join(lines[start:end])
            if is_program(text) and (entry_point is None or defines(text, entry_point)):
                return text
    return None


def _last_of(programs: list[str], blocks: list[str], given: str, entry_point: str | None) -> ExtractedProgram:
    """Return the last of the programs, to be run after the blocks whose names it needs.

    The rule says if there was a choice. What is reported is the one block, as it stands in the response.
    """
    if not programs:
        return ExtractedProgram("no_program")
    rule = "fenced_block" if len(set(programs)) == 1 else "last_fenced_block"
    whole = with_helpers(programs[-1], blocks, entry_point)
    return ExtractedProgram(rule, programs[-1], before(given, whole))


def with_helpers(program: str, blocks: list[str], entry_point: str | None) -> str:
    """Return a program after the other blocks that define what it uses and does not define."""
    whole = program
    place = len(blocks) - 1 - blocks[::-1].index(program)
    for block in [*reversed(blocks[:place]), *blocks[place + 1 :]]:
        tree, helper = tree_of(whole), tree_of(block)
        if tree is None or helper is None or (entry_point is not None and defines(block, entry_point)):
            continue
        if free_names(tree) & module_names(helper) and "from __future__" not in whole:
            whole = f"{block}\n\n{whole}"
    return whole


def completed(body: str, given: str) -> ExtractedProgram:
    """Return the function the question began, with its body."""
    return ExtractedProgram("completion", body, given.rstrip() + "\n" + body.lstrip("\n"))


def fenced_blocks(text: str) -> tuple[list[_CodeBlock], _CodeBlock | None]:
    """Return the complete fenced blocks of a text, and the one that was begun last and never closed.

    A fence opens a block at the start of a line, or after words where a language follows it. It closes with the
    character it was opened with, at least as often, and nothing after it; also at the end of a line of code. Inside a
    text of several lines (a docstring) it closes nothing, as long as that text ends before the next block begins.
    A block that stands indented (in a list) loses the indentation of its fence.
    """
    blocks: list[_CodeBlock] = []
    opened: _Fence | None = None
    inside: list[str] = []
    lines = text.split("\n")
    quoted = _QuotedLines(lines)
    for place, line in enumerate(lines):
        fence = _read_fence(line)
        if opened is None:
            opened, inside = fence or _fence_in_line(line), []
            quoted.begin(place + 1)
        elif fence and fence.marks.startswith(opened.marks) and not fence.info:
            if quoted.holds(place):
                inside.append(line)
                continue
            blocks.append(_block(opened, inside))
            opened = None
        elif line.rstrip().endswith(opened.marks) and line.count(opened.marks) == 1 and not quoted.holds(place):
            inside.append(line.rstrip()[: -len(opened.marks)])
            blocks.append(_block(opened, inside))
            opened = None
        else:
            inside.append(line[opened.indent :] if not line[: opened.indent].strip() else line)
    return blocks, _block(opened, inside) if opened is not None else None


class _QuotedLines:
    """Which lines of a block stand inside a triple-quoted text that ends later."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._read = 0
        self._open: str | None = None

    def begin(self, place: int) -> None:
        """Start anew at the first line of a block."""
        self._read, self._open = place, None

    def holds(self, place: int) -> bool:
        """Whether a line stands inside a text that ends on a later line, before another block is opened."""
        for line in self._lines[self._read : place]:
            self._open = _open_quotes(line, self._open)
        self._read = max(self._read, place)
        if self._open is None:
            return False
        for line in self._lines[place : place + DOCSTRING_LINES]:
            if self._open in line:
                return True
            fence = _read_fence(line)
            if fence and fence.info and _language(fence.info) in PYTHON:
                return False
        return False


def _open_quotes(line: str, opened: str | None) -> str | None:
    """Return which triple quotes are open after a line."""
    for found in TRIPLE_QUOTES.finditer(line):
        if opened is None:
            opened = found[0]
        elif found[0] == opened:
            opened = None
    return opened


def _block(opened: _Fence, inside: list[str]) -> _CodeBlock:
    return _CodeBlock(_language(opened.info), "\n".join(inside) + "\n")


def _language(info: str) -> str:
    """Return the language of a fence: `python` of `Python:file.py`, `{.python}`, `python3.10` and `ipython`."""
    words = info.strip("{}").replace(",", " ").split()
    language = words[0].lstrip(".").partition(":")[0].partition("{")[0].lower() if words else ""
    return "python" if VERSIONED.fullmatch(language) else language


def _fence_in_line(line: str) -> _Fence | None:
    """Return the fence that opens a block after words: `Answer: ```python`."""
    found = FENCE_AT_END.search(line)
    return _Fence(0, "```", found[1]) if found and line.count("```") == 1 else None


def _read_fence(line: str) -> _Fence | None:
    """Return the fence that a line is, or None; inline code between backticks is none."""
    found = FENCE.match(line)
    info = line[found.end() :].strip() if found else ""
    if found is None or "`" in info:
        return None
    return _Fence(len(found[1]), found[2], info)


def _plain_name(entry_point: str) -> str:
    """Return the name of a function without that of its class."""
    return entry_point.rpartition(".")[2]


def defines(text: str, entry_point: str) -> bool:
    """Whether a text defines the entry point, as a function of the module or as a method of `class Solution`."""
    if (tree := tree_of(text)) is None:
        return any(_find_definition(text, name) is not None for name in {entry_point.partition(".")[0], entry_point})
    name = _plain_name(entry_point)
    if name in module_names(tree):
        return True
    return any(
        isinstance(item, ast.FunctionDef) and item.name == name
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == "Solution"
        for item in node.body
    )


def given_code(question: str, entry_point: str | None) -> str:
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
