"""Where rows are imported from: a file, a folder of files, or a dataset on the Hugging Face Hub."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cotfactory.generators.problems.file_source import read_rows
from cotfactory.generators.problems.hub_source import HubAccess, HubSplit, read_split
from cotfactory.schemas.errors import ProblemSourceError

EXTENSIONS = (".jsonl", ".jsonl.gz", ".parquet")
FAILURES = "_failures"
"""NeMo-Gym writes what failed beside its rollouts, to NAME_failures.jsonl: none of that is a wrong answer."""


def imported_files(source: Path) -> list[Path]:
    """Return the file, or the files of a folder in the order of their names.

    Raises ProblemSourceError for a folder that holds none.
    """
    if not source.is_dir():
        return [source]
    files = sorted(path for path in source.rglob("*") if path.name.endswith(EXTENSIONS) and path.is_file())
    if not files:
        raise ProblemSourceError(
            f"{source} holds no file with rows: expected {', '.join(EXTENSIONS)}", "name a file, or another folder"
        )
    return files


def is_of_failures(path: Path) -> bool:
    """Whether a file holds what failed."""
    return path.name.partition(".")[0].endswith(FAILURES)


def source_rows(
    source: str, revision: str, split: str, hub: HubAccess
) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Yield (where, row) of everything in a file, a folder or a dataset of the Hub; None for a row of failures.

    What exists on this machine is a file; else `ORG/NAME` is a dataset. Raises ProblemSourceError.
    """
    path = Path(source)
    if not path.exists() and source.count("/") == 1 and not source.endswith(EXTENSIONS):
        config, _, name = split.rpartition(":")
        yield from read_split(HubSplit(repo=source, revision=revision, config=config or None, split=name), hub)
        return
    for file in imported_files(path):
        failed = is_of_failures(file)
        for where, row in read_rows(file):
            yield where, None if failed else row
