#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Sets up, builds and runs every test, with a browser for the page of traces. Arguments go to
# CMake.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh --browser ||
  echo "test: no browser could be installed, the tests of the trace's page will be skipped" >&2
scripts/build.sh "$@"
exec ctest --preset release --parallel "$(nproc)"
