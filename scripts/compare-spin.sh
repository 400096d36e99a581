#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The same two-phase commit in Spin and in the explorer: states, without and with reduction, and time.
# compare-spin.sh [PARTICIPANTS]; needs spin and a build of explore_compare.
set -euo pipefail
cd "$(dirname "$0")/.."
most=${1:-8}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp bench/commit.pml "$work"
compare=$PWD/build/release/bench/explore_compare
cd "$work"
for n in $(seq 3 "$most"); do
  : > deliveries.pml
  for i in $(seq 0 $((n - 1))); do
    echo "  :: d_step { prepare[$i] -> handle_prepare($i) } :: d_step { vote[$i] -> handle_vote($i) }" \
         ":: d_step { finish[$i] > 0 && !prepare[$i] -> handle_finish($i) }" >> deliveries.pml
  done
  spin -a -DN="$n" -DENOUGH="$n" commit.pml > /dev/null
  for reduce in -DNOREDUCE ""; do
    cc -O2 -DSAFETY $reduce -DMEMLIM=2000 -o pan pan.c 2> /dev/null
    seconds=$( { TIMEFORMAT=%U; time ./pan -w20 -m100000 > pan.txt; } 2>&1 )
    states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' pan.txt)
    printf '%2d participants  spin     %-6s %9d states  %s s\n' "$n" "${reduce:+all}" "$states" "$seconds"
  done
  "$compare" commit "$n"
done
