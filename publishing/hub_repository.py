"""The repository that a release goes to: it exists, and nobody sees it who should not."""

from collections.abc import Callable
from typing import Literal

from huggingface_hub import DatasetInfo, HfApi
from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError
from huggingface_hub.utils._validators import validate_repo_id

from cotfactory.schemas.errors import InputError, PublishError
from cotfactory.schemas.record import Record
from cotfactory.schemas.release_rules import Gated

Ask = Callable[[str], bool]
"""Asks a person a yes-or-no question."""


class Repository(Record):
    """A dataset repository `org/name`: whether everybody may read it, who lets readers in, and whether to make it.

    `gated` is `auto` (whoever asks is let in), `manual` (its owner decides), None to leave that as it is.
    """

    name: str
    public: bool = False
    gated: Gated | None = None
    create: bool = False

    @property
    def visibility(self) -> Literal["public", "private"]:
        """The Hub's word for who may read it."""
        return "public" if self.public else "private"


def refuse_no_name(name: str) -> None:
    """Raise InputError for what can be the name of no repository on the Hub."""
    try:
        validate_repo_id(name)
        is_one = name.count("/") == 1
    except HFValidationError:
        is_one = False
    if not is_one:
        raise InputError(f"Unknown repository {name!r}: expected org/name", "fix --repo or `release: {repo: ...}`")


def open_repository(api: HfApi, wanted: Repository, ask: Ask | None) -> None:
    """See that the repository is there, and private unless it is to be public; nothing is sent.

    One that does not exist is made if `wanted.create` says so, or `ask` (None where nobody can be asked) is answered
    with yes. Raises PublishError for one that does not exist otherwise, and for one that everybody reads already
    where the release is not to be public; what the Hub's library raises is not caught.
    """
    found = _info(api, wanted.name)
    if found is None:
        question = f"{wanted.name} does not exist at {api.endpoint}. Make it, {wanted.visibility}?"
        if not wanted.create and (ask is None or not ask(question)):
            raise PublishError(
                f"{wanted.name} does not exist at {api.endpoint}, or the token may not see it: nothing was sent",
                f"check its name; --create makes it, {wanted.visibility}",
            )
        api.create_repo(wanted.name, repo_type="dataset", private=not wanted.public, exist_ok=True)
        found = api.dataset_info(wanted.name)
    if not wanted.public and not found.private:
        raise PublishError(
            f"{wanted.name} is public and the release is to be private: nothing was sent",
            "make the repository private on the Hub, or say that everybody may read it: --public, or "
            "`release: {public: true}`",
        )
    if wanted.gated is not None and found.gated != wanted.gated:
        api.update_repo_settings(wanted.name, repo_type="dataset", gated=wanted.gated)


def make_public(api: HfApi, wanted: Repository) -> None:
    """Let everybody read a repository that is to be public, with all versions that it holds."""
    if wanted.public and api.dataset_info(wanted.name).private:
        api.update_repo_settings(wanted.name, repo_type="dataset", private=False)


def _info(api: HfApi, name: str) -> DatasetInfo | None:
    try:
        return api.dataset_info(name)
    except RepositoryNotFoundError as error:
        if error.response.status_code != 404:  # the Hub answers 401 where it does not know who asks
            raise
        return None
