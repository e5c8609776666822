#!/bin/sh
# Build the sandbox image where there is no registry: a Debian root from an apt mirror, imported as the base.
# Usage: build_offline_image.sh [TAG [TARGET [PACKAGES [MIRROR]]]]     needs root, mmdebstrap and a running engine
# TARGET is python, or languages with g++ and node; PACKAGES are further Debian packages: default-jdk-headless,golang-go,rustc
# MIRROR is whence the packages come (default: apt's own); that of a dated snapshot gives the same ones on any day.
set -eu
tag=${1:-cotfactory-sandbox:latest}
target=${2:-python}
suite=bookworm
# As the Dockerfile's own list: what programs of contests and of benchmarks import.
packages=python3,python3-numpy,python3-scipy,python3-pandas,python3-sympy,python3-networkx,python3-sortedcontainers,python3-pytest
if [ "$target" = languages ]; then packages=$packages,g++,nodejs; fi
if [ -n "${3:-}" ]; then packages=$packages,$3; fi
base=cotfactory-sandbox-base:$suite-$target
here=$(cd "$(dirname "$0")" && pwd)
# Imported from a file, not a pipe: sh does not see that the left end of a pipe failed.
rootfs=$(mktemp --suffix=.tar)
trap 'rm -f "$rootfs"' EXIT
mmdebstrap --variant=minbase --include="$packages" "$suite" "$rootfs" ${4:+"$4"}
docker import "$rootfs" "$base"
# The legacy builder takes a local base image as it is; BuildKit would ask a registry for it.
DOCKER_BUILDKIT=0 docker build --build-arg BASE="$base" --target "$target" --tag "$tag" "$here"
