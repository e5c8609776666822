"""ProblemSpool: the problems of a run in its order, on disk; one is read when it is asked for."""

import hashlib
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, overload

import numpy as np

from cotfactory.schemas.ids import content_id_of_all
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.record import Record
from cotfactory.warehouse.nameless_file import NamelessFile
from cotfactory.warehouse.tables import NOT_IN_TABLE

BEFORE_ID = len(b'{"problem_id":"')
ID_LENGTH = 32
"""A problem is written down with its id first, so that it is found without reading the others of its fields."""


class SpooledFacts(Record):
    """What is true of all problems that were written down together.

    `digest` is a hash of all that they say, in their order, `contents_id` the name of the same in the problems table.
    `turns` are the numbers of later turns of conversations, by position.
    """

    digest: str
    contents_id: str
    licenses: tuple[str | None, ...]
    runs_programs: bool
    turns: Mapping[int, int]


class ProblemSpool(Sequence[Problem]):
    """A sequence of problems that holds 17 bytes of memory for each, instead of 2 KB; a context manager.

    Its file has no name, so that it is gone with the process however that ends. May be read from several threads.
    Whoever has made it closes it, and with it the sequences that were made of it. `facts` are those of all problems of
    the file.
    """

    def __init__(
        self, file: NamelessFile, starts: "array[int]", ends: "array[int]", turns: "array[int]", facts: SpooledFacts
    ) -> None:
        self._file, self._starts, self._ends, self._turns, self.facts = file, starts, ends, turns, facts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, at: int) -> Problem: ...

    @overload
    def __getitem__(self, at: slice) -> list[Problem]: ...

    def __getitem__(self, at: int | slice) -> Problem | list[Problem]:
        if isinstance(at, slice):
            return [self[position] for position in range(len(self))[at]]
        return Problem.model_validate_json(self.written(at))

    def written(self, at: int) -> bytes:
        """Return the problem as it is written down."""
        return self._file.read(self._starts[at], self._ends[at])

    def later_turns(self) -> dict[int, int]:
        """Return the number of the turn at each position where a problem follows the one before it."""
        if not self.facts.turns:
            return {}
        return {position: number for position, number in enumerate(self._turns) if number > 1}

    def ids(self) -> Iterator[str]:
        """Yield the ids of the problems, in order."""
        for start in self._starts:
            yield self._file.read(start + BEFORE_ID, start + BEFORE_ID + ID_LENGTH).decode()

    def without(self, problem_ids: Collection[str]) -> Self:
        """Return the sequence of the other problems, in the same order."""
        if not problem_ids:
            return self
        starts, ends, turns = array("Q"), array("Q"), array("B")
        for start, end, number, problem_id in zip(self._starts, self._ends, self._turns, self.ids(), strict=True):
            if problem_id not in problem_ids:
                starts.append(start)
                ends.append(end)
                turns.append(number)
        return type(self)(self._file, starts, ends, turns, self.facts)

    def save(self, path: Path) -> None:
        """Write the facts and all problems of the file to `path`, for `saved_problems`. Raises OSError."""
        self._file.save(path, before=self.facts.model_dump_json().encode() + b"\n")


def spool_problems(problems: Iterable[Problem], folder: Path) -> ProblemSpool:
    """Write problems down in a nameless file of `folder`'s file system as they come. Raises WorkspaceError."""
    starts, ends, turns = array("Q"), array("Q"), array("B")
    file, digest = NamelessFile(folder), hashlib.blake2b(digest_size=16)
    licenses, kinds = dict[str | None, None](), set[bool]()

    def written() -> Iterator[dict[str, Any]]:
        for problem in problems:
            line = problem.model_dump_json().encode()
            starts.append(file.size)
            ends.append(file.size + len(line))
            turns.append(0 if problem.turn is None else problem.turn.number)
            file.append(line + b"\n")
            digest.update(line + b"\n")
            licenses[problem.license] = None
            kinds.add(problem.runs_programs)
            yield problem.model_dump(mode="json", exclude=set(NOT_IN_TABLE))

    contents_id = content_id_of_all(written())
    file.flush()
    facts = SpooledFacts(
        digest=digest.hexdigest(),
        contents_id=contents_id,
        licenses=tuple(licenses),
        runs_programs=True in kinds,
        turns={position: number for position, number in enumerate(turns) if number > 1},
    )
    return ProblemSpool(file, starts, ends, turns, facts)


def saved_problems(path: Path) -> ProblemSpool:
    """Take over the file that `ProblemSpool.save` has written: it loses its name. Raises OSError."""
    file = NamelessFile.taken_over(path)
    line_ends = array("Q")
    for start, part in file.parts():
        line_ends.frombytes(
            (np.flatnonzero(np.frombuffer(part, np.uint8) == ord("\n")).astype(np.uint64) + start).tobytes()
        )
    facts = SpooledFacts.model_validate_json(file.read(0, line_ends[0]))
    turns = array("B", bytes(len(line_ends) - 1))
    for position, number in facts.turns.items():
        turns[position] = number
    starts = array("Q", (end + 1 for end in line_ends[:-1]))
    return ProblemSpool(file, starts, line_ends[1:], turns, facts)
