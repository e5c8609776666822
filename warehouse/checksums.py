"""The SHA-256 of each sealed file, in a folder of its own: a flipped bit in a Parquet file reads as content."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.warehouse.synced import write_lines
from cotfactory.warehouse.workspace import SEED, TABLES, Workspace

LEFT_ELSEWHERE = {
    "problems": "the next run writes it anew from the recipe's sources",
    "candidates": "releases alone have its chains too; without it they are asked and paid anew",
    "grades": "`cotfactory regrade` grades its chains anew, and nothing is paid",
    "rewards": "it says what rollouts were worth to a trainer; their chains are in other files",
    "decisions": "`cotfactory release` decides anew, and nothing is paid",
    "examined": "the next curation examines its chains again, and nothing is paid",
    "review_items": "`cotfactory review` draws items anew; what people said of these is in another table",
    "reviews": "it is what people said, and nothing can make it again",
    "released": "it says what a release was made of, for `cotfactory rebuild`; the release itself is whole",
    "runs": "it is the record of one run, and nothing else is made from it",
}
"""What is lost with a file of each table."""


def note_checksum(workspace: Workspace, table: str, aside: Path, target: Path) -> None:
    """Write down the sum of the file `aside`, which is to become `target`. Raises OSError.

    The sum of a file that is replaced stays, so that a crash before the new one has its name leaves none without.
    """
    files = [aside] if aside == target or not target.exists() else [target, aside]
    write_lines(_sum_file(workspace, table, target), [f"{sum_of(path)}  {target.name}" for path in files])


def files_state(workspace: Workspace, table: str, files: Sequence[Path]) -> str:
    """Return a hash that is another one where a file of a table comes, goes or is replaced. Raises OSError.

    Of what a file holds its sum tells and, as a replaced file's stays beside the new one's, its size and time.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        sums, known = _sum_file(workspace, table, path), path.stat()
        said = sums.read_text("utf-8", "replace") if sums.exists() else ""
        digest.update(f"{path.name} {known.st_size} {known.st_mtime_ns} {said}\n".encode())
    return digest.hexdigest()


def forget_checksum(workspace: Workspace, table: str, path: Path) -> None:
    """Take away the sum of a file that is there no more. Raises OSError."""
    _sum_file(workspace, table, path).unlink(missing_ok=True)


def check_sealed(workspace: Workspace) -> None:
    """Raise WorkspaceError for the first sealed file that is not as it was sealed; one without a sum is given its own.

    Reads all of them: about a second a gigabyte.
    """
    for _, _, error in damage(workspace):
        raise error


def damage(workspace: Workspace) -> Iterator[tuple[Path, Path, WorkspaceError]]:
    """Yield each sealed file that is not as it was sealed, its file of sums, and what is to be said of it.

    One without a sum is given its own.
    """
    for table in TABLES:
        for path in sorted(workspace.table(table).glob("*.parquet")):
            if path.name != SEED and (error := _fault(workspace, table, path)) is not None:
                yield path, _sum_file(workspace, table, path), error


def _fault(workspace: Workspace, table: str, path: Path) -> WorkspaceError | None:
    sums = _sum_file(workspace, table, path)
    try:
        if not sums.exists():
            note_checksum(workspace, table, path, path)
            return None
        known = {line.split(" ", 1)[0] for line in sums.read_text("utf-8", "replace").splitlines()}
        if sum_of(path) in known:
            return None
    except OSError as error:
        return WorkspaceError(
            f"The sealed file {path} cannot be read: {error.strerror or error}", "fix the disk or its permissions"
        )
    return WorkspaceError(
        f"The sealed file {path} is not as it was sealed: its SHA-256 is not in {sums}",
        f"restore it from a copy of the workspace, or move it away: {LEFT_ELSEWHERE[table]}",
    )


def _sum_file(workspace: Workspace, table: str, path: Path) -> Path:
    return workspace.sums(table) / f"{path.stem}.sha256"


def sum_of(path: Path) -> str:
    """Return the SHA-256 of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
