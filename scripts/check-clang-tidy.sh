#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs clang-tidy with the checks of .clang-tidy over the sources of the library, the program and the
# verification. Any finding fails. Takes most of an hour on two cores; name files to check only those.
#
#   scripts/check-clang-tidy.sh [FILE...]
set -euo pipefail
cd "$(dirname "$0")/.."
command -v run-clang-tidy >/dev/null || { echo "check-clang-tidy: install clang-tidy" >&2; exit 2; }

# Clang cannot read the headers that GCC has precompiled.
cmake --preset release -B build/tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
[ $# -gt 0 ] || set -- "$PWD/(include|model|runtime|actors|verify|apps)/"
run-clang-tidy -quiet -p build/tidy -warnings-as-errors='*' "$@"
