"""Mutations of what strangers and broken disks hand us: read as it is, or refused in words; never a crash or a hang.

Nothing is silently different either: what is accepted says what it says, and what is lost is counted.
"""

import asyncio
import json
import random
import zlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from aiohttp import web
from pydantic import ValidationError

from cotfactory.flows.load_recipe import load_recipe, shipped_recipe
from cotfactory.flows.recipe_file import read_recipe_file
from cotfactory.generators.problems.file_source import load_file
from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.reasoning import candidate_of
from cotfactory.generators.teacher.reported_usage import billed_usage
from cotfactory.generators.teacher.teacher import OpenAITeacher, Request
from cotfactory.publishing.release_folder import open_release
from cotfactory.schemas.candidate import Candidate, stored_candidate
from cotfactory.schemas.errors import CotfactoryError, ProblemSourceError, RecipeError, TeacherError, WorkspaceError
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import FileSource
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.request_record import RequestRecord
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Message, Usage
from cotfactory.warehouse.checksums import check_sealed
from cotfactory.warehouse.journal_reader import JournalReader
from cotfactory.warehouse.ledger import Journal, JournalHeader
from cotfactory.warehouse.seal import write_problems
from cotfactory.warehouse.workspace import open_workspace
from tests.builders import a_candidate, a_problem
from tests.generators.scripted_server import chat
from tests.hostile.mutations import changed_bytes, changed_values, each_mutation, without_a_hang
from tests.publishing.small_release import make_release

some_mutations = pytest.mark.parametrize("count", [200, pytest.param(2_000, marks=pytest.mark.slow)])

SPEC = TeacherSpec.model_validate({"name": "t", "model": "m", "sampling": {"max_tokens": 100}})
SENT = RequestRecord(
    candidate_id="c", problem_id="p", teacher="t", prompt_id="q", strategy="solve", sampling=SPEC.sampling,
    sample_index=0, parent_id=None,
)  # fmt: skip
REPLY = chat(
    "So \\boxed{7}.",
    reasoning_content="3 + 4",
    tool_calls=[{"id": "c", "type": "function", "function": {"name": "python", "arguments": '{"code": "1"}'}}],
)
ROWS: list[dict[str, Any]] = [
    {"id": "1", "question": "What is 6 * 7?", "answer": "42", "answer_kind": "math", "answer_tolerance": "1%"},
    {"id": "2", "question": "Which is prime?", "choices": ["4", "9", "13"], "answer": "C", "answer_kind": "choice"},
    {"id": "3", "question": "Which day?", "answer": "Tuesday", "answer_kind": "text", "answers": ["Tue"]},
    {
        "id": "4", "question": "Write add.", "answer": "", "answer_kind": "code", "solution": "add = sum",
        "tests": {"kind": "calls", "entry_point": "add", "cases": [{"args": [1, 2], "expected": 3}]},
    },
]  # fmt: skip


def lines_of(rows: list[Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@some_mutations
def test_replies(count: int) -> None:
    """A reply becomes a completion that can be stored, or an error of the teacher's."""
    body = b""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async def run() -> None:
        nonlocal body
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        endpoint = Endpoint(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", "key")
        async with OpenAITeacher(SPEC, endpoint) as teacher:
            for seed in range(count):
                chance = random.Random(seed)
                changed = changed_values(REPLY, chance)
                body = json.dumps(changed).encode()
                if chance.random() < 0.5:
                    body = changed_bytes(json.dumps(REPLY).encode(), chance)
                asked = Request("r", (Message(role="user", content="?"),), SPEC.sampling, 0, 100)
                try:
                    with without_a_hang():
                        said = await teacher.complete(asked)
                except TeacherError:
                    continue
                told = candidate_of(SENT, said, billed_usage(said, Usage()), None).model_dump_json()
                assert Candidate.model_validate_json(told).model_dump_json() == told, f"seed {seed}"
        await runner.cleanup()

    asyncio.run(run())


@some_mutations
def test_problem_rows(count: int, tmp_path: Path) -> None:
    """Every line becomes the problem that it says, which is stored and read back, or the file is refused."""
    workspace, path = open_workspace(tmp_path / "w"), tmp_path / "p.jsonl"
    source = FileSource(source="file", path=str(path))
    accepted: list[Problem] = []

    def check(chance: random.Random) -> None:
        number = chance.randrange(len(ROWS))
        rows = [json.dumps(row).encode() for row in ROWS]
        rows[number] = chance.choice(
            (changed_bytes(rows[number], chance), json.dumps(changed_values(ROWS[number], chance)).encode())
        )
        path.write_bytes(b"\n".join(rows))
        try:
            problems = list(load_file(source, tmp_path))
        except ProblemSourceError:
            return
        assert len(problems) == sum(1 for line in path.read_bytes().split(b"\n") if line.strip())
        unchanged = [problem.source_row_id for problem in problems]
        assert {row["id"] for row in ROWS if row is not ROWS[number]} <= {*unchanged}
        accepted.extend(problems)

    each_mutation(count, check)
    name = write_problems(workspace, "r", accepted)
    stored = pq.read_table(workspace.table("problems") / f"{name}.parquet").to_pylist()
    assert [(row["problem_id"], row["question"], row["answer"]) for row in stored] == [
        (problem.problem_id, problem.question, problem.answer) for problem in accepted
    ]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Eight requests: six chains, one that failed and one in flight."""
    journal = Journal(tmp_path, JournalHeader(recipe="r", run_id="run1", shard="s"))
    for number in range(6):
        journal.intend(f"c{number}", 0.5, 100)
        said = a_candidate(
            f"said {number}", candidate_id=f"c{number}", reasoning="so", cost_usd=0.25, sample_index=number
        )
        asyncio.run(journal.record(said))
    for name in ("c6", "c7"):
        journal.intend(name, 0.5, 100)
    journal.failed("c6", maybe_billed=True)
    journal.close()
    return journal.path


def read_back(path: Path) -> tuple[list[Candidate], int]:
    """Return the chains of a journal, and how many lines were told as not read; what is held is an amount."""
    reader = JournalReader(path)
    rows = [row for table in reader.candidates() for row in table.to_pylist()]
    told = reader.entries()
    assert 0 <= told.unconfirmed_usd < float("inf")
    lost = told.torn_lines + told.foreign_lines + told.contradicting_lines
    return [stored_candidate(row) for row in rows], lost


@some_mutations
def test_journals_with_changed_bytes(count: int, journal: Path) -> None:
    """A chain is read back as it was written, or a line is counted as lost."""
    before = journal.read_bytes()
    written, _ = read_back(journal)

    def check(chance: random.Random) -> None:
        journal.write_bytes(changed_bytes(before, chance))
        read, lost = read_back(journal)
        assert all(chain in written for chain in read)
        assert len({chain.candidate_id for chain in read}) == len(read)
        # What was cut off at a line's end was never written.
        whole_lines = journal.read_bytes().count(b"\n")
        assert len(read) + lost >= min(len(written), len(written) - (before.count(b"\n") - whole_lines))

    each_mutation(count, check)


@some_mutations
def test_journals_with_foreign_values(count: int, journal: Path) -> None:
    """Lines with a right checksum and values of another kind: each chain is what its line says, or is counted."""
    before = [line.split(b" ", 2)[1:] for line in journal.read_bytes().splitlines()]

    def check(chance: random.Random) -> None:
        entries = [[*entry] for entry in before]
        for entry in chance.sample(entries, chance.randint(1, 3)):
            if entry[0] in (b"bought", b"header"):
                values = changed_values(json.loads(entry[1]), chance)
                if entry[0] == b"bought" and chance.random() < 0.2:
                    values["candidate_id"] = chance.choice(("c0", "c1"))  # that of another chain, perhaps
                entry[1] = json.dumps(values).encode()
            else:
                words = entry[1].split(b" ")
                words[chance.randrange(len(words))] = chance.choice(
                    (b"nan", b"-1", b"c0", b"", b"inf", b"x y", b"1e400")
                )
                entry[1] = b" ".join(words)
        lines = [b" ".join(entry) for entry in entries]
        journal.write_bytes(b"".join(b"%08x %s\n" % (zlib.crc32(line), line) for line in lines))
        read, lost = read_back(journal)
        said = [_said(body) for kind, body in entries if kind == b"bought"]
        assert all(chain in said for chain in read)
        assert len(read) + lost >= len(said)

    each_mutation(count, check)


def _said(body: bytes) -> Candidate | None:
    try:
        return Candidate.model_validate_json(body)
    except ValidationError:
        return None


@some_mutations
def test_tables(count: int, tmp_path: Path) -> None:
    """A sealed file that is not as it was sealed is named before anything reads it."""
    workspace = open_workspace(tmp_path / "w")
    name = write_problems(
        workspace, "r", [a_problem(f"What is {number} * 7?", str(7 * number)) for number in range(20)]
    )
    path = workspace.table("problems") / f"{name}.parquet"
    before = path.read_bytes()

    def check(chance: random.Random) -> None:
        path.write_bytes(changed_bytes(before, chance))
        if path.read_bytes() == before:
            return
        with pytest.raises(WorkspaceError, match=f"The sealed file .*{name}"):
            check_sealed(workspace)

    check_sealed(workspace)
    each_mutation(count, check)


@pytest.mark.parametrize("name", ["manifest.json", "contract.json"])
@some_mutations
def test_release_folders(count: int, name: str, tmp_path: Path) -> None:
    """A release is opened with the rows, the version and the files that it was made with, or is refused."""
    folder = make_release(tmp_path)
    before = (folder / name).read_bytes()
    whole = open_release(folder, run_contracts=False)

    def check(chance: random.Random) -> None:
        changed = changed_bytes(before, chance)
        if chance.random() < 0.5:
            changed = json.dumps(changed_values(json.loads(before), chance)).encode()
        (folder / name).write_bytes(changed)
        try:
            opened = open_release(folder, run_contracts=False)
        except CotfactoryError:
            return
        assert opened.manifest.name.isprintable()
        assert (opened.manifest.rows_sha, opened.manifest.rows) == (whole.manifest.rows_sha, whole.manifest.rows)
        assert {path: file for path, file in opened.files.items() if path != name} == {
            path: file for path, file in whole.files.items() if path != name
        }

    each_mutation(count, check)


@some_mutations
def test_recipes(count: int, tmp_path: Path) -> None:
    """A recipe is read, and says the same when it is written down and read again; or its file is refused."""
    path = tmp_path / "recipe.yaml"
    shipped = [shipped_recipe(name).read_bytes() for name in ("demo", "endpoint")]

    def check(chance: random.Random) -> None:
        before = chance.choice(shipped)
        changed = changed_bytes(before, chance)
        if chance.random() < 0.5:
            path.write_bytes(before)
            changed = json.dumps(changed_values(read_recipe_file(path)[0], chance)).encode()
        path.write_bytes(changed)
        try:
            recipe = load_recipe(path, {})
        except RecipeError:
            return
        assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe

    each_mutation(count, check)
