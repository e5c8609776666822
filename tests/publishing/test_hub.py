"""Publishing over HTTP: one commit and one tag or nothing, whatever happens on the way."""

import socket
from pathlib import Path

import datasets
import pytest
from pydantic import SecretStr

from cotfactory.publishing.hub import HubTarget, PublishOutcome, publish_release
from cotfactory.publishing.hub_errors import TRIES
from cotfactory.publishing.hub_repository import Repository
from cotfactory.publishing.release_folder import open_release
from cotfactory.schemas.errors import CotfactoryError, PublishError
from tests.publishing.hub_repo import HubRepo
from tests.publishing.hub_server import Fault, HubServer
from tests.publishing.small_release import make_release, write_manifest

REPO = "org/cot"


HERE = Repository(name=REPO, create=True)


def publish(release: Path) -> PublishOutcome:
    return publish_release(release, HERE, HubTarget())


def refusal(release: Path, hub: HubTarget | None = None, repository: Repository = HERE, exit_code: int = 1) -> str:
    with pytest.raises(CotfactoryError) as raised:
        publish_release(release, repository, hub or HubTarget())
    assert raised.value.exit_code == exit_code
    return str(raised.value)


def files_of(release: Path) -> dict[str, bytes]:
    return {path.relative_to(release).as_posix(): path.read_bytes() for path in release.rglob("*") if path.is_file()}


def tagged_files(repo: HubRepo, tag: str) -> dict[str, bytes]:
    files = repo.commits[repo.tags[tag]].files
    return {path: blob.data for path, blob in files.items() if path != ".gitattributes"}


def commits_of(repo: HubRepo) -> list[str]:
    return repo.history()[1:]


def test_a_release_is_one_commit_and_one_tag_on_it(hub_server: HubServer, tmp_path: Path) -> None:
    release = make_release(tmp_path, shards=2)
    outcome = publish(release)
    repo = hub_server.repos[REPO]
    assert commits_of(repo) == ["sums v1.0.0"]
    assert repo.tags == {"v1.0.0": repo.head}
    assert tagged_files(repo, "v1.0.0") == files_of(release)
    url = f"{hub_server.endpoint}/datasets/{REPO}/tree/v1.0.0"
    assert outcome == PublishOutcome(
        repo=REPO, tag="v1.0.0", commit=repo.head, url=url, is_new=True, visibility="private"
    )
    assert outcome.text().splitlines() == [f"{REPO} v1.0.0: published, private", f"{url} (commit {repo.head})"]


def test_what_was_published_loads_back_at_its_tag(hub_server: HubServer, tmp_path: Path) -> None:
    publish(make_release(tmp_path, "v1.0.0", rows=3))
    publish(make_release(tmp_path, "v1.1.0", rows=5))
    cache = str(tmp_path / "cache")
    for version, rows in (("v1.0.0", 3), ("v1.1.0", 5)):
        for product in ("sft", "rl"):
            loaded = datasets.load_dataset(REPO, product, revision=version, split="train", cache_dir=cache)
            assert loaded["row_id"][:] == [f"{product}-{version}-0-{row}" for row in range(rows)]
    streamed = datasets.load_dataset(REPO, revision="v1.0.0", split="train", streaming=True)
    assert [row["row_id"] for row in streamed] == [f"sft-v1.0.0-0-{row}" for row in range(3)]


def test_the_next_version_leaves_no_file_of_the_last_and_keeps_what_is_not_ours(
    hub_server: HubServer, tmp_path: Path
) -> None:
    publish(make_release(tmp_path, "v1.0.0", shards=2, products=("sft", "preference", "rl")))
    repo = hub_server.repos[REPO]
    repo.commit("add a logo", {"logo.svg": b"<svg/>"}, [])
    release = make_release(tmp_path, "v2.0.0", shards=1)
    publish(release)
    assert tagged_files(repo, "v2.0.0") == files_of(release) | {"logo.svg": b"<svg/>"}
    assert tagged_files(repo, "v1.0.0") == files_of(tmp_path / "v1.0.0")
    assert commits_of(repo) == ["sums v1.0.0", "add a logo", "sums v2.0.0"]


def test_publishing_again_does_nothing(hub_server: HubServer, tmp_path: Path) -> None:
    release = make_release(tmp_path)
    first = publish(release)
    repo = hub_server.repos[REPO]
    repo.commit("somebody edits the card", {"README.md": b"---\nlicense: mit\n---\nmine"}, [])
    before = dict(repo.tags), repo.head
    again = publish(release)
    assert (again.is_new, again.commit) == (False, first.commit)
    assert (dict(repo.tags), repo.head) == before


def test_a_tag_with_other_rows_is_never_moved(hub_server: HubServer, tmp_path: Path) -> None:
    publish(make_release(tmp_path / "a", rows=3))
    repo = hub_server.repos[REPO]
    before = dict(repo.tags), repo.head
    message = refusal(make_release(tmp_path / "b", rows=4))
    assert "has the tag v1.0.0 with rows_sha" in message
    assert "a tag is never moved" in message
    assert (dict(repo.tags), repo.head) == before
    assert not [call for call in hub_server.calls if call.startswith("DELETE")]


def test_a_tag_that_is_no_release_is_never_moved(hub_server: HubServer, tmp_path: Path) -> None:
    repo = hub_server.repos[REPO] = HubRepo(REPO, is_private=True)
    repo.tags["v1.0.0"] = repo.head
    assert "with rows_sha None" in refusal(make_release(tmp_path))
    assert commits_of(repo) == []


def test_somebody_pushes_at_the_same_moment(hub_server: HubServer, tmp_path: Path) -> None:
    """412: their commit stays, ours is made again on top of it, with what their commit left to clear."""
    release = make_release(tmp_path)
    stale = {"sft/train-00007-of-00008.parquet": (release / "sft/train-00000-of-00001.parquet").read_bytes()}
    hub_server.meanwhile = [
        ("/commit/", lambda repo: repo.commit("theirs", {"logo.svg": b"<svg/>"}, [])),
        ("/commit/", lambda repo: repo.commit("theirs too", stale, [])),
    ]
    publish(release)
    repo = hub_server.repos[REPO]
    assert commits_of(repo) == ["theirs", "theirs too", "sums v1.0.0"]
    assert tagged_files(repo, "v1.0.0") == files_of(release) | {"logo.svg": b"<svg/>"}


def test_somebody_pushes_all_the_time(hub_server: HubServer, tmp_path: Path) -> None:
    hub_server.meanwhile = [("/commit/", lambda repo: repo.commit("theirs", {}, []))] * TRIES
    assert f"somebody else pushed during each of {TRIES} tries" in refusal(make_release(tmp_path))
    repo = hub_server.repos[REPO]
    assert commits_of(repo) == ["theirs"] * TRIES
    assert repo.tags == {}


def test_somebody_pushes_between_our_commit_and_its_tag(hub_server: HubServer, tmp_path: Path) -> None:
    release = make_release(tmp_path)
    hub_server.meanwhile = [("/tag/", lambda repo: repo.commit("theirs", {"README.md": b"mine now"}, []))]
    outcome = publish(release)
    repo = hub_server.repos[REPO]
    assert commits_of(repo) == ["sums v1.0.0", "theirs"]
    assert repo.tags == {"v1.0.0": outcome.commit}
    assert tagged_files(repo, "v1.0.0") == files_of(release)


def test_somebody_publishes_the_same_release_at_the_same_moment(hub_server: HubServer, tmp_path: Path) -> None:
    release = make_release(tmp_path)
    files = files_of(release)

    def publish_too(repo: HubRepo) -> None:
        repo.tags["v1.0.0"] = repo.commit("sums v1.0.0", files, [])

    hub_server.meanwhile = [("/commit/", publish_too)]
    outcome = publish(release)
    repo = hub_server.repos[REPO]
    assert (outcome.is_new, outcome.commit) == (False, repo.tags["v1.0.0"])
    assert commits_of(repo) == ["sums v1.0.0"]


@pytest.mark.parametrize("same_rows", [True, False])
def test_somebody_tags_the_version_between_our_commit_and_our_tag(
    hub_server: HubServer, tmp_path: Path, same_rows: bool
) -> None:
    """409: their tag stays; it is our release if it holds our rows."""
    release = make_release(tmp_path)

    def tag_it(repo: HubRepo) -> None:
        repo.tags["v1.0.0"] = repo.head if same_rows else repo.commit("theirs", {"manifest.json": b"{}"}, [])

    hub_server.meanwhile = [("/tag/", tag_it)]
    if same_rows:
        assert not publish(release).is_new
    else:
        assert "has the tag v1.0.0 with rows_sha None" in refusal(release)
    repo = hub_server.repos[REPO]
    assert repo.tags == {"v1.0.0": repo.head}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/commit/", "lost", after=True),  # the commit arrived, its answer did not
        Fault("/commit/", "lost"),
        Fault("/commit/", 502, after=True),
        Fault("/commit/", 500),
        Fault("/tag/", "lost", after=True),
        Fault("/tag/", "lost"),
        Fault("/tag/", 504, after=True),
    ],
)
def test_a_lost_answer_makes_no_second_commit(hub_server: HubServer, tmp_path: Path, fault: Fault) -> None:
    hub_server.faults = [fault]
    release = make_release(tmp_path)
    publish(release)
    repo = hub_server.repos[REPO]
    assert commits_of(repo) == ["sums v1.0.0"]
    assert tagged_files(repo, "v1.0.0") == files_of(release)
    assert repo.tags == {"v1.0.0": repo.head}


def test_a_run_that_died_between_commit_and_tag_is_finished_by_the_next(hub_server: HubServer, tmp_path: Path) -> None:
    release = make_release(tmp_path)
    hub_server.faults = [Fault("/tag/", 403)]
    assert "answered 403" in refusal(release)
    repo = hub_server.repos[REPO]
    committed = repo.head
    assert repo.tags == {}
    outcome = publish(release)
    assert (outcome.is_new, outcome.commit) == (True, committed)
    assert (repo.tags, repo.head) == ({"v1.0.0": committed}, committed)


@pytest.mark.parametrize(
    ("path_part", "status", "expected"),
    [
        ("/repos/create", 500, "answered 500"),
        ("/commit/", 403, "answered 403 for org/cot: staged 403 - use a token that may write"),
        ("/commit/", 507, "answered 507 for org/cot: staged 507 - the account's storage on the Hub is full"),
        ("/commit/", 429, "wait some minutes"),
        ("/refs", 404, "answered 404 for org/cot: staged 404 - check --repo"),
        ("/large/", 400, "Error while uploading"),
    ],
)
def test_what_the_hub_refuses(
    hub_server: HubServer, tmp_path: Path, path_part: str, status: int, expected: str
) -> None:
    hub_server.faults = [Fault(path_part, status)] * 2
    assert expected in refusal(make_release(tmp_path))
    assert all(not repo.tags and not commits_of(repo) for repo in hub_server.repos.values())


def test_a_full_account_is_not_a_wrong_token(hub_server: HubServer, tmp_path: Path) -> None:
    hub_server.faults = [Fault("/commit/", 403, says="You have reached your private storage quota")]
    message = refusal(make_release(tmp_path))
    assert "storage on the Hub is full" in message
    assert "token" not in message


def test_a_wrong_key_is_refused_and_never_shown(hub_server: HubServer, tmp_path: Path) -> None:
    release = make_release(tmp_path)
    hub_server.token = "hf_right"
    wrong = HubTarget(token=SecretStr("hf_wrong"))
    message = refusal(release, wrong)
    assert "answered 401" in message
    assert "HF_TOKEN" in message
    assert "hf_wrong" not in message + repr(wrong) + wrong.model_dump_json()
    assert publish_release(release, HERE, HubTarget(token=SecretStr("hf_right"))).is_new


def test_a_hub_that_repeats_the_key_does_not_get_it_into_a_message(hub_server: HubServer, tmp_path: Path) -> None:
    hub_server.faults = [Fault("/repos/create", 400, says="Bad token hf_secret")]
    message = refusal(make_release(tmp_path), HubTarget(token=SecretStr("hf_secret")))
    assert "Bad token ***" in message
    assert "hf_secret" not in message


def test_a_hub_that_is_down(hub_server: HubServer, tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound but not listening: a connection is refused
        down = HubTarget(endpoint=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert "Cannot reach the Hub at http://127.0.0.1" in refusal(make_release(tmp_path), down)


def test_a_release_is_private_unless_told_otherwise(hub_server: HubServer, tmp_path: Path) -> None:
    release = make_release(tmp_path)
    assert publish(release).visibility == "private"
    repo = hub_server.repos[REPO]
    assert repo.is_private
    # Told so later, the repository is opened with what it holds; nothing is sent twice.
    outcome = publish_release(release, Repository(name=REPO, public=True), HubTarget())
    assert (outcome.visibility, outcome.is_new, repo.is_private) == ("public", False, False)
    assert "is public and the release is to be private" in refusal(make_release(tmp_path, "v1.1.0"))
    assert commits_of(repo) == ["sums v1.0.0"]
    assert publish_release(release, Repository(name="org/new", public=True, create=True), HubTarget()).is_new
    assert not hub_server.repos["org/new"].is_private


def test_a_repository_that_does_not_exist_is_named_and_asked_for(hub_server: HubServer, tmp_path: Path) -> None:
    release = make_release(tmp_path)
    wanted = Repository(name="org/misspelt")
    message = refusal(release, repository=wanted)
    assert "org/misspelt does not exist" in message
    assert "--create makes it, private" in message
    questions: list[str] = []

    def answers_no(question: str) -> bool:
        questions.append(question)
        return False

    with pytest.raises(PublishError):
        publish_release(release, wanted, HubTarget(), answers_no)
    assert questions == [f"org/misspelt does not exist at {hub_server.endpoint}. Make it, private?"]
    assert hub_server.repos == {}
    assert publish_release(release, wanted, HubTarget(), lambda _: True).is_new
    assert hub_server.repos["org/misspelt"].is_private


def test_a_gated_repository(hub_server: HubServer, tmp_path: Path) -> None:
    gated = Repository(name=REPO, public=True, gated="manual", create=True)
    publish_release(make_release(tmp_path), gated, HubTarget())
    assert (hub_server.repos[REPO].gated, hub_server.repos[REPO].is_private) == ("manual", False)
    publish_release(make_release(tmp_path, "v1.1.0"), Repository(name=REPO, public=True), HubTarget())
    assert hub_server.repos[REPO].gated == "manual"  # what nobody speaks of stays


def test_the_rate_limit_is_waited_for(hub_server: HubServer, tmp_path: Path) -> None:
    hub_server.faults = [Fault("/commit/", 429, retry_after="1")]
    publish(make_release(tmp_path))
    assert commits_of(hub_server.repos[REPO]) == ["sums v1.0.0"]
    hub_server.faults = [Fault("/commit/", 429, retry_after="3600")]  # nobody waits for an hour without a word
    assert "wait some minutes" in refusal(make_release(tmp_path, "v1.1.0"))


def test_the_published_card_names_its_repository(hub_server: HubServer, tmp_path: Path) -> None:
    release = make_release(tmp_path)
    card = (release / "README.md").read_text()
    (release / "README.md").write_text(f"{card}\n\n## How to load it\n\n`PATH` is here.\n\n## Funnel\n\nNumbers.\n")
    write_manifest(release, {"sft": 3, "rl": 3})
    kept = files_of(release)
    publish(release)
    repo = hub_server.repos[REPO]
    sent = tagged_files(repo, "v1.0.0")
    named = sent["README.md"].decode()
    assert f'load_dataset("{REPO}", "sft", split="train", revision="v1.0.0")' in named
    assert "PATH" not in named
    assert named.endswith("## Funnel\n\nNumbers.\n")
    # The manifest that is published lists the card that is; the folder stays what was released.
    assert files_of(release) == kept
    copy = tmp_path / "copy"
    for name, data in sent.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(data)
    assert open_release(copy).manifest.rows_sha == open_release(release).manifest.rows_sha
    before = repo.head
    assert not publish(release).is_new
    assert repo.head == before


def test_a_repository_that_hides_files_gets_no_tag(hub_server: HubServer, tmp_path: Path) -> None:
    repo = hub_server.repos[REPO] = HubRepo(REPO, is_private=True)
    repo.commit("ignore", {".gitignore": b"contract.json"}, [])
    message = refusal(make_release(tmp_path))
    assert "does not hold contract.json as released" in message
    assert ".gitignore" in message
    assert repo.tags == {}


def test_a_card_that_the_hub_refuses(hub_server: HubServer, tmp_path: Path) -> None:
    release = make_release(tmp_path)
    (release / "README.md").write_text("no front matter")
    write_manifest(release, {"sft": 3, "rl": 3})
    assert "Invalid metadata in README.md" in refusal(release)
    assert commits_of(hub_server.repos[REPO]) == []


@pytest.mark.parametrize(
    "name",
    ["cot", "a/b/c", "org/c ot", "../cot", "", "org/a--b", "org/cot.git", f"org/{'x' * 100}", "http://h/org/cot"],
)
def test_a_repository_is_org_and_name(hub_server: HubServer, tmp_path: Path, name: str) -> None:
    wanted = Repository(name=name, create=True)
    assert "expected org/name" in refusal(make_release(tmp_path), repository=wanted, exit_code=2)
    assert hub_server.calls == []
