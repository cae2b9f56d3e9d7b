#!/bin/sh
# Writes the two locks from pyproject.toml. Needs uv on the path; names no index, so any mirror serves.
set -eu
cd "$(dirname "$0")/.."
uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-annotate --no-header pyproject.toml -o requirements.lock "$@"
uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-annotate --no-header --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock "$@"
