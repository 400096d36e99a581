#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# From a bare machine to a trained model: sets up, builds, and trains on the licence texts
# that every Debian has, two epochs with three spheres. Arguments go to CMake.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh "$@"
rm -rf out/demo
exec build/release/nodezero train --preset demo --data /usr/share/common-licenses --out out/demo
