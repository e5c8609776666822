"""The data set's CHANGELOG.md: newest on top, older entries kept, names of sources as code."""

import json
from datetime import UTC, datetime
from pathlib import Path

from cotfactory.publishing.changed_making import changed_making
from cotfactory.publishing.changelog import CHANGELOG, changelog
from cotfactory.publishing.diff import ProductDiff, SourceDiff
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.schemas.manifest import Manifest
from tests.publishing.small_release import make_release


def manifest(folder: Path, version: str, parent: str | None) -> Manifest:
    made = read_manifest(make_release(folder, version))
    facts = made.facts.model_copy(update={"created_at": datetime(2026, 11, 21, tzinfo=UTC)})
    return made.model_copy(update={"parent": parent, "facts": facts})


def test_first_entry_and_the_one_on_top_of_it(tmp_path: Path) -> None:
    first = changelog(manifest(tmp_path, "v1.0.0", None), {}, None)
    assert first == "# Changelog\n\n## v1.0.0 (2026-11-21)\n\n- `sft`: 3 rows, the first release\n" + (
        "- `rl`: 3 rows, the first release\n"
    )
    (tmp_path / "v1.0.0" / CHANGELOG).write_text(first, "utf-8")
    difference = ProductDiff(
        rows_before=3,
        rows_after=1003,
        added=1001,
        removed=1,
        changed=2,
        relabelled=1,
        removed_because={"wrong_step": 1},
        changed_columns={"pass_rate": 2},
        by_source={
            # A source is named by whoever made the problems.
            "own`\n## v9": SourceDiff(added=1, removed=0, changed=0),
            "gsm8k": SourceDiff(added=1000, removed=1, changed=2),
        },
        columns_added=("mood: string",),
    )
    second = changelog(manifest(tmp_path, "v2.0.0", "v1.0.0"), {"sft": difference}, tmp_path / "v1.0.0")
    assert second.splitlines()[:10] == [
        "# Changelog",
        "",
        "## v2.0.0 (2026-11-21)",
        "",
        "- `sft`: 3 -> 1,003 rows: 1,001 added, 1 removed, 2 changed (1 relabelled, same text)",
        "  - removed: `wrong_step` 1",
        "  - changed in: `pass_rate` 2",
        "  - from `own' ## v9`: 1 added, 0 removed, 0 changed",
        "  - from `gsm8k`: 1,000 added, 1 removed, 2 changed",
        "  - columns: `+mood: string`",
    ]
    assert second.endswith(first.removeprefix("# Changelog\n"))


def test_parent_without_the_page_is_no_trouble(tmp_path: Path) -> None:
    page = changelog(manifest(tmp_path, "v1.1.0", "v1.0.0"), {}, tmp_path / "v1.0.0")
    assert page == "# Changelog\n\n## v1.1.0 (2026-11-21)\n\n"


def test_what_it_was_made_with_is_told_where_it_changed(tmp_path: Path) -> None:
    before = manifest(tmp_path, "v1.0.0", None).model_copy(update={"graders": {"math": "7", "text": "7"}})
    assert changed_making(before, before) == ()
    recipe = json.loads(before.recipe)
    recipe["release"] |= {"products": ["rl", "kto"], "license": "apache-2.0"}
    recipe["teachers"] = [
        recipe["teachers"][0] | {"prompt": "| {{ question }}`\n" * 30},
        {"name": "elk", "model": "elk"},
    ]
    recipe["curation"] |= {"max_per_problem": 2}
    del recipe["problems"][0]["path"]
    after = before.model_copy(update={"recipe": json.dumps(recipe), "graders": {"math": "8", "choice": "7"}})
    lines = changed_making(before, after)
    assert [line for line in lines if "prompt" not in line] == [
        "product `kto` is new in the recipe",
        "product `sft` left the recipe",
        "license: `mit` -> `apache-2.0`",
        "teacher `elk` is new in the recipe",
        "problems: other sources, or other keys of them",
        "curation.max_per_problem: `none` -> `2`",
        "grader `math`: `7` -> `8`",
    ]
    (prompt,) = [line for line in lines if "prompt" in line]
    assert prompt.startswith("teacher `owl`, prompt: `solve` -> `| {{ question }}' |")
    assert prompt.endswith("...`")
    page = changelog(after.model_copy(update={"parent": "v0.9.0"}), {}, tmp_path, lines)
    assert "- grader `math`: `7` -> `8`\n" in page
