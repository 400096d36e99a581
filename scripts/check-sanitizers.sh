#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds with each of the sanitizers, or those that are named, and runs every test there.
#
#   scripts/check-sanitizers.sh [asan | tsan | ubsan]...
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
[ $# -gt 0 ] || set -- asan tsan ubsan
for preset; do
  cmake --preset "$preset" -DNODEZERO_BATCHES=ON
  cmake --build --preset "$preset"
  ctest --preset "$preset" --parallel "$(nproc)"
done
