"""A release that is not fit to be sent: nothing may reach the Hub."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cotfactory.data_contracts.report import WHOLE, ContractReport, ExpectationResult, Subject
from cotfactory.publishing.hub import HubTarget, publish_release
from cotfactory.publishing.hub_repository import Repository
from cotfactory.schemas.errors import CotfactoryError
from cotfactory.schemas.release_rules import Product
from cotfactory.schemas.rows import ROW_SCHEMAS
from tests.publishing.hub_server import HubServer
from tests.publishing.small_release import make_release, write_contract, write_indexes, write_manifest


def break_byte(release: Path) -> None:
    path = release / "sft/train-00000-of-00001.parquet"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def edit_card(release: Path) -> None:
    with (release / "README.md").open("a") as file:
        file.write("One more line.")


def lose_shard(release: Path) -> None:
    (release / "rl/train-00000-of-00001.parquet").unlink()


def lose_card(release: Path) -> None:
    (release / "README.md").unlink()


def lose_manifest(release: Path) -> None:
    (release / "manifest.json").unlink()


def break_manifest(release: Path) -> None:
    (release / "manifest.json").write_text('{"name": "sums"}')


def lose_contract(release: Path) -> None:
    (release / "contract.json").unlink()
    write_manifest(release, {"sft": 3, "rl": 3})


def report(product: Subject, failed: int = 0, rows: int = 3, *, empty: bool = False) -> ContractReport:
    result = ExpectationResult(
        name="expect_x", column="verdict", means="graded correct", checked=3, failed=failed, examples=("r1",)
    )
    return ContractReport(product=product, version="1.0.0", rows=rows, results=() if empty else (result,))


def with_reports(release: Path, *reports: ContractReport) -> None:
    write_contract(release, {each.product: each for each in reports})
    write_manifest(release, {"sft": 3, "rl": 3})


def fail_contract(release: Path) -> None:
    with_reports(release, report("sft"), report("rl", failed=1), report(WHOLE, rows=6))


def fail_whole_contract(release: Path) -> None:
    with_reports(release, report("sft"), report("rl"), report(WHOLE, failed=1, rows=6))


def no_contract_of_the_whole(release: Path) -> None:
    with_reports(release, report("sft"), report("rl"))


def empty_contract(release: Path) -> None:
    with_reports(release, report("sft"), report("rl", empty=True))


def contract_of_one_product(release: Path) -> None:
    with_reports(release, report("sft"))


def contract_of_other_rows(release: Path) -> None:
    with_reports(release, report("sft"), report("rl", rows=2))


def contract_of_no_shape(release: Path) -> None:
    (release / "contract.json").write_text('{"sft": true}')
    write_manifest(release, {"sft": 3, "rl": 3})


def list_file_outside(release: Path) -> None:
    (release.parent / "secret.txt").write_text("key")
    text = (release / "manifest.json").read_text()
    (release / "manifest.json").write_text(text.replace('"README.md"', '"../secret.txt"'))


def named(name: str) -> Callable[[Path], None]:
    return lambda release: in_manifest(release, lambda told: told.update(name=name))


def name_version_main(release: Path) -> None:
    text = (release / "manifest.json").read_text()
    (release / "manifest.json").write_text(text.replace('"version":"v1.0.0"', '"version":"main"'))


ROWS: dict[Product, int] = {"sft": 3, "rl": 3}
SHARD = "sft/train-00000-of-00001.parquet"


def in_manifest(release: Path, change: Callable[[dict[str, Any]], object]) -> None:
    told = json.loads((release / "manifest.json").read_text())
    change(told)
    (release / "manifest.json").write_text(json.dumps(told))


def edited(column: str, value: object) -> Callable[[Path], None]:
    """Return what edits the first row, and renews all that is told of it: it has to keep its contract."""

    def spoil(release: Path) -> None:
        rows = pq.read_table(release / SHARD).to_pylist()
        rows[0][column] = value
        pq.write_table(pa.Table.from_pylist(rows, schema=ROW_SCHEMAS["sft"]), release / SHARD)
        write_indexes(release)
        write_manifest(release, ROWS)

    return spoil


def edit_behind_the_index(release: Path) -> None:
    """Renew the sha256 of an edited file: its rows are no longer those of `rows_sha`."""
    before = json.loads((release / "manifest.json").read_text())["rows_sha"]
    rows = pq.read_table(release / SHARD).to_pylist()
    rows[0]["domain"] = "algebra"
    pq.write_table(pa.Table.from_pylist(rows, schema=ROW_SCHEMAS["sft"]), release / SHARD)
    write_manifest(release, ROWS)
    assert json.loads((release / "manifest.json").read_text())["rows_sha"] == before


def edit_the_index(release: Path) -> None:
    index = pq.read_table(release / "index/sft.parquet").to_pylist()
    index[0]["content_id"] = "0" * 32
    pq.write_table(pa.Table.from_pylist(index), release / "index/sft.parquet")
    write_manifest(release, ROWS)


def list_no_file(release: Path) -> None:
    in_manifest(release, lambda told: told.update(files=[]))


def list_no_row(release: Path) -> None:
    in_manifest(release, lambda told: told.update(rows={}))


def list_no_shard(release: Path) -> None:
    for path in release.glob("sft/*.parquet"):
        path.unlink()
    write_manifest(release, ROWS)


def claim_other_rows(release: Path) -> None:
    in_manifest(release, lambda told: told.update(rows_sha="f" * 64))


def claim_other_counts(release: Path) -> None:
    in_manifest(release, lambda told: next(file for file in told["files"] if file["path"] == SHARD).update(rows=4))


def claim_another_size(release: Path) -> None:
    in_manifest(release, lambda told: told["files"][0].update(bytes=1))


def claim_another_recipe(release: Path) -> None:
    in_manifest(release, lambda told: told.update(recipe="{}"))


def claim_another_contract(release: Path) -> None:
    in_manifest(release, lambda told: told["contract_sha"].update(sft="0" * 64))


def claim_more_kept(release: Path) -> None:
    in_manifest(release, lambda told: told["facts"]["funnel"][-1].update(count=9))


def lose_a_listed_shard(release: Path) -> None:
    name = release / "sft/train-00000-of-00002.parquet"
    (release / SHARD).rename(name)
    write_manifest(release, ROWS)


def add_shard(release: Path) -> None:
    shutil.copy(release / SHARD, release / "sft/train-00001-of-00002.parquet")


def add_file(release: Path) -> None:
    (release / "notes.md").write_text("mine")


def add_hidden_file(release: Path) -> None:
    (release / "sft/.env").write_text("mine")


def link_a_shard(release: Path) -> None:
    (release / SHARD).rename(release.parent / "elsewhere.parquet")
    (release / SHARD).symlink_to(release.parent / "elsewhere.parquet")


def link_a_folder(release: Path) -> None:
    (release / "sft").rename(release.parent / "elsewhere")
    (release / "sft").symlink_to(release.parent / "elsewhere")


def link_the_card(release: Path) -> None:
    (release / "README.md").rename(release.parent / "card.md")
    (release / "README.md").symlink_to(release.parent / "card.md")


def make_a_pipe(release: Path) -> None:
    (release / "README.md").unlink()
    os.mkfifo(release / "README.md")


def no_parquet(release: Path) -> None:
    (release / SHARD).write_text("no rows")
    in_manifest(release, lambda told: told["files"].clear())
    told = json.loads((release / "manifest.json").read_text())
    files = [path for path in sorted(release.rglob("*")) if path.is_file() and path.name != "manifest.json"]
    told["files"] = [
        {
            "path": path.relative_to(release).as_posix(),
            "rows": 3 if path.parent.name in ROWS else None,
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in files
    ]
    (release / "manifest.json").write_text(json.dumps(told))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (break_byte, "was changed after the release"),
        (edit_card, "README.md was changed after the release"),
        (lose_shard, "The release lacks"),
        (lose_card, "The release lacks"),
        (lose_manifest, "is not a release"),
        (break_manifest, "is not a release manifest"),
        (lose_contract, "The release lacks"),
        (fail_contract, "The contract of rl failed: rl: graded correct: expect_x(verdict) failed for 1 of 3"),
        (fail_whole_contract, "The contract of release failed: release: graded correct"),
        (no_contract_of_the_whole, "has no contract result for release"),
        (empty_contract, "has no contract result for rl"),
        (contract_of_one_product, "has no contract result for rl"),
        (contract_of_other_rows, "The contract of rl was run on 2 rows: expected 3"),
        (contract_of_no_shape, "is not a contract report"),
        (list_file_outside, "expected a path inside the release"),
        (name_version_main, "expected vX.Y.Z"),
        (named("x\n\x1b]0;PWN\x07\nCo-authored-by: you"), "it titles a commit"),
        (named("../sums"), "it titles a commit"),
        (named("sums\n"), "it titles a commit"),
        (list_no_file, "lists no files"),  # the head would have been emptied
        (list_no_row, "was run on 6 rows: expected 0"),
        (list_no_shard, "has 0 rows of sft: expected 3"),
        (lose_a_listed_shard, "some are missing"),
        (claim_other_rows, "are not those that were released"),
        (claim_other_counts, "has not the 4 rows"),
        (claim_another_size, "was changed after the release"),
        (claim_another_recipe, "The recipe in the manifest"),
        (claim_another_contract, "The contract of sft is another one now"),
        (claim_more_kept, "no more kept than correct"),
        (edit_behind_the_index, "The rows of"),
        (edit_the_index, "are not those that were released"),
        (edited("verdict", "ungraded"), "graded correct"),  # all renewed: the contract sees it
        (edited("license", ""), "licence present"),
        (edited("domain", "hf_" + "a1" * 17), "no key-like string in any text"),
        (edited("response", ""), "response not empty"),
        (add_shard, "is no part of the release"),  # `load_dataset` of the folder would read it
        (add_file, "is no part of the release"),
        (add_hidden_file, "is no part of the release"),
        (link_a_shard, "is a link"),
        (link_a_folder, "is a link"),
        (link_the_card, "is a link"),
        (make_a_pipe, "is no regular file"),
        (no_parquet, "is no Parquet file"),
    ],
)
def test_a_release_that_is_not_fit_to_be_sent(
    hub_server: HubServer, tmp_path: Path, spoil: Callable[[Path], None], expected: str
) -> None:
    release = make_release(tmp_path)
    spoil(release)
    with pytest.raises(CotfactoryError) as raised:
        publish_release(release, Repository(name="org/cot", create=True), HubTarget())
    assert expected in str(raised.value)
    assert raised.value.exit_code == 1
    assert hub_server.calls == []
