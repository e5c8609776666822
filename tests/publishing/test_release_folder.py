"""A release that is not fit to be sent: nothing may reach the Hub."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cotfactory.data_contracts.report import WHOLE, ContractReport, ExpectationResult, Subject
from cotfactory.publishing.hub import HubTarget, publish_release
from cotfactory.schemas.errors import CotfactoryError
from tests.publishing.hub_server import HubServer
from tests.publishing.small_release import make_release, write_contract, write_manifest


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


def name_version_main(release: Path) -> None:
    text = (release / "manifest.json").read_text()
    (release / "manifest.json").write_text(text.replace('"version":"v1.0.0"', '"version":"main"'))


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
    ],
)
def test_a_release_that_is_not_fit_to_be_sent(
    hub_server: HubServer, tmp_path: Path, spoil: Callable[[Path], None], expected: str
) -> None:
    release = make_release(tmp_path)
    spoil(release)
    with pytest.raises(CotfactoryError) as raised:
        publish_release(release, "org/cot", HubTarget())
    assert expected in str(raised.value)
    assert raised.value.exit_code == 1
    assert hub_server.calls == []
