#!/bin/sh
# Set everything up and run the main job on the offline demo. Arguments go to `cotfactory run`.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec .venv/bin/cotfactory run "$@"
