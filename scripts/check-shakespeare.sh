#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Trains the preset shakespeare-cpu with three seeds and prints the loss over the whole
# validation part of each, and their mean. A few minutes on two cores.
#
#   scripts/check-shakespeare.sh TEXT [OPTION OF TRAIN...]      (such as --precision bf16)
#
# NODEZERO may name another program than build/release/nodezero.
set -euo pipefail
text=${1:?usage: scripts/check-shakespeare.sh TEXT [OPTION OF TRAIN...]}
shift
program=${NODEZERO:-$(dirname "$0")/../build/release/nodezero}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sum=0
for seed in 1337 1338 1339; do
  "$program" train --preset shakespeare-cpu --data "$text" --seed $seed \
    --out "$folder/$seed" "$@" >/dev/null
  loss=$("$program" eval --model "$folder/$seed" --split validation --json | sed 's/.*"loss":\([0-9.]*\).*/\1/')
  echo "seed $seed: $loss"
  sum=$(awk -v a="$sum" -v b="$loss" 'BEGIN { print a + b }')
done
awk -v s="$sum" 'BEGIN { printf "mean: %.4f\n", s / 3 }'
