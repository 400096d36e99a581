#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A tiny run in which one call to the system fails, for one call after the other: it ends with exit code 0, 1 or 2 and at most
# one line of error, never by a signal and never not at all; every checkpoint that is there after it is whole; and the
# run can be resumed, or begun, and ends in the weights of the run that nothing has happened to.
#
#   check_faults.sh PROGRAM PRELOAD FOLDER MOST MEMORY [JOBS]
#     MOST, MEMORY: how many calls of each kind fail at most, and how many requests for memory; all: 0
#     JOBS: how many runs at a time, 1 if not given
set -euo pipefail
program=$1 preload=$2 folder=$3 most=$4 memory=$5 jobs=${6:-1}
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
head -c 4000 /usr/share/common-licenses/GPL-3 > text.txt
options=(--data "$PWD/text.txt" --layers 1 --heads 2 --width 8 --context 8 --batch 2 --micro-batches 3 --threads 2
  --steps 12 --sample-tokens 0 --trace-ring 1)
# What it has after each step. A run's first checkpoint is always there; a later one is left out where the one before is
# still being written.
mkdir -p steps
for ((step = 1; step <= 12; ++step)); do
  rm -rf whole
  "$program" train "${options[@]}" --checkpoint-every $step --keep 12 --out whole > /dev/null
  cp -r "whole/checkpoints/$(ls whole/checkpoints | sort -V | head -n 1)" steps
done
[ $(ls steps | wc -l) = 12 ] || { echo "check_faults: there is no checkpoint after every step" >&2 && exit 1; }
options+=(--checkpoint-every 4 --keep 2)

complain() {
  echo "check_faults: $1" >&2
  failed=1
}

# As in the run that nothing has happened to: every checkpoint, and the weights if the run is at its end.
compare() {
  local checkpoint file
  for checkpoint in run/checkpoints/step-*; do
    # A run that fails in its first step saves what it began with. What follows from that is compared.
    [ "${checkpoint##*-}" != 00000000 ] || continue
    [ -e "$checkpoint" ] || continue
    for file in model.safetensors optimizer.safetensors; do
      cmp -s "$checkpoint/$file" "../steps/${checkpoint##*/}/$file" ||
        complain "$1: $checkpoint/$file is not what was trained"
    done
  done
  [ -z "${2:-}" ] || cmp -s run/model.safetensors ../whole/model.safetensors || complain "$1: ended in other weights"
}

check() {
  local call=$1 nth=$2 code=0
  rm -rf run
  timeout --kill-after=5 60 env FAULT_CALL="$call" FAULT_NTH="$nth" LD_PRELOAD="$preload" \
    "$program" train "${options[@]}" --out run > out.txt 2> err.txt || code=$?
  case $code in
    0 | 1 | 2) ;;
    124 | 137) complain "$call $nth: never ended" ;;
    *) complain "$call $nth: ended with $code: $(tail -1 err.txt)" ;;
  esac
  if [ "$(wc -l < err.txt)" -gt 1 ]; then
    complain "$call $nth: said more than a line: $(head -2 err.txt)"
  elif [ $code -ne 0 ] && [ ! -s err.txt ]; then
    complain "$call $nth: ended with $code and said nothing"
  fi
  if [ "$call" = thread ] && [ $code -ne 0 ] && ! grep -q 'only [0-9]* of [0-9]* threads could be started' err.txt; then
    complain "$call $nth: does not say how many threads are wanted: $(cat err.txt)"
  fi
  compare "$call $nth" $([ $code -ne 0 ] || echo whole)
  if [ -e run/run.json ]; then
    "$program" train --resume --out run > out.txt 2> err.txt || complain "$call $nth: cannot be resumed: $(cat err.txt)"
  elif [ -e run ]; then # what is left is in nobody's way
    "$program" train "${options[@]}" --out run > out.txt 2> err.txt || complain "$call $nth: cannot be begun: $(cat err.txt)"
  else
    return 0
  fi
  compare "$call $nth, resumed" whole
}

# Every STRIDE-th call, of these every JOBS-th.
check_some() {
  local call=$1 count=$2 stride=$3 job=$4 nth
  failed=0
  mkdir -p "job-$job"
  cd "job-$job"
  for ((nth = 1 + job * stride; nth <= count; nth += jobs * stride)); do
    check "$call" "$nth"
  done
  return $failed
}

all_failed=0
for call in write fsync rename mmap thread memory; do
  rm -rf run
  FAULT_CALL=$call FAULT_NTH=0 FAULT_COUNT=$PWD/count.txt LD_PRELOAD=$preload \
    "$program" train "${options[@]}" --out run > /dev/null
  count=$(cat count.txt)
  [ "$count" -gt 0 ] || { echo "check_faults: no call of $call was seen" >&2 && exit 1; }
  limit=$most
  [ $call != memory ] || limit=$memory
  stride=1
  if [ "$limit" -gt 0 ] && [ "$count" -gt "$limit" ]; then
    stride=$(((count + limit - 1) / limit))
  fi
  parts=()
  for ((job = 0; job < jobs; ++job)); do
    check_some $call "$count" $stride $job &
    parts+=($!)
  done
  for part in "${parts[@]}"; do
    wait "$part" || all_failed=1
  done
  echo "$call: $(((count + stride - 1) / stride)) of $count calls failed"
done
exit $all_failed
