#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Compiles every header of the project alone, also those that the build has compiled as the first of
# their source: there, headers of other projects are precompiled, and one that is missing is not missed.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
cmake --preset release
cmake --build --preset release --target headers_compile_alone headers_of_sources_compile_alone
