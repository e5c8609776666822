"""Card and manifest of a release as they are published: they name the repository that they lie in."""

import hashlib
import re
from pathlib import Path

from cotfactory.publishing.how_to_load import HEADING, how_to_load
from cotfactory.publishing.release_folder import CARD, MANIFEST, FileToSend, OpenRelease

SECTION = re.compile(rf"^{re.escape(HEADING)}\n.*?(?=^## )", re.MULTILINE | re.DOTALL)


def named_after(opened: OpenRelease, repo: str, scratch: Path) -> OpenRelease:
    """Return the release with a card that loads it from `repo`, and a manifest that lists that card.

    What differs is written into `scratch`. A card that names the repository already, or has no such section, stays.
    """
    card = opened.files[CARD].path.read_text("utf-8")
    section = how_to_load(opened.manifest, repo)
    named = SECTION.sub(lambda _: section, card, count=1)
    if named == card:
        return opened
    sent = _written(scratch / CARD, named)
    listed = tuple(
        file.model_copy(update={"bytes": sent.path.stat().st_size, "sha256": sent.sha256})
        if file.path == CARD
        else file
        for file in opened.manifest.files
    )
    manifest = opened.manifest.model_copy(update={"files": listed})
    told = _written(scratch / MANIFEST, manifest.model_dump_json(indent=1))
    return OpenRelease(manifest=manifest, files={**opened.files, CARD: sent, MANIFEST: told})


def _written(path: Path, text: str) -> FileToSend:
    path.write_text(text, "utf-8")
    return FileToSend(path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
