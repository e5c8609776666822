"""How a chain ended and where its thinking is, through a whole run: nothing that was cut short teaches anybody."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cotfactory
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher

ALL = ["sft", "preference", "kto", "self_correction", "all_graded"]


def by_seed(good: str, cut: str) -> Any:
    """Answer even samples rightly, and odd ones with a first guess that is cut off, for `cut`."""

    def talk(turns: list[str], seed: int) -> tuple[str, str]:
        left, right = (int(word) for word in turns[0].removeprefix("What is ").partition("?")[0].split(" + "))
        if seed % 2:
            return f"My first guess is \\boxed{{{left + right + 1}}}, now chec", cut
        return f"{left} + {right} = {left + right}, so \\boxed{{{left + right}}}", good

    return talk


@pytest.mark.parametrize("word", ["max_tokens", "MAX_TOKENS", "model_length", "SAFETY", "tool_use"])
def test_chains_that_somebody_else_ended_are_in_no_product_but_all_graded(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, word: str
) -> None:
    """`preference` had 8 rows of such chains as rejected sides, whatever the endpoint called it."""
    teacher.talk = by_seed("end_turn", word)
    recipe = write_recipe(count=4, attempts=4, release={"license": "mit", "products": ALL})
    summary = cotfactory.run(recipe, tmp_path / "w")
    assert summary.release is not None
    assert summary.release.rows == {"sft": 4, "preference": 0, "kto": 0, "self_correction": 0, "all_graded": 16}
    assert summary.verdicts == {"correct": 8, "incorrect": 0, "no_answer": 8, "ungraded": 0}
    assert {stage.stage: stage.count for stage in summary.funnel}["complete"] == 8
    sft = cotfactory.open_release(summary.release.path).table("sft")
    assert set(sft["finish_reason"].to_pylist()) == {"stop"}
    words = cotfactory.sql(tmp_path / "w", "SELECT DISTINCT finish_reason_raw AS raw FROM candidates ORDER BY 1")
    assert set(words["raw"].to_pylist()) == {"end_turn", word}


def test_what_the_endpoint_broke_off_is_no_sample(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    teacher.talk = by_seed("stop", "abort")
    recipe = write_recipe(count=4, attempts=4, release={"license": "mit", "products": ALL})
    summary = cotfactory.run(recipe, tmp_path / "w")
    assert (summary.candidates, summary.failed_calls) == (8, 8)
    assert summary.verdicts["incorrect"] == 0

    teacher.talk = by_seed("stop", "stop")  # the endpoint is well again: what is missing is asked, and only that
    again = cotfactory.run(recipe, tmp_path / "w")
    assert (again.candidates, again.teacher_calls, again.reused) == (16, 8, 8)


def test_a_teachers_own_tags(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    teacher.talk = lambda turns, seed: (f"((hm {seed}))It is \\boxed{{1}}.", "stop")
    spec = {"name": "t", "model": "m", "base_url": teacher.base_url, "sampling": {"max_tokens": 50, "seed": 0}}
    recipe = write_recipe(count=1, attempts=1, teachers=[spec | {"reasoning_tags": ["((", "))"]}])
    summary = cotfactory.run(recipe, tmp_path / "w")
    assert summary.release is not None
    (row,) = cotfactory.open_release(summary.release.path).table("sft").to_pylist()
    assert (row["reasoning"], row["response"]) == ("hm 0", "It is \\boxed{1}.")


@pytest.mark.parametrize("tags", [["<x>"], ["<x>", "<x>"], ["<x>", " "], ["<x>", "<X>"], "<x>"])
def test_tags_that_are_no_pair_are_named(write_recipe: WriteRecipe, teacher: CountingTeacher, tags: Any) -> None:
    spec = {"name": "t", "model": "m", "base_url": teacher.base_url, "reasoning_tags": tags}
    with pytest.raises(cotfactory.CotfactoryError, match=r"teachers\.0\.reasoning_tags"):
        cotfactory.load_recipe(write_recipe(teachers=[spec]))


def test_a_workspace_of_an_older_version_is_read(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """It held the endpoint's own words, and thinking between tags it did not know inside the response."""
    recipe = write_recipe(count=2, attempts=2, release={"license": "mit", "products": ["sft", "all_graded"]})
    cotfactory.run(recipe, tmp_path / "w")
    for path in (tmp_path / "w" / "tables" / "candidates").glob("*.parquet"):
        table = pq.read_table(path)
        rows = table.to_pylist()
        for row in rows:
            row["finish_reason"] = ("eos_token", "max_output_tokens")[row["sample_index"]]
            row["reasoning"] = None
            row["response"] = f"[THINK]hm, {row['candidate_id']}[/THINK]{row['response']}"
            del row["finish_reason_raw"]
        schema = table.schema.remove(table.schema.get_field_index("finish_reason_raw"))
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    shutil.rmtree(tmp_path / "w" / "sums")
    for path in (tmp_path / "w" / "tables" / "grades").glob("*.parquet"):
        path.unlink()
    shutil.rmtree(tmp_path / "w" / "releases")  # all its rows would be lost at once, which a contract stops

    calls = teacher.calls
    summary = cotfactory.run(recipe, tmp_path / "w")
    assert teacher.calls == calls
    assert summary.release is not None
    assert (summary.kept, summary.dropped) == (2, {"truncated": 2})
    rows = cotfactory.open_release(summary.release.path).table("sft").to_pylist()
    assert {row["finish_reason"] for row in rows} == {"stop"}
    assert all(row["reasoning"].startswith("hm, ") and "THINK" not in row["response"] for row in rows)
    counted = cotfactory.sql(
        tmp_path / "w", "SELECT finish_reason, count(*) AS n FROM candidates GROUP BY ALL ORDER BY 1"
    )
    assert counted.to_pylist() == [{"finish_reason": "length", "n": 2}, {"finish_reason": "stop", "n": 2}]
