"""Problems from the Hub: real Parquet files, through the real libraries, from a Hub on loopback."""

import io
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from cotfactory.generators.problems.hub_source import HubAccess, load_hub
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.problem import AssertTests, Problem
from cotfactory.schemas.problem_sources import HubSource
from tests.publishing.hub_repo import HubRepo
from tests.publishing.hub_server import Fault, HubServer

REPO = "org/sums"
SUMS = [{"q": f"{n} + {n}?", "a": f"Twice {n}.\n#### {2 * n}", "key": f"sum-{n}"} for n in range(20)]
COLUMNS = {"question": "q", "answer": "a"}


def parquet(rows: Sequence[Mapping[str, object]], schema: pa.Schema | None = None) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema=schema), buffer)
    return buffer.getvalue()


def push(server: HubServer, files: Mapping[str, bytes], tag: str = "v1", repo: str = REPO) -> str:
    """Commit files to a repository, as its owner would, tag the commit and return its oid."""
    owned = server.repos.setdefault(repo, HubRepo(repo))
    owned.tags[tag] = owned.commit(tag, files, [])
    return owned.tags[tag]


def push_rows(server: HubServer, rows: Sequence[Mapping[str, object]], tag: str = "v1") -> str:
    return push(server, {"data/train-00000-of-00001.parquet": parquet(rows)}, tag)


@pytest.fixture
def hub(hub_server: HubServer, tmp_path: Path) -> HubAccess:
    return HubAccess(cache_folder=tmp_path / "hub")


def load(hub: HubAccess, **settings: object) -> list[Problem]:
    given = {"source": "hub", "repo": REPO, "revision": "v1", "columns": COLUMNS, "answer_kind": "math"}
    return list(load_hub(HubSource.model_validate(given | settings), hub))


def refusal(hub: HubAccess, **settings: object) -> str:
    with pytest.raises(ProblemSourceError) as raised:
        load(hub, **settings)
    assert raised.value.hint
    return str(raised.value)


def test_rows_become_problems_of_one_commit(hub_server: HubServer, hub: HubAccess) -> None:
    commit = push_rows(hub_server, SUMS)
    problems = load(hub, answer_pattern="#### (.+)", license="MIT", domain="sums")
    assert [problem.answer for problem in problems] == [str(2 * n) for n in range(20)]
    third = problems[3]
    assert (third.source, third.source_revision, third.source_row_id) == (REPO, commit, "train/3")
    assert (third.question, third.license, third.domain) == ("3 + 3?", "MIT", "sums")


def test_a_tag_stays_what_it_was_when_the_branch_moves_on(hub_server: HubServer, hub: HubAccess) -> None:
    push_rows(hub_server, SUMS)
    before = load(hub)
    push_rows(hub_server, SUMS[:2], tag="v2")
    assert load(hub) == before
    assert len(load(hub, revision="v2")) == len(load(hub, revision="main")) == 2


def test_a_limit_gives_the_first_rows_without_loading_the_rest(hub_server: HubServer, hub: HubAccess) -> None:
    shards = {
        f"data/train-0000{shard}-of-00002.parquet": parquet(SUMS[shard * 10 : shard * 10 + 10]) for shard in (0, 1)
    }
    push(hub_server, shards)
    limited = load(hub, limit=7)
    assert not [call for call in hub_server.calls if call.startswith("GET") and "00001-of" in call]
    assert limited == load(hub)[:7]


def test_configs_and_splits_of_the_dataset_card(hub_server: HubServer, hub: HubAccess) -> None:
    card = (
        "---\nconfigs:\n- config_name: easy\n  data_files: [{split: test, path: easy.parquet}]\n"
        "- config_name: hard\n  data_files: [{split: test, path: hard.parquet}]\n---\n"
    )
    files = {"README.md": card.encode(), "easy.parquet": parquet(SUMS[:1]), "hard.parquet": parquet(SUMS[1:3])}
    push(hub_server, files)
    assert [problem.source_row_id for problem in load(hub, config="hard", split="test")] == ["test/0", "test/1"]
    assert "easy" in refusal(hub, config="medium", split="test")


def test_every_column_of_the_map(hub_server: HubServer, hub: HubAccess) -> None:
    row = {
        "key": 7,
        "q": "Write f.",
        "checks": '{"kind": "assert", "code": "assert f(1) == 2"}',
        "how": "Add 1.",
        "area": "code",
        "terms": "MIT",
        "unused": b"\x00",
    }
    push_rows(hub_server, [row])
    columns = {"question": "q", "id": "key", "tests": "checks", "solution": "how", "domain": "area", "license": "terms"}
    (problem,) = load(hub, columns=columns, answer_kind="code", license="CC0-1.0")
    assert problem.source_row_id == "7"
    assert problem.tests == AssertTests(code="assert f(1) == 2")
    assert (problem.solution, problem.domain, problem.license) == ("Add 1.", "code", "MIT")


@pytest.mark.parametrize(
    ("choices", "answer", "letter"),
    [
        (["red", "blue"], 1, "B"),  # MMLU: an integer counts from 0
        (["red", "blue"], "B", "B"),
        (["red", "blue"], "blue", "B"),
        (["2", "1"], 1, "B"),  # an integer is an index, whatever the choices say
        ({"text": ["red", "blue"], "label": ["A", "B"]}, "B", "B"),  # ARC
        ({"text": ["red", "blue"], "label": ["1", "2"]}, "2", "B"),  # ARC, the rows with numbers
        (["red", "blue"], -1, ""),  # the hidden label of a test split
        (["red", "blue"], None, ""),
    ],
)
def test_choices_in_the_forms_that_datasets_use(
    hub_server: HubServer, hub: HubAccess, choices: object, answer: object, letter: str
) -> None:
    told = {"q": "Which?", "c": choices, "a": type(answer)(0) if isinstance(answer, int) else "A"}
    push_rows(hub_server, [told | {"a": answer}, told | {"q": "And which?"}])
    columns = {"question": "q", "answer": "a", "choices": "c"}
    problem = load(hub, columns=columns, answer_kind="choice")[0]
    assert (problem.answer, problem.choices and len(problem.choices)) == (letter, 2)


def test_a_class_label_is_its_name_not_its_number(hub_server: HubServer, hub: HubAccess) -> None:
    card = (
        "---\ndataset_info:\n  features:\n  - name: q\n    dtype: string\n  - name: a\n    dtype:\n"
        "      class_label:\n        names:\n          '0': sad\n          '1': glad\n---\n"
    )
    rows = [{"q": "Mood?", "a": 1}, {"q": "Mood now?", "a": 0}]
    push(hub_server, {"README.md": card.encode(), "data/train-00000-of-00001.parquet": parquet(rows)})
    assert [problem.answer for problem in load(hub, answer_kind="text")] == ["glad", "sad"]


def test_a_row_without_an_answer_is_left_to_the_gold_self_test(hub_server: HubServer, hub: HubAccess) -> None:
    push_rows(hub_server, [*SUMS[:1], {"q": "?", "a": "no mark", "key": "x"}, {"q": "!", "a": None, "key": "y"}])
    assert [problem.answer for problem in load(hub, answer_pattern="#### (.+)")] == ["0", "", ""]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"columns": {"question": "question"}}, "org/sums has no column 'question': expected one of q, a, key"),
        ({"columns": {"question": "question"}, "limit": 1}, "expected one of q, a, key"),
        ({"revision": "v9"}, "Cannot read Hub dataset org/sums@v9"),
        ({"revision": "0" * 40}, "Cannot read Hub dataset org/sums@" + "0" * 40),
        ({"repo": "org/none"}, "Cannot read Hub dataset org/none@v1"),
        ({"split": "test"}, "Should be one of ['train']"),
        ({"split": "test", "limit": 1}, "test"),
        ({"answer_pattern": "Answer: (.+)"}, "No row of org/sums, split train has an answer"),
        ({"answer_pattern": "#### .+"}, "has no group"),
        ({"answer_pattern": "("}, "is not a regular expression"),
        ({"columns": COLUMNS | {"id": "same"}}, "Duplicate id '1' in row 1 of org/sums, split train"),
        ({"columns": {"question": "none", "answer": "a"}}, "(row 0 of org/sums, split train) has no 'question'"),
    ],
)  # fmt: skip
def test_what_a_recipe_gets_wrong(
    hub_server: HubServer, hub: HubAccess, settings: dict[str, object], expected: str
) -> None:
    rows = [row | {"same": 1, "none": None} for row in SUMS]
    push_rows(hub_server, rows)
    message = refusal(hub, **settings)
    if "expected one of q, a, key" in expected:
        expected += ", same, none"
    assert expected in message


def test_a_private_dataset_needs_the_token_and_no_message_shows_it(hub_server: HubServer, tmp_path: Path) -> None:
    push_rows(hub_server, SUMS)
    hub_server.token = "hf_right"
    assert len(load(HubAccess(token=SecretStr("hf_right"), cache_folder=tmp_path / "right"))) == 20
    wrong = HubAccess(token=SecretStr("hf_wrong"), cache_folder=tmp_path / "wrong")
    assert "hf_wrong" not in refusal(wrong) + repr(wrong) + wrong.model_dump_json()


def test_a_local_folder_of_the_same_name_is_not_the_dataset(
    hub_server: HubServer, hub: HubAccess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_rows(hub_server, SUMS)
    (tmp_path / REPO).mkdir(parents=True)
    (tmp_path / REPO / "train.parquet").write_bytes(parquet([{"q": "planted", "a": "1"}]))
    monkeypatch.chdir(tmp_path)
    assert load(hub)[0].question == "0 + 0?"


def test_a_hub_that_fails_half_way_gives_no_other_revision(hub_server: HubServer, hub: HubAccess) -> None:
    """The library itself would take the newest revision that it ever cached, whatever the recipe pins."""
    push_rows(hub_server, SUMS[:3])
    load(hub)
    push_rows(hub_server, SUMS[3:5], tag="v2")
    hub_server.faults = [Fault("/resolve/", 403)] * 20
    assert "Cannot read Hub dataset org/sums@v2" in refusal(hub, revision="v2")
    hub_server.faults = []
    assert len(load(hub, revision="v2")) == 2


OFFLINE = """
import sys
from pathlib import Path
from cotfactory.generators.problems.hub_source import HubAccess, load_hub
from cotfactory.schemas.problem_sources import HubSource
for revision in sys.argv[2:]:
    source = HubSource(source="hub", repo="org/sums", revision=revision, columns={"question": "q", "answer": "a"},
                       answer_kind="text")
    try:
        print(len(list(load_hub(source, HubAccess(cache_folder=Path(sys.argv[1]))))), "problems")
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_without_the_hub_a_cached_commit_loads_and_no_other_takes_its_place(
    hub_server: HubServer, hub: HubAccess
) -> None:
    old = push_rows(hub_server, SUMS[:3])
    new = push_rows(hub_server, SUMS[3:5], tag="v2")
    load(hub, revision=old)
    nobody = socket.socket()
    nobody.bind(("127.0.0.1", 0))  # bound but not listening: a connection is refused
    environment = os.environ | {"HF_ENDPOINT": f"http://127.0.0.1:{nobody.getsockname()[1]}"}
    answers = subprocess.run(
        [sys.executable, "-c", OFFLINE, str(hub.cache_folder), old, new, "v2"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    nobody.close()
    assert answers[0] == "3 problems"
    assert [answer.split(",")[0] for answer in answers[1:]] == [
        f"ProblemSourceError Cannot read Hub dataset org/sums@{revision}" for revision in (new, "v2")
    ]
