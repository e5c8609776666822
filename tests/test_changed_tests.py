"""Which tests a change calls for, before the whole suite is run."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("changed_tests", ROOT / "scripts" / "changed_tests.py")
assert _spec is not None
assert _spec.loader is not None
changed_tests = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(changed_tests)


@pytest.fixture(scope="module")
def importers() -> dict[str, set[str]]:
    found: dict[str, set[str]] = changed_tests.module_importers()
    return found


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ("curation/choose.py", {"tests/curation/test_choose.py"}),
        ("curation/planted.py", {"tests/curation"}),  # without a test of its own: its room
        ("generators/ask/stopping.py", {"tests/generators/ask/test_stopping.py"}),
        ("generators/ask/stopping.py", {"tests/flows/inspect/test_estimate.py"}),
        ("publishing/templates/dataset_card.md.j2", {"tests/publishing"}),  # no module: its room
        ("data_contracts/sft.yaml", {"tests/data_contracts"}),
        ("tests/schemas/test_ids.py", {"tests/schemas/test_ids.py"}),
        ("tests/flows/counting_teacher.py", {"tests/flows"}),
        ("docs/recipe.md", {"tests/test_docs.py"}),  # always
        ("graders/code/gone.py", {"tests/graders/code"}),  # deleted
    ],
)
def test_what_a_change_calls_for(changed: str, wanted: set[str], importers: dict[str, set[str]]) -> None:
    found = {str(path.relative_to(ROOT)) for path in changed_tests.tests_for([changed], importers)}
    assert wanted <= found
    assert "tests/test_project.py" in found


def test_a_small_change_runs_little(importers: dict[str, set[str]]) -> None:
    found = changed_tests.tests_for(["generators/ask/stopping.py"], importers)
    assert {ROOT / "tests" / "flows", ROOT / "tests" / "publishing"}.isdisjoint(found)
