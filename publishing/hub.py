"""Send a release to the Hugging Face Hub as one commit and one tag on it, or nothing."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import httpx2
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError, RemoteEntryNotFoundError
from huggingface_hub.hf_api import RepoFile
from pydantic import SecretStr

from cotfactory.publishing.charts import CHARTS
from cotfactory.publishing.release_folder import MANIFEST, FileToSend, OpenRelease, open_release
from cotfactory.schemas.errors import PublishError
from cotfactory.schemas.recipe import Product
from cotfactory.schemas.record import Record

FOLDERS = (*get_args(Product), "index", CHARTS)
"""The folders that a release writes: what lies there and is not of the release is of an older one."""
REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
TRIES = 5
"""How often the head is read when somebody else pushes, or when an answer was lost on its way."""

AGAIN = "publish again: what has arrived is not sent twice"
HINTS = {
    401: "set HF_TOKEN to a token that may write to this repository",
    403: "use a token that may write to this repository",
    404: "check --repo, and that the token may see the repository",
    412: f"somebody else pushed during each of {TRIES} tries: publish again in a quiet moment",
    429: "the Hub limits the rate: wait some minutes and publish again",
}


class HubTarget(Record):
    """The Hub to send to (None: as huggingface_hub would), and whether a new repository is private."""

    endpoint: str | None = None
    token: SecretStr | None = None
    private: bool = False


class PublishOutcome(Record):
    """Where a release is now: the commit that its tag names. `is_new` is False when it was there already."""

    repo: str
    tag: str
    commit: str
    url: str
    is_new: bool


def publish_release(release: Path, repo: str, hub: HubTarget) -> PublishOutcome:
    """Send the release folder to the dataset `repo` (org/name) and tag the commit with its version.

    The commit adds what differs and deletes the data files of older releases; it is made only if the head is
    still the one that was looked at, else the head is read again. A run that died or lost its connection is
    simply repeated: a head that holds the release is tagged, a tag that holds the same `rows_sha` is left
    alone. A tag is never moved.

    Raises `PublishError` for a release that is not fit to be sent (see `open_release`), a version that is
    tagged with other rows, a public repository where `private` is wanted, and what the Hub refuses.
    """
    opened = open_release(release)
    if not REPO.fullmatch(repo):
        raise PublishError(f"Unknown repository {repo!r}: expected org/name", "fix --repo")
    api = HfApi(endpoint=hub.endpoint, token=hub.token.get_secret_value() if hub.token else None)
    with _told_as_publish_error(repo, api):
        api.create_repo(repo, repo_type="dataset", private=hub.private or None, exist_ok=True)
        if hub.private and not api.dataset_info(repo).private:
            raise PublishError(
                f"{repo} is public and the release is to be private: nothing was sent",
                "make the repository private on the Hub, or publish without `private`",
            )
        return _publish(api, repo, opened)


def fetch_release(repo: str, tag: str, folder: Path, hub: HubTarget) -> None:
    """Fetch the manifest, the index and the rows of a published release into `folder`, as they were released.

    Raises `PublishError` when the Hub does not give them.
    """
    api = HfApi(endpoint=hub.endpoint, token=hub.token.get_secret_value() if hub.token else None)
    with _told_as_publish_error(repo, api):
        wanted = [MANIFEST, *(f"{name}/*.parquet" for name in FOLDERS)]
        api.snapshot_download(repo, repo_type="dataset", revision=tag, local_dir=folder, allow_patterns=wanted)


def _publish(api: HfApi, repo: str, opened: OpenRelease) -> PublishOutcome:
    for tries_left in reversed(range(TRIES)):
        try:
            return _publish_once(api, repo, opened)
        except (HfHubHTTPError, httpx2.TransportError) as error:
            if not tries_left or not _is_open(error):
                raise
    raise AssertionError("the last try returns or raises")


def _publish_once(api: HfApi, repo: str, opened: OpenRelease) -> PublishOutcome:
    """Look at the tag and the head, and do what is still to do."""
    tag = opened.manifest.version
    tagged = _commit_of_tag(api, repo, tag)
    if tagged is not None:
        _refuse_other_rows(api, repo, tagged, opened)
        return _outcome(api, repo, tag, tagged, is_new=False)
    head = str(api.dataset_info(repo).sha)
    operations = _operations(opened.files, _files_at(api, repo, head))
    if operations:
        head = api.create_commit(
            repo,
            operations,
            commit_message=f"{opened.manifest.name} {tag}",
            repo_type="dataset",
            parent_commit=head,
        ).oid
        _refuse_incomplete(api, repo, head, opened.files)
    api.create_tag(repo, tag=tag, revision=head, repo_type="dataset")
    return _outcome(api, repo, tag, head, is_new=True)


def _is_open(error: HfHubHTTPError | httpx2.TransportError) -> bool:
    """Whether to look again: somebody else was faster (409, 412), or the call may have arrived."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in (409, 412) or error.response.status_code >= 500
    return True


def _commit_of_tag(api: HfApi, repo: str, tag: str) -> str | None:
    tags = api.list_repo_refs(repo, repo_type="dataset").tags
    return next((ref.target_commit for ref in tags if ref.name == tag), None)


def _refuse_other_rows(api: HfApi, repo: str, commit: str, opened: OpenRelease) -> None:
    """Raise when the tagged commit holds other rows: a published version never changes."""
    with TemporaryDirectory() as folder:
        try:
            path = api.hf_hub_download(repo, MANIFEST, repo_type="dataset", revision=commit, local_dir=folder)
            published = json.loads(Path(path).read_bytes())["rows_sha"]
        except (RemoteEntryNotFoundError, ValueError, KeyError, TypeError):
            published = None
    if published != opened.manifest.rows_sha:
        raise PublishError(
            f"{repo} has the tag {opened.manifest.version} with rows_sha {published}: "
            f"expected {opened.manifest.rows_sha}, and a tag is never moved",
            "release the new rows under a new version",
        )


def _files_at(api: HfApi, repo: str, commit: str) -> dict[str, RepoFile]:
    entries = api.list_repo_tree(repo, recursive=True, revision=commit, repo_type="dataset")
    return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}


def _operations(
    files: Mapping[str, FileToSend], remote: Mapping[str, RepoFile]
) -> list[CommitOperationAdd | CommitOperationDelete]:
    """Return what turns the remote files into the release; nothing when they are it.

    Of what the release does not have, its own folders are cleared: a loader of `sft/*.parquet` would read it.
    """
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationAdd(path_in_repo=name, path_or_fileobj=file.path)
        for name, file in sorted(files.items())
        if name not in remote or not _is_same(file, remote[name])
    ]
    operations += [
        CommitOperationDelete(path_in_repo=name)
        for name in sorted(remote.keys() - files.keys())
        if name.split("/")[0] in FOLDERS
    ]
    return operations


def _is_same(file: FileToSend, remote: RepoFile) -> bool:
    if remote.lfs is not None:
        return remote.lfs.sha256 == file.sha256
    content = file.path.read_bytes()
    git_oid = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    return remote.blob_id == git_oid.hexdigest()


def _refuse_incomplete(api: HfApi, repo: str, commit: str, files: Mapping[str, FileToSend]) -> None:
    """Raise when a commit does not hold the release: a repository's .gitignore hides files without a word."""
    left = _operations(files, _files_at(api, repo, commit))
    if left:
        raise PublishError(
            f"The commit {commit} of {repo} does not hold {left[0].path_in_repo} as released: not tagged",
            "remove what hides it from the repository's .gitignore and publish again",
        )


def _outcome(api: HfApi, repo: str, tag: str, commit: str, *, is_new: bool) -> PublishOutcome:
    url = f"{api.endpoint}/datasets/{repo}/tree/{tag}"
    return PublishOutcome(repo=repo, tag=tag, commit=commit, url=url, is_new=is_new)


@contextmanager
def _told_as_publish_error(repo: str, api: HfApi) -> Iterator[None]:
    """Turn what the Hub's library raises into one message: what failed, what the Hub said, what to do."""
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        said = _short(error.server_message or error.response.reason_phrase, api)
        raise PublishError(
            f"The Hub at {api.endpoint} answered {status} for {repo}: {said}", HINTS.get(status, AGAIN)
        ) from error
    except (httpx2.TransportError, OSError) as error:
        raise PublishError(
            f"Cannot reach the Hub at {api.endpoint} for {repo}: {_short(str(error), api)}", AGAIN
        ) from error
    except RuntimeError as error:  # the end of an upload; its cause tells the signed address, so only its name
        said = f"{_short(str(error), api)} ({type(error.__cause__).__name__})"
        raise PublishError(f"Cannot send the release to {repo}: {said}", AGAIN) from error
    except ValueError as error:
        said = _short(str(error), api)
        raise PublishError(f"The Hub does not take the release to {repo}: {said}", "fix what it names") from error


def _short(text: str, api: HfApi) -> str:
    """Return a message of the Hub or its library on one line; a key that it repeats is not shown."""
    line = " ".join(text.split())
    if isinstance(api.token, str):
        line = line.replace(api.token, "***")
    return line if len(line) <= 300 else f"{line[:297]}..."
