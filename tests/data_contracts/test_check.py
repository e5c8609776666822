"""Great Expectations finds each planted bad row, counts it and names it; good rows pass."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts import check, great
from data_contracts.check import check_contract
from data_contracts.contract import load_contract
from data_contracts.report import ContractReport
from schemas.errors import ContractError
from schemas.recipe import Product
from schemas.rows import ROW_SCHEMAS
from tests.data_contracts.made_rows import QUESTION, TURN, good_rows, write_rows

PRODUCTS: tuple[Product, ...] = get_args(Product)
KEY = "sk-" + "aB3dE5fG7hJ9kL1mN2pQ"


def assistant(content: str) -> dict[str, str]:
    return {"role": "assistant", "content": content}


def check_one_bad_row(path: Path, product: Product, spoilt: Mapping[str, Any]) -> ContractReport:
    rows = good_rows(product)
    rows[3] |= spoilt
    return check_contract(load_contract(product), [write_rows(path, product, rows)], len(rows), True)


@pytest.mark.parametrize("product", PRODUCTS)
def test_good_rows_pass(tmp_path: Path, product: Product) -> None:
    path = write_rows(tmp_path / "rows.parquet", product, good_rows(product))
    report = check_contract(load_contract(product), [path], 5, True)
    assert report.failures() == []
    assert report.passed
    assert report.rows == 5
    by_row = [result for result in report.results if not result.name.startswith("expect_table")]
    assert {result.checked for result in by_row} == {5}


PLANTED: list[tuple[Product, dict[str, Any], str]] = [
    ("sft", {"verdict": "incorrect"}, "graded correct"),
    ("sft", {"verdict": "ungraded"}, "graded correct"),
    ("sft", {"verdict": None}, "verdict is told"),
    ("sft", {"finish_reason": "length"}, "not truncated"),
    ("sft", {"license": None}, "license is told"),
    ("sft", {"license": " "}, "licence present"),
    ("sft", {"final_answer": "\n"}, "final answer not empty"),
    ("sft", {"final_answer": None}, "final_answer is told"),
    (
        "sft",
        {"reasoning": None, "messages": [QUESTION, assistant("The answer is \\boxed{18}.")]},
        "reasoning present, as the recipe demands",
    ),
    ("sft", {"reasoning": " \n"}, "reasoning is never blank"),
    ("sft", {"response": " \n"}, "response not empty"),
    ("sft", {"messages": [QUESTION]}, "the assistant speaks last"),
    ("sft", {"messages": [assistant(TURN)]}, "there is a prompt"),
    ("sft", {"messages": []}, "last_role is told"),
    ("sft", {"messages": None}, "messages is told"),
    (
        "sft",
        {"messages": [QUESTION, assistant("Nine and nine.\n</think>\n\nThe answer is \\boxed{18}.")]},
        "thinking opened exactly once, or never without reasoning",
    ),
    (
        "sft",
        {"messages": [QUESTION, assistant("<think>\nNine and nine.\n\nThe answer is \\boxed{18}.")]},
        "thinking closed exactly once",
    ),
    # A tag inside the thinking ends it early for every template that splits at the first one.
    (
        "sft",
        {
            "reasoning": "I write </think> soon.",
            "messages": [
                QUESTION,
                assistant("<think>\nI write </think> soon.\n</think>\n\nThe answer is \\boxed{18}."),
            ],
        },
        "thinking closed exactly once",
    ),
    ("sft", {"response": "Other words."}, "the turn is the reasoning and the response, without loss"),
    ("sft", {"pass_rate": 1.25}, "pass rate is a share"),
    ("sft", {"pass_rate_c": 5}, "c of n"),
    ("sft", {"pass_rate_c": 0}, "this chain counts as correct"),
    ("sft", {"source_row_id": f"key={KEY}"}, "no key-like string in any text"),
    ("sft", {"messages": [{"role": "user", "content": KEY}, assistant(TURN)]}, "no key-like string in any text"),
    ("sft", {"row_id": "row-00001"}, "no row twice"),
    ("sft", {"candidate_id": "candidate-1"}, "no chain twice"),
    ("preference", {"chosen_verdict": "incorrect"}, "chosen is graded correct"),
    ("preference", {"rejected_verdict": "ungraded"}, "rejected is graded incorrect"),
    ("preference", {"rejected_finish_reason": "length"}, "rejected is not truncated"),
    ("preference", {"rejected": [assistant(TURN)]}, "two different chains"),
    ("preference", {"chosen": [QUESTION, assistant(TURN)]}, "chosen is one assistant turn"),
    ("preference", {"rejected": [assistant("<think>\nNever done.")]}, "rejected closes its thinking"),
    (
        "preference",
        {"rejected": [assistant("<think>\nDone.\n</think>\n")]},
        "rejected says something after its thinking",
    ),
    ("preference", {"chosen": [assistant("18.")]}, "chosen shows reasoning, as the recipe demands"),
    ("preference", {"rejected": [assistant(KEY)]}, "no key-like string in any text"),
    ("preference", {"rejected_id": "rejected-1"}, "no chain rejected twice"),
    ("rl", {"ground_truth": ""}, "reference answer not empty"),
    ("rl", {"reward_model": {"style": "rule", "ground_truth": "19"}}, "verl is given the same reference answer"),
    ("rl", {"reward_model": {"style": "rule", "ground_truth": None}}, "same_ground_truth is told"),
    ("rl", {"extra_info": {"index": 1, "split": "train", "problem_id": KEY}}, "no key-like string in any text"),
    ("rl", {"prompt": [QUESTION, assistant("18")]}, "the prompt ends with the user"),
    ("rl", {"grader": "oracle"}, "a grader we have"),
    ("rl", {"grader_args": "{"}, "the grader's arguments are JSON"),
    ("rl", {"pass_rate": None}, "a pass rate wherever something was graded"),
    ("rl", {"problem_id": "problem-1"}, "no problem twice"),
    ("rl", {"license": None}, "license is told"),
]  # fmt: skip


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[Product, ContractReport]:
    """One report a product, over good rows and every planted one, with all examples."""
    rows = {product: good_rows(product, len(PLANTED) + 3) for product in PRODUCTS}
    for number, (product, spoilt, _) in enumerate(PLANTED, 3):
        rows[product][number] |= spoilt
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "EXAMPLES", 1000)
        patch.setattr(great, "EXAMPLES", 1000)
        return {
            product: check_contract(
                load_contract(product),
                [write_rows(tmp_path_factory.mktemp(product) / "rows.parquet", product, rows[product])],
                len(rows[product]),
                True,
            )
            for product in PRODUCTS
        }


@pytest.mark.parametrize("number", range(len(PLANTED)), ids=[f"{each[0]}: {each[2]}" for each in PLANTED])
def test_planted_row_is_found(reports: dict[Product, ContractReport], number: int) -> None:
    product, _, means = PLANTED[number]
    failed = {result.means: set(result.examples) for result in reports[product].results if not result.passed}
    row = f"row-{number + 3:05d}"
    if means in ("no row twice", "no chain twice", "no problem twice", "no chain rejected twice"):
        row = "row-00001"  # of two that are equal, the first in order
    assert row in failed[means]


@pytest.mark.parametrize("product", PRODUCTS)
def test_only_planted_rows_are_found(reports: dict[Product, ContractReport], product: Product) -> None:
    planted = {f"row-{number:05d}" for number, each in enumerate(PLANTED, 3) if each[0] == product}
    found = {row for result in reports[product].results for row in result.examples}
    assert found <= planted | {"row-00001"}


def test_ungraded_problem_has_no_pass_rate(tmp_path: Path) -> None:
    nothing_graded = {"pass_rate": None, "pass_rate_n": 0, "pass_rate_c": 0}
    assert check_one_bad_row(tmp_path / "rows.parquet", "rl", nothing_graded).failures() == []


def test_counts_and_three_examples_go_over_all_batches_and_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "BATCH_ROWS", 4)
    rows = good_rows("sft", 24)
    for row in rows[7:17]:
        row["verdict"] = "incorrect"
    files = [write_rows(tmp_path / f"{part}.parquet", "sft", rows[part * 12 : part * 12 + 12]) for part in (0, 1)]
    report = check_contract(load_contract("sft"), files, 24, False)
    assert report.failures() == [
        "sft: graded correct: expect_column_values_to_be_in_set(verdict) failed for 10 of 24, "
        "such as row-00007, row-00008, row-00009"
    ]


def test_row_twice_is_found_across_files(tmp_path: Path) -> None:
    files = [write_rows(tmp_path / f"{part}.parquet", "rl", good_rows("rl", 2)) for part in (0, 1)]
    report = check_contract(load_contract("rl"), files, 4, False)
    twice = next(result for result in report.results if result.means == "no row twice")
    assert (twice.checked, twice.failed, twice.examples) == (4, 2, ("row-00000", "row-00001"))


def test_rows_that_the_manifest_does_not_count_are_found(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.parquet", "sft", good_rows("sft", 5))
    report = check_contract(load_contract("sft"), [path], 6, False)
    assert [result.examples for result in report.results if not result.passed] == [("5 rows found, 6 in the manifest",)]


@pytest.mark.parametrize("change", ["missing", "retyped", "extra", "reordered"])
def test_columns_that_are_not_the_published_ones_are_found(tmp_path: Path, change: str) -> None:
    table = pa.Table.from_pylist(good_rows("sft"), ROW_SCHEMAS["sft"])
    spoilt = {
        "missing": table.drop_columns(["license"]),
        "retyped": table.set_column(13, "output_tokens", table["output_tokens"].cast(pa.int64())),
        "extra": table.append_column("mood", pa.array(["good"] * 5)),
        "reordered": table.select(table.column_names[::-1]),
    }[change]
    pq.write_table(spoilt, tmp_path / "rows.parquet")
    report = check_contract(load_contract("sft"), [tmp_path / "rows.parquet"], 5, False)
    (result,) = report.results  # nothing else can be looked at
    assert result.name == "expect_table_columns_to_match_ordered_list"
    assert (result.checked, result.failed) == (1, 1)
    expected = {
        "missing": "license: string",
        "retyped": "output_tokens: int64",
        "extra": "mood: string",
        "reordered": "their order",
    }
    assert expected[change] in result.examples


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_rows_keep_the_contract(tmp_path: Path, product: Product) -> None:
    path = write_rows(tmp_path / "rows.parquet", product, [])
    report = check_contract(load_contract(product), [path], 0, True)
    assert report.passed


def test_report_without_results_did_not_pass() -> None:
    assert not ContractReport(product="sft", version="1.0.0", rows=3, results=()).passed


def test_report_goes_through_json(tmp_path: Path) -> None:
    report = check_one_bad_row(tmp_path / "rows.parquet", "sft", {"verdict": "incorrect"})
    assert ContractReport.model_validate_json(report.model_dump_json()) == report


def test_no_files_is_an_error() -> None:
    with pytest.raises(ContractError, match="No files"):
        check_contract(load_contract("sft"), [], 0, False)


def test_file_that_is_not_parquet_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_text("row_id")
    with pytest.raises(ContractError, match="cannot be run"):
        check_contract(load_contract("sft"), [tmp_path / "rows.parquet"], 0, False)


def test_fact_that_is_not_sql_is_an_error(tmp_path: Path) -> None:
    contract = load_contract("sft")
    broken = contract.model_copy(update={"facts": contract.facts | {"last_role": "messages[-1].nowhere"}})
    path = write_rows(tmp_path / "rows.parquet", "sft", good_rows("sft"))
    with pytest.raises(ContractError, match="nowhere"):
        check_contract(broken, [path], 5, False)
