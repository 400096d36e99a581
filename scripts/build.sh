#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Sets up the machine and builds everything into build/release. Arguments go to CMake, such
# as -DNODEZERO_NATIVE=OFF for programs that run on other processors than this one.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
cmake --preset release -DNODEZERO_BATCHES=ON "$@"
cmake --build --preset release
