"""The contract of the whole release: each planted fault is found, counted and named; a good release passes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from cotfactory.data_contracts.contract import CONTRACTS
from cotfactory.data_contracts.release_contract import (
    CLAIMS,
    ReleaseContract,
    RunCounts,
    check_release,
    load_release_contract,
    measure_release,
)
from cotfactory.data_contracts.report import ContractReport
from cotfactory.schemas.errors import ContractError
from cotfactory.schemas.release_rules import Product, StopAbove
from cotfactory.schemas.rows import ROW_SCHEMAS
from tests.data_contracts.made_rows import Row, good_rows, write_rows

Rows = dict[Product, list[Row]]
Counts = dict[str, Any]
COUNTS: Counts = {
    "funnel": {"problems": 10, "asked": 20, "complete": 18, "answered": 15, "correct": 8, "kept": 7},
    "verdicts": {"correct": 8, "incorrect": 7, "no_answer": 3, "ungraded": 2},
    "dropped": {"incorrect": 7, "no_answer": 3, "ungraded": 2, "duplicate": 1},
    "kept_with_calls": 2,
    "kept_turns": 5,
    "mutants_accepted": 0,
    "rows_before": {"sft": 5, "rl": 5},
}


def check(folder: Path, rows: Rows, counts: Counts, contaminated: Sequence[str] = ()) -> ContractReport:
    files: dict[Product, list[Path]] = {}
    for product, made in rows.items():
        for split in ("train", "test"):
            (folder / product).mkdir(parents=True, exist_ok=True)
            of_split = [row for row in made if row.get("file", row["split"]) == split]
            if of_split:
                told = [{name: row[name] for name in row if name != "file"} for row in of_split]
                path = write_rows(folder / product / f"{split}-00000-of-00001.parquet", product, told)
                files.setdefault(product, []).append(path)
    listed = folder / "contaminated.parquet"
    pq.write_table(pa.table({"id": pa.array(list(contaminated), pa.string())}), listed)
    numbers = measure_release(
        files, {product: len(made) for product, made in rows.items()}, RunCounts(**counts), StopAbove(), listed
    )
    return check_release(load_release_contract(), numbers)


def good_release() -> Rows:
    rows: Rows = {product: good_rows(product) for product in ROW_SCHEMAS}
    rows["sft_tools"] = good_rows("sft_tools", 2)
    for made in rows.values():
        for row in made[4:]:
            row["split"] = "test"
    return rows


def test_good_release_passes(tmp_path: Path) -> None:
    report = check(tmp_path, good_release(), COUNTS, ["some-other-chain"])
    assert report.failures() == []
    assert (report.product, report.rows) == ("release", 77)
    assert report.passed


def both_sides(rows: Rows, _: Counts) -> None:
    rows["kto"][4]["split"] = "train"  # in another product than the rest of its group


def wrong_file(rows: Rows, _: Counts) -> None:
    for made in rows.values():
        for row in made[4:]:
            row["file"] = "train"


def two_verdicts(rows: Rows, _: Counts) -> None:
    rows["all_graded"][2]["verdict"] = "incorrect"


def lost_rows(_: Rows, counts: Counts) -> None:
    counts["rows_before"] = {"sft": 5, "rl": 11}


def lost_product(rows: Rows, _: Counts) -> None:
    rows["rl"].clear()


def lost_calls(rows: Rows, _: Counts) -> None:
    rows["sft_tools"].pop()


def lost_turns(rows: Rows, _: Counts) -> None:
    rows["sft_turns"].pop()


def turns_as_chains(_: Rows, counts: Counts) -> None:
    counts["kept_later_turns"] = 1


def count(where: str, what: str, value: int) -> Callable[[Rows, Counts], None]:
    def spoil(_: Rows, counts: Counts) -> None:
        counts[where] = counts[where] | {what: value}

    return spoil


def people(**numbers: float) -> Callable[[Rows, Counts], None]:
    def spoil(_: Rows, counts: Counts) -> None:
        counts["people"] = numbers

    return spoil


def grown(**numbers: float) -> Callable[[Rows, Counts], None]:
    def spoil(_: Rows, counts: Counts) -> None:
        counts["grown"] = numbers

    return spoil


def fooled_grader(_: Rows, counts: Counts) -> None:
    counts["mutants_accepted"] = 1


def too_many_graded(rows: Rows, counts: Counts) -> None:
    for row in rows["all_graded"]:
        row |= {"candidate_id": "own-" + row["candidate_id"], "verdict": "ungraded"}


FAULTS: list[tuple[Callable[[Rows, Counts], None], str, str]] = [
    (count("verdicts", "ungraded", 3), "every attempt has one verdict", "asked = 20, judged = 21"),
    (count("funnel", "complete", 21), "no more complete than asked", "complete = 21"),
    (count("funnel", "answered", 21), "no more answered than asked", "answered = 21"),
    (count("funnel", "correct", 9), "the funnel counts the correct ones as the verdicts do", "verdicts_correct = 8"),
    (count("funnel", "kept", 9), "no more kept than correct", "kept = 9"),
    (count("dropped", "duplicate", 0), "every attempt was kept, or dropped for one reason", "kept_or_dropped = 19"),
    (count("dropped", "duplicate", 2), "every attempt was kept, or dropped for one reason", "kept_or_dropped = 21"),
    (lost_calls, "one chain with calls for each that was kept", "sft_tools_rows = 1"),
    (lost_turns, "one turn of a conversation for each that was kept", "sft_turns_rows = 4"),
    (turns_as_chains, "one chain to learn from for each that was kept", "sft_rows_due = 4"),
    (count("funnel", "kept", 8), "one chain to learn from for each that was kept", "sft_rows_due = 6"),
    (too_many_graded, "no more attempts published than made, verdict by verdict", "graded_rows_too_many = 3"),
    (two_verdicts, "a chain has the same verdict in every product", "candidate-2"),
    (both_sides, "no split group on both sides of the split", "group-4"),
    (wrong_file, "held-out rows are in the held-out files", "row-00004"),
    (
        people(alpha=0.5, alpha_wanted=0.67),
        "people agree as far as the recipe demands (review.require.alpha)",
        "people_alpha = 0.500",
    ),
    (
        people(precision_low_wanted=0.99),  # nobody has looked yet
        "people find the graders as precise as the recipe demands (review.require.precision_low)",
        "people_precision_low = 0.000",
    ),
    (
        grown(precision_low=0.9, precision_low_wanted=0.95),
        "answers of grown problems are as precise as the recipe demands (reference.require.precision_low)",
        "grown_precision_low = 0.900",
    ),
    (fooled_grader, "no grader accepted a falsified answer", "mutants_accepted = 1"),
    (
        count("funnel", "complete", 9),
        "no more attempts cut at their token limit than the recipe allows (stop_above)",
        "truncated_share = 0.550",
    ),
    (
        count("verdicts", "ungraded", 11),
        "no more attempts ungraded than the recipe allows (stop_above)",
        "ungraded_share = 0.550",
    ),
    (
        lost_rows,
        "no product lost more rows since the last release of this recipe than it allows (stop_above)",
        "rows_lost_share = 0.545",
    ),
    (
        lost_product,
        "no product lost more rows since the last release of this recipe than it allows (stop_above)",
        "rows_lost_share = 1.000",
    ),
]


@pytest.mark.parametrize(("spoil", "means", "told"), FAULTS, ids=[f"{each[1]}: {each[2]}" for each in FAULTS])
def test_planted_fault_is_found(tmp_path: Path, spoil: Callable[[Rows, Counts], None], means: str, told: str) -> None:
    rows, counts = good_release(), dict(COUNTS)
    spoil(rows, counts)
    failed = {
        result.means: ", ".join(result.examples) for result in check(tmp_path, rows, counts).results if result.failed
    }
    assert told in failed[means]


@pytest.mark.parametrize("listed", [f"{3:032x}", "candidate-3", "chosen-3", "rejected-3", "wrong-3", "right-3"])
def test_contaminated_id_is_found_in_any_column(tmp_path: Path, listed: str) -> None:
    report = check(tmp_path, good_release(), COUNTS, [listed])
    (failed,) = [result for result in report.results if not result.passed]
    assert failed.means == "nothing contaminated is published"
    assert listed in failed.examples


def test_every_expectation_has_a_planted_fault() -> None:
    planted = {means for _, means, _ in FAULTS} | {"nothing contaminated is published"}
    assert planted == {each.means for each in load_release_contract().expectations}


def test_every_product_says_where_its_verdicts_are() -> None:
    assert set(CLAIMS) == set(ROW_SCHEMAS)
    for product, claims in CLAIMS.items():
        assert {column for claim in claims for column in claim} <= set(ROW_SCHEMAS[product].names)
        stated = {name for name in ROW_SCHEMAS[product].names if name.endswith("verdict")}
        assert stated == {verdict for _, verdict in claims}


def test_release_without_chains_to_learn_from(tmp_path: Path) -> None:
    rows: Rows = {"rl": good_rows("rl")}
    assert check(tmp_path, rows, COUNTS | {"rows_before": {}}).failures() == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"expectations": []}, "breaks its format"),
        ({"version": "1"}, "breaks its format"),
        ({"surprise": 1}, "breaks its format"),
        (
            {"expectations": [{"type": "expect_column_values_to_be_between", "column": "mood", "means": "-"}]},
            "'mood', which is no number of a release",
        ),
    ],
)
def test_contract_that_cannot_be_run_is_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    content = yaml.safe_load((CONTRACTS / "release.yaml").read_text("utf-8"))
    (tmp_path / "release.yaml").write_text(yaml.safe_dump(content | change), "utf-8")
    with pytest.raises(ContractError) as caught:
        load_release_contract(tmp_path)
    assert said in str(caught.value)


def test_missing_contract_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="Cannot read the contract"):
        load_release_contract(tmp_path)


def test_contract_is_versioned() -> None:
    assert isinstance(load_release_contract(), ReleaseContract)
    assert load_release_contract().version == "1.5.0"
