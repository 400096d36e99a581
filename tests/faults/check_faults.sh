#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A tiny run in which one call to the system fails, for one call after the other: it ends with exit code 0, 1 or 2 and at most
# one line of error, never by a signal and never not at all; and after it the run can be resumed, or begun, and ends in
# the weights of the run that nothing has happened to.
#
#   check_faults.sh PROGRAM PRELOAD FOLDER MOST     MOST: how many calls of each kind fail at most; all: 0
set -euo pipefail
program=$1 preload=$2 folder=$3 most=$4
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
head -c 4000 /usr/share/common-licenses/GPL-3 > text.txt
options=(--data text.txt --layers 1 --heads 2 --width 8 --context 8 --batch 2 --micro-batches 3 --threads 2
  --steps 12 --checkpoint-every 4 --keep 2 --sample-tokens 0 --trace-ring 1)

digest() { "$program" digest "$1" | sort; }
"$program" train "${options[@]}" --out whole > /dev/null
expected=$(digest whole)

failed=0
complain() {
  echo "check_faults: $1" >&2
  failed=1
}

check() {
  local call=$1 nth=$2
  rm -rf run
  local code=0
  FAULT_CALL=$call FAULT_NTH=$nth LD_PRELOAD=$preload timeout --kill-after=5 60 \
    "$program" train "${options[@]}" --out run > out.txt 2> err.txt || code=$?
  case $code in
    0 | 1 | 2) ;;
    124 | 137) complain "$call $nth: never ended" ;;
    *) complain "$call $nth: ended with $code: $(tail -1 err.txt)" ;;
  esac
  if [ "$(wc -l < err.txt)" -gt 1 ]; then
    complain "$call $nth: said more than a line: $(head -2 err.txt)"
  fi
  if [ -e run/run.json ]; then
    "$program" train --resume --out run > out.txt 2> err.txt || complain "$call $nth: cannot be resumed: $(cat err.txt)"
  else
    rm -rf run
    "$program" train "${options[@]}" --out run > out.txt 2> err.txt || complain "$call $nth: cannot be begun: $(cat err.txt)"
  fi
  [ "$(digest run)" = "$expected" ] || complain "$call $nth: ended in other weights"
}

for call in write fsync rename mmap thread memory; do
  rm -rf run
  FAULT_CALL=$call FAULT_NTH=0 FAULT_COUNT=$PWD/count.txt LD_PRELOAD=$preload \
    "$program" train "${options[@]}" --out run > /dev/null
  count=$(cat count.txt)
  stride=1
  if [ "$most" -gt 0 ] && [ "$count" -gt "$most" ]; then
    stride=$(((count + most - 1) / most))
  fi
  tried=0
  for ((nth = 1; nth <= count; nth += stride)); do
    check "$call" "$nth"
    tried=$((tried + 1))
  done
  echo "$call: $tried of $count calls failed"
done
exit $failed
