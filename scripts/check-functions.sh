#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Compares the functions of docs/arithmetic.md with the C library's in a wider type for every float there is,
# with the kernels of every level that this processor has. About an hour on one core.
#
#   scripts/check-functions.sh [TEST PROGRAM]
set -euo pipefail
program=${1:-$(dirname "$0")/../build/release/tests/model_tests}
[ -x "$program" ] || { echo "check-functions: build first: scripts/build.sh" >&2; exit 2; }
NODEZERO_TEST_STRIDE=1 exec "$program" --gtest_filter='Functions.*'
