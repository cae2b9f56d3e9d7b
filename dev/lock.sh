#!/bin/sh
# Writes the four locks from pyproject.toml: the services (images), those with the stack without
# Docker (./rengang up), those with what tests need, and those with the peers the matcher is
# measured beside (./rengang bench). Needs uv on the path; names no index, so
# any mirror serves. Give -U to raise versions.
set -eu
cd "$(dirname "$0")/.."
lock() {
    out=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-annotate --no-header "$@" pyproject.toml -o "$out"
}
lock requirements.lock --extra stack "$@"
lock requirements-services.lock -c requirements.lock
lock requirements-dev.lock --extra stack --extra dev -c requirements.lock
lock requirements-bench.lock --extra stack --extra dev --extra bench -c requirements-dev.lock "$@"
