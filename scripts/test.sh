#!/bin/sh
# Set everything up and run all checks: lint, format, types, import layers, tests. Arguments go to pytest.
# Tests that need a Docker engine are skipped where there is none, except in CI (CI=true), where they fail.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
bin=.venv/bin
$bin/ruff check .
$bin/ruff format --check .
$bin/lint-imports --no-cache
$bin/mypy
exec $bin/pytest "$@"
