#!/bin/sh
# Write requirements.lock and reasoning-gym.lock from pyproject.toml; pins stay unless they must move. This is the way to
# change a dependency. Arguments go to uv: --upgrade-package NAME, or --upgrade for everything. Needs uv (pip install uv).
set -eu
cd "$(dirname "$0")/.."
uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
    --no-header --no-strip-extras --quiet -o requirements.lock "$@"
# Of the extra only what it adds: installed after the main lock, which holds everything else.
uv pip compile pyproject.toml --extra reasoning-gym --universal --python-version 3.11 --generate-hashes \
    --no-header --no-strip-extras --quiet --constraint requirements.lock -o reasoning-gym.whole.lock "$@"
python3 - <<'END'
import re
from pathlib import Path


def pins(lock: str) -> dict[str, str]:
    """Return the entries of a lock (name and version, marker, hashes), by that first line up to the hashes."""
    entries = re.split(r"(?m)^(?=[a-z0-9])", Path(lock).read_text("utf-8"))
    return {entry.partition(" \\\n")[0]: entry for entry in entries if "==" in entry}


main, extra = pins("requirements.lock"), pins("reasoning-gym.whole.lock")
names = {re.split(r"[\[=]", pin)[0] for pin in main}
added = [entry for pin, entry in extra.items() if re.split(r"[\[=]", pin)[0] not in names]
Path("reasoning-gym.lock").write_text("".join(added), "utf-8")
Path("reasoning-gym.whole.lock").unlink()
END
