#!/bin/sh
# Write requirements.lock, and the lock of each extra, from pyproject.toml; pins stay unless they must move. This is the way
# to change a dependency. Arguments go to uv: --upgrade-package NAME, or --upgrade for everything. Needs uv (pip install uv).
set -eu
cd "$(dirname "$0")/.."
uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
    --no-header --no-strip-extras --quiet -o requirements.lock "$@"
# Of an extra only what it adds: installed after the main lock, which holds everything else.
for extra in reasoning-gym ray; do
    uv pip compile pyproject.toml --extra "$extra" --universal --python-version 3.11 --generate-hashes \
        --no-header --no-strip-extras --quiet --constraint requirements.lock -o "$extra.whole.lock" "$@"
done
python3 - reasoning-gym ray <<'END'
import re
import sys
from pathlib import Path


def pins(lock: str) -> dict[str, str]:
    """Return the entries of a lock (name and version, marker, hashes), by that first line up to the hashes."""
    entries = re.split(r"(?m)^(?=[a-z0-9])", Path(lock).read_text("utf-8"))
    return {entry.partition(" \\\n")[0]: entry for entry in entries if "==" in entry}


names = {re.split(r"[\[=]", pin)[0] for pin in pins("requirements.lock")}
for extra in sys.argv[1:]:
    whole = pins(f"{extra}.whole.lock")
    added = [entry for pin, entry in whole.items() if re.split(r"[\[=]", pin)[0] not in names]
    Path(f"{extra}.lock").write_text("".join(added), "utf-8")
    Path(f"{extra}.whole.lock").unlink()
END
