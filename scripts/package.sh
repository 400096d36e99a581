#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Makes the Debian packages nodezero and libnodezero-dev, for any x86-64 processor, in
# build/package/packages. Arguments go to CMake.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
cmake --preset package -DNODEZERO_BATCHES=ON "$@"
cmake --build --preset package
rm -rf build/package/packages
cpack --config build/package/CPackConfig.cmake -B build/package/packages
