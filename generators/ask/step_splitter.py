r"""Cut a chain into steps: at paragraphs, else at numbered steps, lines or sentences; never inside code or mathematics.

Each kind of cut is added to the coarser ones only while there are fewer than ENOUGH steps. What is kept whole: fenced
code, `$$ $$`, `\[ \]`, `\( \)`, `\begin{x} \end{x}`, `\boxed{}`. Example, with at most 12 steps: the one paragraph
`Six eggs cost 3.50 each. That is 21. So \boxed{21. 00}.` becomes `Six eggs cost 3.50 each. `, `That is 21. ` and
`So \boxed{21. 00}.`; white space belongs to the step before it, so that the steps join to the text without loss.

All patterns and scans are linear in the length of the text, which may be hostile.
"""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

ENOUGH = 3
LONGEST_ABBREVIATION = 10
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_LINE = re.compile(r"\n")
_NUMBERED = re.compile(r"(?m)^[ \t#>*_-]*(Step[ \t]+)?(\d{1,3})[.):]", re.IGNORECASE)
_SENTENCE = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"')\]*_”’]))\s+(?=[^\sa-z])|(?<=[。！？])\s*")
_ABBREVIATED = re.compile(
    r"(?m)(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|Mr|Mrs|Ms|Dr|St|No|Fig|Eq|resp)|(?:^|[\s(])[A-Z]|^[ \t#>*_-]*\d{1,3})\.$"
)
_OPENER = re.compile(r"(?m)^[ \t]*(```+|~~~+)|(\$\$|\\\[|\\\()|\\begin\{([A-Za-z]{1,20}\*?)\}|\\boxed[ \t]*(\{)")
_END = re.compile(r"\\end\{([A-Za-z]{1,20}\*?)\}")
_CLOSERS = {"$$": "$$", "\\[": "\\]", "\\(": "\\)"}
_HEADING = re.compile(r"[ \t]*(?:#{1,6}[ \t][^\n]*|\*\*[^\n*]+\*\*)")


def split_steps(text: str, max_steps: int) -> tuple[str, ...]:
    """Return the steps of `text`, at most `max_steps`, which join to it without loss; none of a blank text."""
    if not text.strip():
        return ()
    kept_whole = list(_kept_whole(text))
    cuts: set[int] = set()
    steps: list[str] = [text]
    for kind in (_paragraph_cuts, _numbered_cuts, _line_cuts, _sentence_cuts):
        cuts.update(cut for cut in kind(text) if not _is_inside(cut, kept_whole))
        steps = _with_words(text, sorted(cuts))
        if len(steps) >= ENOUGH:
            break
    return _at_most(steps, max_steps)


def _paragraph_cuts(text: str) -> Iterator[int]:
    return (found.end() for found in _PARAGRAPH.finditer(text))


def _line_cuts(text: str) -> Iterator[int]:
    return (found.end() for found in _LINE.finditer(text))


def _numbered_cuts(text: str) -> Iterator[int]:
    """Yield where the lines of a count begin: 1, 2, 3 and so on, with the word `Step` or without."""
    due = {"": 1, "step": 1}
    for found in _NUMBERED.finditer(text):
        style = "step" if found[1] else ""
        if int(found[2]) == due[style]:
            due[style] += 1
            yield found.start()


def _sentence_cuts(text: str) -> Iterator[int]:
    for found in _SENTENCE.finditer(text):
        if not _ABBREVIATED.search(text, max(0, found.start() - LONGEST_ABBREVIATION), found.start()):
            yield found.end()


def _kept_whole(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans (start, end) that no cut may fall into, in order, none inside another."""
    braces = _braces(text)
    environments: defaultdict[str, list[int]] = defaultdict(list)  # name -> where one ends, so that none is looked for
    for ending in _END.finditer(text):
        environments[ending[1]].append(ending.end())
    gone: set[str] = set()  # openers whose closer does not come any more: a second look would find nothing either
    at = 0
    while (found := _OPENER.search(text, at)) is not None:
        fence, opener, environment, _ = found.groups()
        if fence:
            closing = re.compile(rf"(?m)^[ \t]*{fence[0]}{{{len(fence)},}}[ \t]*$").search(text, found.end())
            end = closing.end() if closing else len(text)  # as Markdown has it: code up to the end
        elif opener:
            begin = -1 if opener in gone else text.find(_CLOSERS[opener], found.end())
            gone.update([opener] if begin == -1 else [])
            end = -1 if begin == -1 else begin + len(_CLOSERS[opener])
        elif environment:
            ends = environments[environment]
            after = bisect_left(ends, found.end())
            end = ends[after] if after < len(ends) else -1
        else:
            end = braces.get(found.end() - 1, -1)
        if end == -1:
            at = found.end()
            continue
        yield found.start(), end
        at = end


def _braces(text: str) -> dict[int, int]:
    """Return for each opening brace that is closed the position after its closing one."""
    closed: dict[int, int] = {}
    opened: list[int] = []
    for found in re.finditer(r"\\.|[{}]", text, re.DOTALL):
        if found[0] == "{":
            opened.append(found.start())
        elif found[0] == "}" and opened:
            closed[opened.pop()] = found.end()
    return closed


def _is_inside(cut: int, spans: Sequence[tuple[int, int]]) -> bool:
    before = bisect_left(spans, (cut, 0)) - 1  # the last span that starts before the cut
    return before >= 0 and cut < spans[before][1]


def _with_words(text: str, cuts: Sequence[int]) -> list[str]:
    """Return the pieces between `cuts`; one without a word joins the one before it, a heading the one it is about."""
    edges = [0, *(cut for cut in cuts if 0 < cut < len(text)), len(text)]
    kept = [0]
    says_something = False  # what there is since the last cut that was kept
    for before, cut, after in zip(edges, edges[1:], edges[2:], strict=False):
        ended = text[before:cut].rstrip()
        says_something = says_something or _has_word(ended)
        is_heading = ended.endswith((":", ":**")) or _HEADING.fullmatch(ended) is not None
        if says_something and not is_heading and _has_word(text[cut:after]):
            kept.append(cut)
            says_something = False
    return [text[start:end] for start, end in pairwise([*kept, len(text)])]


def _has_word(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _at_most(steps: Sequence[str], most: int) -> tuple[str, ...]:
    """Join neighbours so that `most` steps of about the same length are left."""
    if len(steps) <= most:
        return tuple(steps)
    ends: list[int] = []
    for step in steps:
        ends.append((ends[-1] if ends else 0) + len(step))
    chosen: list[int] = []  # how many of the steps are in the joined ones so far
    for number in range(1, most):
        goal = ends[-1] * number / most
        after = bisect_right(ends, goal)
        nearest = after + 1 if after == 0 or ends[after] - goal < goal - ends[after - 1] else after
        low, high = (chosen[-1] if chosen else 0) + 1, len(steps) - (most - number)
        chosen.append(min(max(nearest, low), high))
    return tuple("".join(steps[start:end]) for start, end in pairwise([0, *chosen, len(steps)]))
