#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Has every single call to the system fail that a tiny run makes: writes, renames, threads and, about 60,000 of them,
# requests for memory. Takes hours; the tests try a few of each kind.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh "$@"
build=$PWD/build/release
ninja -C "$build" nodezero fail_nth_call
exec tests/faults/check_faults.sh "$build/nodezero" "$build/tests/faults/libfail_nth_call.so" "$build/faults" 0
