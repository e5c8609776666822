#!/bin/sh
# Make .venv with exactly the packages of requirements.lock, and cotfactory itself from this folder.
# Needs Python >= 3.11 with pip. Run it again at any time: it does only what is missing.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "cotfactory needs Python 3.11 or newer, and $python is $("$python" --version): set PYTHON=..." >&2
    exit 1
}
[ -x .venv/bin/python ] || "$python" -m venv --without-pip .venv
# The lock is whole: pip has nothing to resolve.
if ! cmp -s requirements.lock .venv/installed.lock; then
    echo "Installing the packages of requirements.lock into .venv (a few minutes the first time)" >&2
    "$python" -m pip --python .venv/bin/python install --quiet --disable-pip-version-check \
        --require-hashes --no-deps --only-binary :all: -r requirements.lock
    "$python" -m pip --python .venv/bin/python install --quiet --disable-pip-version-check \
        --no-deps --no-build-isolation --editable .
    cp requirements.lock .venv/installed.lock
fi
