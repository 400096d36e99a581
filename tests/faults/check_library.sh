#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A host in whose process one request for memory fails, for one request after the other: no call hangs, nothing ends by
# a signal, and the trainer goes on, or says that it has failed and is restored.
#
#   check_library.sh HOST PRELOAD MOST [JOBS]     MOST: how many requests fail at most; all: 0
set -euo pipefail
host=$1 preload=$2 most=$3 jobs=${4:-1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

check_some() {
  local way=$1 count=$2 stride=$3 job=$4 failed=0 nth code
  for ((nth = 1 + job * stride; nth <= count; nth += jobs * stride)); do
    code=0
    timeout --kill-after=5 100 env FAULT_CALL=memory FAULT_NTH=$nth LD_PRELOAD="$preload" "$host" "$way" \
      > "out-$job.txt" 2>&1 || code=$?
    # glibc has no other answer where CAF's threads have something that is destroyed with them.
    if [ $code -ne 0 ] && ! grep -q "failed to register TLS destructor" "out-$job.txt"; then
      echo "check_library: way $way, $nth: ended with $code: $(tail -1 "out-$job.txt")" >&2
      failed=1
    fi
  done
  return $failed
}

all_failed=0
for way in 0 1; do
  FAULT_CALL=memory FAULT_NTH=0 FAULT_COUNT=$PWD/count.txt LD_PRELOAD=$preload "$host" $way
  count=$(cat count.txt)
  stride=1
  if [ "$most" -gt 0 ] && [ "$count" -gt "$most" ]; then
    stride=$(((count + most - 1) / most))
  fi
  parts=()
  for ((job = 0; job < jobs; ++job)); do
    check_some $way "$count" $stride $job &
    parts+=($!)
  done
  for part in "${parts[@]}"; do
    wait "$part" || all_failed=1
  done
  echo "way $way: $(((count + stride - 1) / stride)) of $count requests failed"
done
exit $all_failed
