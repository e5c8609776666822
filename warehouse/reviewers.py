"""Who may review in a workspace: a pseudonym for each person, and the hash of the token in their link."""

import hashlib
import hmac
import secrets
from pathlib import Path

from cotfactory.schemas.record import Record
from cotfactory.warehouse.synced import append_line
from cotfactory.warehouse.workspace import Workspace

REVIEWERS = "reviewers.jsonl"


class Reviewer(Record):
    """A person who reviews. `name` stays in the workspace; reviews, cards and rows know the pseudonym alone.

    `token_sha256` is None for somebody whose answers came by a file, and for somebody who has left.
    """

    pseudonym: str
    name: str
    token_sha256: str | None


def reviewers(workspace: Workspace) -> list[Reviewer]:
    """Return everybody who reviews or ever did; of one name the line that was written last counts."""
    path = _path(workspace)
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return list({person.name: person for person in map(Reviewer.model_validate_json, lines)}.values())


def new_token(workspace: Workspace, name: str) -> tuple[Reviewer, str]:
    """Note a person, and return the token of their link; a link that the same person had before is worth nothing then.

    Raises OSError.
    """
    token = secrets.token_urlsafe(24)
    return _note(workspace, name, hashlib.sha256(token.encode()).hexdigest()), token


def without_link(workspace: Workspace, name: str) -> Reviewer:
    """Note a person who gets no link, or whose link is to be worth nothing from now on. Raises OSError."""
    known = next((person for person in reviewers(workspace) if person.name == name), None)
    return known if known is not None and known.token_sha256 is None else _note(workspace, name, None)


def reviewer_of(people: list[Reviewer], token: str) -> Reviewer | None:
    """Return whose token it is; None where it is nobody's."""
    given = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
    return next((person for person in people if hmac.compare_digest(person.token_sha256 or "", given)), None)


def _note(workspace: Workspace, name: str, token_sha256: str | None) -> Reviewer:
    known = reviewers(workspace)
    pseudonym = next((person.pseudonym for person in known if person.name == name), f"reviewer-{len(known) + 1}")
    person = Reviewer(pseudonym=pseudonym, name=name, token_sha256=token_sha256)
    _path(workspace).touch(mode=0o600)
    append_line(_path(workspace), person.model_dump_json())
    return person


def _path(workspace: Workspace) -> Path:
    return workspace.root / REVIEWERS
