#!/bin/sh
# Build the sandbox image where there is no registry: a Debian root from an apt mirror, imported as the base.
# Usage: build_offline_image.sh [TAG]     needs root, mmdebstrap and a running engine
set -eu
tag=${1:-cotfactory-sandbox:latest}
suite=bookworm
base=cotfactory-sandbox-base:$suite
here=$(cd "$(dirname "$0")" && pwd)
# Imported from a file, not a pipe: sh does not see that the left end of a pipe failed.
rootfs=$(mktemp --suffix=.tar)
trap 'rm -f "$rootfs"' EXIT
mmdebstrap --variant=minbase --include=python3,python3-numpy "$suite" "$rootfs"
docker import "$rootfs" "$base"
# The legacy builder takes a local base image as it is; BuildKit would ask a registry for it.
DOCKER_BUILDKIT=0 docker build --build-arg BASE="$base" --tag "$tag" "$here"
