#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds a project that has Node Zero as a subdirectory, with all of the library, and runs its
# programs. The test Install.subdirectory does the same with the objects that there are already.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
build=build/subdirectory
cmake -S tests/install/consumer -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DWAY=subdirectory \
  -DNODEZERO_SOURCE="$PWD" -DEXAMPLES="$PWD/examples"
cmake --build "$build"
cd "$build"
for program in cpp_host eigen_host c_host swarm; do
  "./$program"
done
