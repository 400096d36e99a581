#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds the protocol with all mutants in it and asks all three searches about each, where the tests
# ask one, and none about the mutants in what several machines say to each other. Prints a table: what each mutant breaks, which search noticed it and after how much, and
# the rule that the shortest schedule breaks. Fails if one survives. Some minutes on two cores.
#
#   scripts/check-mutants.sh [--only NAME] [--diagrams]
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset release >/dev/null
cmake --build --preset release --target nodezero_mutants >/dev/null
build/release/verify/mutants/nodezero_mutants --all-modes "$@"
[[ " $* " == *" --only "* ]] || build/release/verify/mutants/nodezero_mutants --all-modes --machines "$@"
