"""Send a release to the Hugging Face Hub as one commit and one tag on it, or nothing."""

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, get_args

import httpx2
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError, RemoteEntryNotFoundError
from huggingface_hub.hf_api import RepoFile
from pydantic import SecretStr

from cotfactory.publishing.charts import CHARTS
from cotfactory.publishing.hub_errors import TRIES, told_as_publish_error, wait_asked_for
from cotfactory.publishing.hub_repository import Ask, Repository, make_public, open_repository, refuse_no_name
from cotfactory.publishing.listed_files import MANIFEST, FileToSend
from cotfactory.publishing.named_repository import named_after
from cotfactory.publishing.release_folder import OpenRelease, open_release
from cotfactory.schemas.errors import PublishError
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.record import Record
from cotfactory.schemas.release_rules import Product

logger = logging.getLogger(__name__)

FOLDERS = (*get_args(Product), "index", CHARTS)
"""The folders that a release writes: what lies there and is not of the release is of an older one."""
WAITS_AT_MOST_S = 900.0
"""The longest that is waited in all because the Hub limits the rate; its windows are five minutes."""


class HubTarget(Record):
    """The Hub to send to (None: as huggingface_hub would)."""

    endpoint: str | None = None
    token: SecretStr | None = None

    def api(self) -> HfApi:
        """Return the client of the Hub."""
        return HfApi(endpoint=self.endpoint, token=self.token.get_secret_value() if self.token else None)


class PublishOutcome(Record):
    """Where a release is now: the commit that its tag names. `is_new` is False when it was there already."""

    repo: str
    tag: str
    commit: str
    url: str
    is_new: bool
    visibility: Literal["public", "private"]

    def text(self) -> str:
        """Return where it is and who may read it, for people."""
        state = "published" if self.is_new else "was there already, nothing was sent"
        return f"{self.repo} {self.tag}: {state}, {self.visibility}\n{self.url} (commit {self.commit})"


def publish_release(release: Path, repository: Repository, hub: HubTarget, ask: Ask | None = None) -> PublishOutcome:
    """Send the release folder to the repository and tag the commit with its version.

    Card and manifest are sent as the repository's own: they name it. The commit adds what differs and deletes the data
    files of older releases; it is made only if the head is still the one that was looked at, else the head is read
    again. A run that died or lost its connection is simply repeated: a head that holds the release is tagged, a tag
    that holds the same `rows_sha` is left alone. A tag is never moved. What is to be public becomes so at the end.

    Raises `PublishError` for a release that is not fit to be sent (see `open_release`), a repository that is not as
    wanted (see `open_repository`), a version that is tagged with other rows, and what the Hub refuses; `InputError`
    for the name of a repository that is none.
    """
    refuse_no_name(repository.name)
    opened = open_release(release)
    _refuse_unverified(opened)
    api = hub.api()
    with told_as_publish_error(repository.name, api), TemporaryDirectory() as scratch:
        open_repository(api, repository, ask)
        outcome = _publish(api, repository, named_after(opened, repository.name, Path(scratch)))
        make_public(api, repository)
    return outcome


def _refuse_unverified(opened: OpenRelease) -> None:
    unverified = Recipe.model_validate_json(opened.manifest.recipe).release.unverified
    if unverified is not None:
        raise PublishError(
            f"{opened.manifest.name}@{opened.manifest.version} was made to learn from unverified chains "
            f"(release.unverified: {unverified}): expected verified ones",
            "such a release is for experiments on this machine; make one without the key",
        )


def prepare_repository(repository: Repository, hub: HubTarget, ask: Ask | None = None) -> None:
    """See that a release could be sent there; raises as `publish_release` does."""
    refuse_no_name(repository.name)
    api = hub.api()
    with told_as_publish_error(repository.name, api):
        open_repository(api, repository, ask)


def fetch_release(repo: str, tag: str, folder: Path, hub: HubTarget) -> None:
    """Fetch the manifest, the index and the rows of a published release into `folder`, as they were released.

    Raises `PublishError` when the Hub does not give them.
    """
    api = hub.api()
    with told_as_publish_error(repo, api):
        wanted = [MANIFEST, *(f"{name}/*.parquet" for name in FOLDERS)]
        api.snapshot_download(repo, repo_type="dataset", revision=tag, local_dir=folder, allow_patterns=wanted)


def _publish(api: HfApi, repository: Repository, opened: OpenRelease) -> PublishOutcome:
    tries_left, waited = TRIES, 0.0
    while True:
        try:
            return _publish_once(api, repository, opened)
        except (HfHubHTTPError, httpx2.TransportError) as error:
            wait = wait_asked_for(error)
            if wait is not None and waited + wait <= WAITS_AT_MOST_S:
                logger.warning("the Hub limits the rate: publishing goes on in %.0f s", wait)
                time.sleep(wait)
                waited += wait
                continue
            tries_left -= 1
            if not tries_left or not _is_open(error):
                raise


def _publish_once(api: HfApi, repository: Repository, opened: OpenRelease) -> PublishOutcome:
    """Look at the tag and the head, and do what is still to do."""
    repo, tag = repository.name, opened.manifest.version
    tagged = _commit_of_tag(api, repo, tag)
    if tagged is not None:
        _refuse_other_rows(api, repo, tagged, opened)
        return _outcome(api, repository, tag, tagged, is_new=False)
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
    return _outcome(api, repository, tag, head, is_new=True)


def _is_open(error: HfHubHTTPError | httpx2.TransportError) -> bool:
    """Whether to look again: somebody else was faster (409, 412), or the call may have arrived."""
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return status in (409, 412) or (status >= 500 and status != 507)  # 507: the storage is full, and stays so
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


def _outcome(api: HfApi, repository: Repository, tag: str, commit: str, *, is_new: bool) -> PublishOutcome:
    url = f"{api.endpoint}/datasets/{repository.name}/tree/{tag}"
    return PublishOutcome(
        repo=repository.name, tag=tag, commit=commit, url=url, is_new=is_new, visibility=repository.visibility
    )
