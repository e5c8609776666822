#!/bin/sh
# Set everything up and run all checks: lint, format, types, import layers, documentation, tests. Arguments go to pytest.
# --changed [BASE]: of the tests only those that the change since BASE (default: the last commit) calls for.
# Tests that need a Docker engine are skipped where there is none, except in CI (CI=true), where they fail.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
bin=.venv/bin
# reasoning-gym is an extra: one of its puzzle libraries has to be compiled. Without a C compiler its tests are skipped.
if command -v cc >/dev/null && ! cmp -s reasoning-gym.lock .venv/reasoning-gym.lock; then
    install="${PYTHON:-python3} -m pip --python $bin/python install --quiet --disable-pip-version-check --require-hashes --no-deps"
    $install --only-binary :all: -r build.lock
    $install --only-binary :all: --no-binary cellpylib,pycosat,zss --no-build-isolation -r reasoning-gym.lock
    cp reasoning-gym.lock .venv/reasoning-gym.lock
fi
$bin/ruff check .
$bin/ruff format --check .
$bin/lint-imports --no-cache
$bin/mypy
NO_MKDOCS_2_WARNING=1 $bin/mkdocs build --strict --quiet
# Two workers: a file stays on one of them, so that its tests share what they set up. In the order of the
# folders: those whose files take long are not among the last.
if [ "${1:-}" = --changed ]; then
    # No path of ours has a space in it.
    # shellcheck disable=SC2046
    set -- $($bin/python scripts/changed_tests.py "${2:-HEAD}")
fi
exec $bin/pytest -n 2 --dist loadgroup --no-loadscope-reorder "$@"
