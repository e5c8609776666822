#!/bin/sh
# Build sdist and wheel into dist/, with what is in them written down beside: dist/SHA256SUMS, the hash of each, and
# dist/cotfactory.cdx.json, a CycloneDX bill of materials of all packages of requirements.lock with their hashes.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
rm -rf dist
.venv/bin/python -m hatchling build
# In an environment of its own, for it must not change what it lists.
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
${PYTHON:-python3} -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: cyclonedx-bom==7.5.0
"$tools/bin/cyclonedx-py" requirements --pyproject pyproject.toml --output-reproducible --of JSON \
    -o dist/cotfactory.cdx.json requirements.lock
(cd dist && sha256sum -- *.tar.gz *.whl *.cdx.json >SHA256SUMS && cat SHA256SUMS)
