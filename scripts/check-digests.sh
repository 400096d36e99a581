#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Shows that the bits of a run depend on nothing that they should not: every combination of
# spheres, threads and routing, caller's OpenMP settings, and runs that are killed with
# SIGKILL at random times (while saving, too) and resumed; then the run of --preset reference in every
# precision, at every level of kernels, against reference/nodezero.cpp as g++ and clang++ compile it,
# and for aarch64. Prints one line a run and fails at the first digest that differs. Some ten
# minutes on two cores.
#
#   scripts/check-digests.sh [PROGRAM] [KILLS]
set -euo pipefail
source=$(realpath "$(dirname "$0")/..")
program=$(realpath "${1:-$source/build/release/nodezero}")
kills=${2:-20}
text=/usr/share/common-licenses/GPL-3
[ -x "$program" ] || { echo "check-digests: build first: scripts/build.sh" >&2; exit 2; }
[ -f "$text" ] || { echo "check-digests: $text is missing" >&2; exit 2; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
common=(--data "$text" --layers 2 --heads 2 --width 16 --context 16 --batch 1
  --micro-batches 160 --epochs 1 --validation 0.1)

digests_of() { "$program" digest "$1" | sha256sum; }
train() { "$program" train "${common[@]}" "$@" >/dev/null; }
compare() {  # RUN DESCRIPTION
  local digest
  digest=$(digests_of "$1")
  if [ "$digest" != "$expected" ]; then
    echo "DIFFERS: $2" >&2
    exit 1
  fi
  echo "same: $2"
  rm -rf "$1"
}

train --out "$folder/first" --spheres 1 --threads 1
expected=$(digests_of "$folder/first")

for spheres in 1 2 3 5 12 13 24 144 157; do
  for threads in 1 2 4; do
    for routing in balanced dominant round-robin; do
      train --out "$folder/run" --spheres $spheres --threads $threads --routing $routing
      compare "$folder/run" "$spheres spheres, $threads threads, $routing"
    done
  done
done
OMP_NUM_THREADS=4 train --out "$folder/run" --spheres 3
compare "$folder/run" "OMP_NUM_THREADS=4"
train --out "$folder/run" --prompt "This License" --inference-policy wait
compare "$folder/run" "with inference"

for ((i = 1; i <= kills; ++i)); do
  "$program" train "${common[@]}" --out "$folder/run" --checkpoint-every 1 --keep 2 >/dev/null 2>&1 &
  running=$!
  # From before the first checkpoint until near the end.
  sleep "$(awk -v r=$RANDOM 'BEGIN { print 0.02 + 0.6 * r / 32768 }')"
  kill -KILL $running 2>/dev/null || true
  wait $running 2>/dev/null || true
  "$program" train "${common[@]}" --out "$folder/run" --resume --spheres $((1 + i % 20)) >/dev/null
  compare "$folder/run" "killed and resumed, time $i"
done

page=$source/reference/nodezero.cpp
SPHERES="1 3 13" THREADS="1 2" "$source/tests/reference/check_page.sh" same "$program" "$page"
for check in "caught $page" "compilers $page" "aarch64 $page $source"; do
  WHOLE=1 "$source/tests/reference/check_page.sh" $check || [ $? = 77 ]
done
echo "all digests are the same"
