#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Makes and ends 1,000 trainers each of 8, 128, 256 and 1,024 lanes. A few minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
cmake --preset release
cmake --build --preset release --target embedding_tests
exec build/release/tests/embedding_tests --gtest_filter='*ManyLanes*' --gtest_repeat=20 --gtest_brief=1
