#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# From a bare machine to a trained model: installs what is missing, builds the program alone, and
# trains it on the licence texts that every Debian has: two epochs with three spheres, in out/demo, or
# beside it if there is one already. Arguments go to CMake.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=out/demo
for ((number = 2; ; ++number)); do
  [ -e "$folder" ] || break
  folder=out/demo-$number
done
[ "$folder" = out/demo ] || echo "demo: out/demo is left as it is; this run goes into $folder"

scripts/setup.sh --program
cmake --preset release -DNODEZERO_BATCHES=ON -DNODEZERO_BUILD_TESTS=OFF -DNODEZERO_BUILD_BENCH=OFF \
  "$@"
cmake --build --preset release --target nodezero
exec build/release/nodezero train --preset demo --data /usr/share/common-licenses --out "$folder"
