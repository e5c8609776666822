"""ProblemSpool: the problems of a run in its order, on disk; one is read when it is asked for."""

import hashlib
from array import array
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, overload

from cotfactory.schemas.problem import Problem
from cotfactory.warehouse.nameless_file import NamelessFile


class ProblemSpool(Sequence[Problem]):
    """A sequence of problems that holds 17 bytes of memory for each, instead of 2 KB; a context manager.

    Its file has no name, so that it is gone with the process however that ends. May be read from several threads.
    Whoever has made it closes it, and with it the sequences that were made of it.
    """

    def __init__(self, file: NamelessFile, starts: "array[int]", ends: "array[int]", turns: "array[int]") -> None:
        self._file, self._starts, self._ends, self._turns = file, starts, ends, turns

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
        return {position: number for position, number in enumerate(self._turns) if number > 1}

    def digest(self) -> str:
        """Return a hash of all that the problems say, in their order."""
        digest = hashlib.blake2b(digest_size=16)
        for start, end in zip(self._starts, self._ends, strict=True):
            digest.update(self._file.read(start, end) + b"\n")
        return digest.hexdigest()

    def without(self, problem_ids: Collection[str]) -> Self:
        """Return the sequence of the other problems, in the same order."""
        starts, ends, turns = array("Q"), array("Q"), array("B")
        for start, end, number, problem in zip(self._starts, self._ends, self._turns, self, strict=True):
            if problem.problem_id not in problem_ids:
                starts.append(start)
                ends.append(end)
                turns.append(number)
        return type(self)(self._file, starts, ends, turns)


def spool_problems(problems: Iterable[Problem], folder: Path) -> ProblemSpool:
    """Write problems down in a nameless file of `folder`'s file system as they come. Raises WorkspaceError."""
    starts, ends, turns = array("Q"), array("Q"), array("B")
    file = NamelessFile(folder)
    for problem in problems:
        starts.append(file.size)
        file.append(problem.model_dump_json().encode())
        ends.append(file.size)
        turns.append(0 if problem.turn is None else problem.turn.number)
    file.flush()
    return ProblemSpool(file, starts, ends, turns)
