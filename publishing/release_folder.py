"""Open a release folder that is about to leave: whole, unchanged since, and with every contract met."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from cotfactory.data_contracts.report import WHOLE, ContractReport, Subject
from cotfactory.publishing.held_against_files import refuse_broken_rows, refuse_other_rows
from cotfactory.publishing.listed_files import AGAIN, MANIFEST, FileToSend, file_to_send, listed_file
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.publishing.versions import VERSION
from cotfactory.schemas.errors import InputError, PublishError
from cotfactory.schemas.expected import expected
from cotfactory.schemas.manifest import Manifest
from cotfactory.schemas.recipe import NAME
from cotfactory.schemas.record import Record

if TYPE_CHECKING:
    import pyarrow as pa

CONTRACT = "contract.json"
CARD = "README.md"
MADE_BY_READERS = frozenset({"__pycache__", ".cache"})
"""Folders that Python and the Hub's client leave where they read; they are not sent."""
_REPORTS: TypeAdapter[dict[Subject, ContractReport]] = TypeAdapter(dict[Subject, ContractReport])


class OpenRelease(Record):
    """A release that may be sent: its manifest, and its files by their path inside the folder."""

    manifest: Manifest
    files: dict[str, FileToSend]

    def table(self, product: str, split: str = "train") -> "pa.Table":
        """Return the rows of one product. Raises InputError for a product or a split that the release has not."""
        import pyarrow.parquet as pq

        paths = [file.path for name, file in sorted(self.files.items()) if name.startswith(f"{product}/{split}-")]
        if not paths:
            has = sorted({name.rpartition("-of-")[0].rpartition("-")[0] for name in self.files if "-of-" in name})
            raise InputError(
                f"{self.manifest.name}@{self.manifest.version} has no {product}/{split}: expected one of "
                f"{', '.join(has)}",
                "name a product, and with `split` another one than train",
            )
        return pq.read_table(paths)


def open_release(folder: Path, *, run_contracts: bool = True) -> OpenRelease:
    """Return the release in `folder`, having checked that it is whole, and that its rows are those of its manifest.

    The files are those that the manifest lists, the manifest itself, the contract report and the card: regular files
    all of them, and nothing else lies there. The contracts are run again on the rows unless a reader
    does without.

    Raises `WorkspaceError` for a folder that is not a release, and `PublishError` for a file that is missing, a link,
    not listed or not what was released, rows that are not those of the manifest, and a contract that is absent, empty,
    failed, or was run on other row counts.
    """
    manifest = read_manifest(folder)
    if not re.fullmatch(NAME, manifest.name):
        raise PublishError(
            f"The name of {folder} is {manifest.name[:100]!r}: expected one of a recipe, it titles a commit"
        )
    if not VERSION.fullmatch(manifest.version):
        raise PublishError(f"The version of {folder} is {manifest.version!r}: expected vX.Y.Z, it becomes a tag")
    if not manifest.files:
        raise PublishError(f"The manifest of {folder} lists no files: expected those of the release", AGAIN)
    files = {file.path: listed_file(folder, file) for file in manifest.files}
    _refuse_unlisted(folder, files.keys())
    for name in (CARD, CONTRACT, MANIFEST):
        if name not in files:
            files[name] = file_to_send(folder, name)
    _refuse_broken_contract(folder, manifest)
    refuse_other_rows(folder, manifest)
    if run_contracts:
        refuse_broken_rows(folder, manifest)
    return OpenRelease(manifest=manifest, files=files)


def _refuse_unlisted(folder: Path, listed: Collection[str]) -> None:
    """Raise for what the manifest does not tell of: who loads the folder would read a shard that was never released."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and not path.is_symlink():
            continue
        if name not in (*listed, CARD, CONTRACT, MANIFEST) and not MADE_BY_READERS & {*path.relative_to(folder).parts}:
            raise PublishError(f"{path} is no part of the release: its manifest does not list it", "remove it")


def _refuse_broken_contract(folder: Path, manifest: Manifest) -> None:
    path = folder / CONTRACT
    try:
        reports = _REPORTS.validate_json(path.read_bytes())
    except ValidationError as error:
        raise PublishError(
            f"{path} is not a contract report: {_first_problem(error)}",
            "make the release again",
        ) from error
    for product, rows in {**manifest.rows, WHOLE: sum(manifest.rows.values())}.items():
        report = next((report for name, report in reports.items() if name == product), None)
        if report is None or not report.results:
            raise PublishError(
                f"{folder} has no contract result for {product}: expected a passing one",
                "make the release again",
            )
        if report.rows != rows:
            raise PublishError(
                f"The contract of {product} was run on {report.rows:,} rows: expected {rows:,}, as released",
                "make the release again",
            )
        if not report.passed:
            raise PublishError(
                f"The contract of {product} failed: {report.failures()[0]}",
                "fix what the contract names and make the release again; nothing was sent",
            )


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'the file'}: {expected(first)}"
