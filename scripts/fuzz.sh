#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Searches with libFuzzer for files that a parser cannot stand, under AddressSanitizer and
# UndefinedBehaviorSanitizer, each parser for so many seconds. What it finds is in build/fuzz.
#
#   scripts/fuzz.sh [SECONDS] [PARSER]...     600 seconds and all parsers if not given
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-600}
shift || true
[ $# -gt 0 ] || set -- $(ls tests/fuzz/corpus)

scripts/setup.sh --fuzz
cmake -S . -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
  -DNODEZERO_FUZZ=ON -DNODEZERO_BATCHES=ON -DCMAKE_CXX_FLAGS_RELEASE="-O1 -g1" \
  -DCMAKE_CXX_FLAGS="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all"
cmake --build build/fuzz --target "${@/#/fuzz_}"
for parser; do
  mkdir -p "build/fuzz/found/$parser"
  (cd "build/fuzz/found/$parser" &&
    "../../tests/fuzz/fuzz_$parser" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 . \
      "../../../../tests/fuzz/corpus/$parser" 2>&1 | tail -12)
done
