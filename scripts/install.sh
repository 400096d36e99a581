#!/usr/bin/env bash
# Builds the library and the program for any x86-64 processor, whatever this machine has, and
# installs both. Arguments after the folder go to CMake.
#
#   scripts/install.sh PREFIX
set -euo pipefail
prefix=$(realpath -m "${1:?usage: scripts/install.sh PREFIX}")
shift
cd "$(dirname "$0")/.."

scripts/setup.sh
cmake --preset portable "$@"
cmake --build --preset portable
cmake --install build/portable --prefix "$prefix"
