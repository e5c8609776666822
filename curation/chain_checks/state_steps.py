"""Recompute the states a chain keeps while it works: a stack, who holds what, an alphabetical order, positions.

A chain that writes its state after every move states something as checkable as `6 * 7 = 42`: the new state follows
from the old one and the move. What cannot be read as such a state is left alone.
"""

import re
from collections.abc import Iterator, Mapping

from cotfactory.curation.small_letters import in_small_letters

CLOSER = {"(": ")", "[": "]", "{": "}", "<": ">"}
_BRACKETS = "()[]{}<>"
_STACK_LINE = re.compile(
    rf"^[ \t]*([{re.escape(_BRACKETS)}])[ \t]*[;:,][ \t]*stack[ \t]*(?:is|:|=)[ \t]*(.*)$", re.M | re.I
)
_FINAL_STACK = re.compile(r"final stack (?:is|:)[ \t]*[\"“]?([^\"”\n]*)", re.I)
_POPPED = re.compile(r"pop (?:out )?((?:[\"“][^\"”\n]{1,3}[\"”][, and]*){1,200})one by one", re.I)
_QUOTED = re.compile(r"[\"“]([^\"”\n]{1,60})[\"”]")
_NAME = re.compile(r"\w[\w' -]{0,40}")
_EXCHANGES = ("swap", "trade", "switch", "exchange")
_EXCHANGE = re.compile(rf"\b(\w+) and (\w+) (?:{'|'.join(_EXCHANGES)})")
_LETTER = re.compile(r"[\"“]([a-z][a-z'-]*)[\"”]: ?[\"“]([a-z])[\"”] ?\((\d{1,2})\)", re.I)
_WHICH_LETTER = re.compile(r"\b(first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth) letter", re.I)
_ORDERED = re.compile(r"[\"“]([a-z][a-z'-]*)[\"”]\]? ?< ?(?:\(\d+\) ?)?\[?[\"“](?=([a-z][a-z'-]*)[\"”])")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_PLACE = re.compile(rf"\b({'|'.join(_ORDINALS)}) is (?:the )?([\w-]+)(?=[,.;]|$| then| and)", re.M)
_NOBODY = frozenset(("any", "either", "also", "not", "now", "then", "unknown"))
_SUPPOSING = re.compile(r"\b(?:suppose|assume|alternatively|otherwise|wait|actually|case \d)\b", re.I)
_PLACED = tuple(f"{ordinal} is " for ordinal in _ORDINALS)
MIN_PLACES = 3
MAX_HOLDERS = 40


def wrong_states(question: str, chain: str) -> Iterator[str]:
    """Yield what a chain states about a state that does not follow from the state before it, as short texts."""
    if "stack" in in_small_letters(chain):
        yield from _wrong_stacks(question, chain)
    if any(move in chain for move in _EXCHANGES):
        yield from _wrong_holders(question, chain)
    yield from _wrong_letters(chain)
    yield from _wrong_order(chain)
    yield from _moved_places(chain)


def _symbols(text: str) -> list[str]:
    return [sign for sign in text if sign in _BRACKETS]


def _wrong_stacks(question: str, chain: str) -> Iterator[str]:
    """Check `[ ; stack: ( [`: an opening bracket goes on top, a closing one takes its partner off the top."""
    moves = [(match[1], _symbols(match[2]), match.group().strip()) for match in _STACK_LINE.finditer(chain)]
    before: list[str] = []
    for sign, after, text in moves:
        if sign in CLOSER:
            expected = [*before, sign]
        else:
            expected = before[:-1] if before and CLOSER[before[-1]] == sign else before
        if after != expected:
            yield text
        before = after
    if not moves:
        return
    asked, done = "".join(_symbols(question)), "".join(sign for sign, _, _ in moves)
    if asked and done != asked:
        yield f"processed {done[:60]} of {asked[:60]}"
    said = _FINAL_STACK.search(chain)
    if said and _symbols(said[1]) != before:
        yield said.group().strip()
    popped = _POPPED.search(chain)
    if popped and [sign for part in _QUOTED.findall(popped[1]) for sign in _symbols(part)] != before[::-1]:
        yield popped.group().strip(", ")


def _held(line: str) -> dict[str, str]:
    """Read `..: Ann: red, Bob: blue.` as who holds what; empty for a line that says anything else."""
    first, *others = re.split(r"[,;]", line.strip().rstrip("."))[:MAX_HOLDERS]
    found = {}
    for part in (":".join(first.split(":")[-2:]), *others):
        name, colon, value = (word.strip() for word in part.partition(":"))
        name = name.removeprefix("and ")
        if not colon or not value or ":" in value or "." in value or not _NAME.fullmatch(name):
            return {}
        found[name] = value
    return found if others else {}


def _wrong_holders(question: str, chain: str) -> Iterator[str]:
    """Check `Ann and Bob swap: Ann: red, Bob: blue`: the two exchange what they held, and nobody else does."""
    before: Mapping[str, str] = {}
    done = []
    for line in chain.splitlines():
        if ":" not in line or not (after := _held(line)):
            continue
        move = _EXCHANGE.search(line.partition(":")[0])
        if move and move[1] in before and move[2] in before:
            done.append((move[1], move[2]))
            if after != {**before, move[1]: before[move[2]], move[2]: before[move[1]]}:
                yield line.strip()[:200]
        before = after
    asked = _EXCHANGE.findall(question)
    # `D and B` may stand for Dave and Bob.
    if done and asked and not _same_exchanges(asked, done):
        yield f"exchanges {done} are not those asked for"[:200]


def _same_exchanges(asked: list[tuple[str, str]], done: list[tuple[str, str]]) -> bool:
    return len(asked) == len(done) and all(
        all(any(name.startswith(short) for name in wanted) for short in made)
        for wanted, made in zip(asked, done, strict=True)
    )


def _wrong_letters(chain: str) -> Iterator[str]:
    """Check `second letter: "harem": "a" (1)`: the letter is there, and has that number in the alphabet."""
    if '"' not in chain and "“" not in chain:
        return
    matches = list(_LETTER.finditer(chain))
    if not matches:
        return
    ordinals = [(match.start(), _ORDINALS.index(in_small_letters(match[1]))) for match in _WHICH_LETTER.finditer(chain)]
    for match in matches:
        word, letter, number = in_small_letters(match[1]), in_small_letters(match[2]), int(match[3])
        index = next((place for start, place in reversed(ordinals) if start < match.start()), None)
        if number != ord(letter) - ord("a") + 1 or (index is not None and word[index : index + 1] != letter):
            yield match.group()


def _wrong_order(chain: str) -> Iterator[str]:
    """Check `"apple" < "pear"`, which can only mean the order of words."""
    if "<" not in chain:
        return
    for match in _ORDERED.finditer(chain):
        if match[1] >= match[2]:
            yield f'"{match[1]}" < "{match[2]}"'


def _moved_places(chain: str) -> Iterator[str]:
    """Check `first is the bus, second is any, third is the van`: later lines leave in place what was placed.

    Only lines that place at least three are compared, each with the one before; a chain that supposes is left alone.
    """
    lines = [line for line in chain.splitlines() if line.count(" is ") >= MIN_PLACES and _may_place(line)]
    if not lines or _SUPPOSING.search(chain):
        return
    before: dict[str, str] = {}
    for line in lines:
        found = [(match[1], match[2]) for match in _PLACE.finditer(line) if match[2] not in _NOBODY]
        if len(found) < MIN_PLACES:
            continue
        after = dict(found)
        for place, owner in found:
            elsewhere = any(other == owner and there != place for there, other in before.items())
            if before.get(place, owner) != owner or elsewhere or after[place] != owner:
                yield f"{place} is {owner}"
                break
        if len(set(after.values())) < len(after):
            yield line.strip()[:200]
        before = after


def _may_place(line: str) -> bool:
    return sum(line.count(placed) for placed in _PLACED) >= MIN_PLACES
