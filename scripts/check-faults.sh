#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Has every single call to the system fail that a tiny run makes: writes, renames, threads and, some 40,000 of them,
# requests for memory. Takes an hour; the tests try some of each kind.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh "$@"
build=$PWD/build/release
ninja -C "$build" nodezero fail_nth_call library_host
folder=$(mktemp -d -p /dev/shm) # where a run waits for no disk
trap 'rm -rf "$folder"' EXIT
tests/faults/check_faults.sh "$build/nodezero" "$build/tests/faults/libfail_nth_call.so" "$folder/runs" 0 0 "$(nproc)"
tests/faults/check_library.sh "$build/tests/faults/library_host" "$build/tests/faults/libfail_nth_call.so" 0 "$(nproc)"
