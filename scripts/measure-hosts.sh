#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Measures what it costs to be two machines: the same run by one process with two lanes and by two processes
# with one lane each, on the same two cores, with TLS. Each machine is a network namespace, whose counters say
# what crossed. Needs root, for the namespaces, and a machine that does nothing else.
#
#   scripts/measure-hosts.sh [PROGRAM] A|B|C64|kill...
#
# A, B and C64 print the seconds of a step, how much of the speed is left, what the bytes and 1.8 CPU seconds per GB
# let one expect, and the bytes that a machine sent per step against 2 (H - 1) / H times its gradient.
# kill prints what a step costs in which one of three machines is killed.
set -euo pipefail
source=$(realpath "$(dirname "$0")/..")
program=$source/build/release/nodezero
if [ -x "${1:-}" ]; then
  program=$(realpath "$1")
  shift
fi
text=/usr/share/common-licenses/GPL-3
folder=$(mktemp -d)
id=nz$$
running=()
clean_up() {
  for process in "${running[@]}"; do kill -KILL "$process" 2>/dev/null || true; done
  for machine in 0 1 2 net; do ip netns del "$id-$machine" 2>/dev/null || true; done
  rm -rf "$folder"
}
trap clean_up EXIT

ip netns add "$id-net"
ip -n "$id-net" link add bridge type bridge
ip -n "$id-net" link set bridge up
for machine in 0 1 2; do
  ip netns add "$id-$machine"
  ip -n "$id-$machine" link set lo up
  ip -n "$id-$machine" link add link0 type veth peer name "port$machine" netns "$id-net"
  ip -n "$id-$machine" addr add "10.78.0.$((machine + 1))/24" dev link0
  ip -n "$id-$machine" link set link0 up
  ip -n "$id-net" link set "port$machine" master bridge up
done
for ((i = 0; i < 60; ++i)); do cat "$text"; done >"$folder/text"
"$program" secret >"$folder/secret"

shape_of() {
  case $1 in
    A) echo "--layers 4 --heads 4 --width 128 --context 64 --batch 3 --micro-batches 16 --steps 300" ;;
    B | kill) echo "--layers 6 --heads 6 --width 384 --context 256 --batch 4 --micro-batches 16 --steps 8" ;;
    C64) echo "--layers 12 --heads 12 --width 768 --context 64 --batch 16 --micro-batches 16 --steps 3" ;;
    *) echo "measure-hosts: A, B, C64 or kill, not '$1'" >&2; exit 2 ;;
  esac
}
train() {  # SHAPE OUT OPTIONS...: its process is $root
  local shape=$1 out=$2
  shift 2
  # shellcheck disable=SC2046
  ip netns exec "$id-0" "$program" train --data "$folder/text" --out "$folder/$out" --validation 0 --dropout 0 \
    --checkpoint-every 0 $(shape_of "$shape") "$@" >"$folder/$out.log" 2>&1 &
  root=$!
  running+=("$root")
}
start_host() {  # MACHINE
  ip netns exec "$id-$1" "$program" host --connect 10.78.0.1:4720 --secret "$folder/secret" --name "host-$1" \
    --threads 1 >"$folder/host-$1.log" 2>&1 &
  host[$1]=$!
  running+=("$!")
}
wait_for_root() { wait "$root" || { tail -n 20 "$folder"/*.log >&2; exit 1; }; }
# Of the steps after the first fifth, in which memory and caches are cold.
median_seconds() {
  sed -n 's/.*"seconds":\([0-9.e-]*\).*/\1/p' "$folder/$1/metrics.jsonl" |
    awk '{ all[NR] = $1 } END { for (i = int(NR / 5) + 1; i <= NR; ++i) print all[i] }' | sort -g |
    awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}
sent_by() { ip netns exec "$id-$1" cat /sys/class/net/link0/statistics/tx_bytes; }

compare() {  # SHAPE
  train "$1" one --threads 2
  wait_for_root
  train "$1" two --threads 1 --listen 10.78.0.1:4720 --secret "$folder/secret" --hosts 1
  start_host 1
  # What the state of the run took, which the host got before the first step, is not counted. Whoever looks more
  # often takes the time that is measured.
  while [ ! -s "$folder/two/metrics.jsonl" ]; do sleep 0.2; done
  local before sent after
  before=$(wc -l <"$folder/two/metrics.jsonl")
  sent=$(sent_by 0)
  wait_for_root
  wait
  running=()
  after=$(wc -l <"$folder/two/metrics.jsonl")
  sent=$(($(sent_by 0) - sent))
  local same=same
  [ "$("$program" digest "$folder/one")" = "$("$program" digest "$folder/two")" ] || same=DIFFERENT
  local parameters
  parameters=$(sed -n 's/.*: \([0-9]*\) parameters.*/\1/p' "$folder/host-1.log")
  awk -v shape="$1" -v one="$(median_seconds one)" -v two="$(median_seconds two)" -v p="$parameters" \
    -v bytes="$sent" -v steps=$((after - before)) -v same="$same" 'BEGIN {
      gradient = 4 * p
      printf "%s: %d parameters, %.4f s by one, %.4f s by two, %.3f of the speed (%.3f expected), digests %s\n",
        shape, p, one, two, one / two, one / (one + 1.8e-9 * gradient + 4e-4), same
      if (steps > 0)
        printf "%s: the root sent %.3f MB per step in %d steps, %.3f times the formula\n", shape, bytes / steps / 1e6,
          steps, bytes / steps / gradient
    }'
  rm -rf "$folder/one" "$folder/two"
}

kill_one() {
  train kill run --threads 1 --listen 10.78.0.1:4720 --secret "$folder/secret" --hosts 2
  start_host 1
  start_host 2
  while [ ! -e "$folder/run/metrics.jsonl" ] || (($(wc -l <"$folder/run/metrics.jsonl") < 5)); do sleep 0.2; done
  sleep 0.7
  kill -KILL "${host[1]}"
  wait_for_root
  wait || true
  running=()
  grep -h 'lost' "$folder/run.log"
  echo "seconds of the steps: $(sed -n 's/.*"seconds":\([0-9.]*\).*/\1/p' "$folder/run/metrics.jsonl" | tr '\n' ' ')"
}

for what in "$@"; do
  if [ "$what" = kill ]; then kill_one; else compare "$what"; fi
done
