"""Card, `dataset_info.json` and manifest as they are published: they name the repository that they lie in."""

import hashlib
import re
from pathlib import Path

from cotfactory.publishing.how_to_load import HEADING, how_to_load
from cotfactory.publishing.listed_files import MANIFEST, FileToSend
from cotfactory.publishing.release_folder import CARD, OpenRelease
from cotfactory.publishing.trainer_files import DATASET_INFO, dataset_info
from cotfactory.schemas.manifest import ReleasedFile

SECTION = re.compile(rf"^{re.escape(HEADING)}\n.*?(?=^## )", re.MULTILINE | re.DOTALL)


def named_after(opened: OpenRelease, repo: str, scratch: Path) -> OpenRelease:
    """Return the release with files that load it from `repo`, and a manifest that lists these.

    What differs is written into `scratch`. A card that names the repository already, or has no such section, stays.
    """
    before = {name: opened.files[name].path.read_text("utf-8") for name in (CARD, DATASET_INFO) if name in opened.files}
    section = how_to_load(opened.manifest, repo)
    after = {CARD: SECTION.sub(lambda _: section, before[CARD], count=1)}
    if DATASET_INFO in before:
        after[DATASET_INFO] = dataset_info(opened.manifest, repo)
    sent = {name: _written(scratch / name, text) for name, text in after.items() if text != before[name]}
    if not sent:
        return opened
    listed = tuple(_as_sent(file, sent.get(file.path)) for file in opened.manifest.files)
    manifest = opened.manifest.model_copy(update={"files": listed})
    sent[MANIFEST] = _written(scratch / MANIFEST, manifest.model_dump_json(indent=1))
    return OpenRelease(manifest=manifest, files={**opened.files, **sent})


def _as_sent(listed: ReleasedFile, sent: FileToSend | None) -> ReleasedFile:
    if sent is None:
        return listed
    return listed.model_copy(update={"bytes": sent.path.stat().st_size, "sha256": sent.sha256})


def _written(path: Path, text: str) -> FileToSend:
    path.write_text(text, "utf-8")
    return FileToSend(path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
