#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds the library and the program for any x86-64 processor, whatever this machine has, and
# installs both. Arguments after the folder go to CMake; -DNODEZERO_BUILD_APPS=OFF leaves the
# program out and takes half of the time.
#
#   scripts/install.sh PREFIX [CMAKE_ARGUMENT...]
set -euo pipefail
case "${1:-}" in
  '' | -*)
    echo "usage: scripts/install.sh PREFIX [CMAKE_ARGUMENT...]" >&2
    exit 2
    ;;
esac
prefix=$(realpath -m "$1")
shift
# Before the minutes of the build, not after them.
if ! { mkdir -p "$prefix" && [ -w "$prefix" ]; } 2>/dev/null; then
  echo "install: $prefix cannot be written; choose another folder, or run as root" >&2
  exit 2
fi
cd "$(dirname "$0")/.."

scripts/setup.sh
cmake --preset portable -DNODEZERO_BATCHES=ON "$@"
cmake --build --preset portable
cmake --install build/portable --prefix "$prefix"
