#!/usr/bin/env bash
# Sets up, builds and runs every test. Arguments go to CMake.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh "$@"
exec ctest --preset release --parallel "$(nproc)"
