#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Measures what it costs to be two machines: the same run by one process with two lanes and by two processes
# with one lane each, on the same two cores, with TLS. Each machine is a network namespace, whose counters say
# what crossed. Needs root, for the namespaces, and a machine that does nothing else.
#
#   scripts/measure-hosts.sh [PROGRAM] A|B|C64|kill|many...
#
# A, B and C64 print the seconds of a step, how much of the speed is left, what the bytes and 1.8 CPU seconds per GB
# let one expect, and the bytes that a machine sent per step against 2 (H - 1) / H times its gradient.
# kill prints what a step costs in which one of three machines is killed.
# many prints the seconds of a step and what the root sent in it with 1, 8 and 64 hosts, which are processes on one
# machine and share these cores, and whether they end with one digest.
set -euo pipefail
source=$(realpath "$(dirname "$0")/..")
# shellcheck source=scripts/machines.sh
. "$source/scripts/machines.sh"
program=$source/build/release/nodezero
if [ -x "${1:-}" ]; then
  program=$(realpath "$1")
  shift
fi
text=/usr/share/common-licenses/GPL-3
folder=$(mktemp -d)
running=()
clean_up() {
  for process in "${running[@]}"; do kill -KILL "$process" 2>/dev/null || true; done
  remove_machines 3
  rm -rf "$folder"
}
trap clean_up EXIT

make_bridge || { echo "measure-hosts: needs root, for network namespaces" >&2; exit 1; }
make_machines 3
for ((i = 0; i < 60; ++i)); do cat "$text"; done >"$folder/text"
"$program" secret >"$folder/secret"

shape_of() {
  case $1 in
    A) echo "--layers 4 --heads 4 --width 128 --context 64 --batch 3 --micro-batches 16 --steps 300" ;;
    B | kill) echo "--layers 6 --heads 6 --width 384 --context 256 --batch 4 --micro-batches 16 --steps 8" ;;
    C64) echo "--layers 12 --heads 12 --width 768 --context 64 --batch 16 --micro-batches 16 --steps 3" ;;
    many) echo "--layers 1 --heads 2 --width 32 --context 16 --batch 1 --micro-batches 128 --steps 40" ;;
    *) echo "measure-hosts: A, B, C64, kill or many, not '$1'" >&2; exit 2 ;;
  esac
}
train() {  # SHAPE OUT OPTIONS...: its process is $root
  local shape=$1 out=$2
  shift 2
  # shellcheck disable=SC2046
  on 0 "$program" train --data "$folder/text" --out "$folder/$out" --validation 0 --dropout 0 \
    --checkpoint-every 0 $(shape_of "$shape") "$@" >"$folder/$out.log" 2>&1 &
  root=$!
  running+=("$root")
}
start_host() {  # MACHINE NUMBER
  local number=${2:-$1}
  on "$1" "$program" host --connect 10.77.0.1:4720 --secret "$folder/secret" --name "host-$number" \
    --threads 1 >"$folder/host-$number.log" 2>&1 &
  host[number]=$!
  running+=("$!")
}
wait_for_root() { wait "$root" || { tail -n 20 "$folder"/*.log >&2; exit 1; }; }
# Of the steps after the first fifth, in which memory and caches are cold.
median_seconds() {
  sed -n 's/.*"seconds":\([0-9.e-]*\).*/\1/p' "$folder/$1/metrics.jsonl" |
    awk '{ all[NR] = $1 } END { for (i = int(NR / 5) + 1; i <= NR; ++i) print all[i] }' | sort -g |
    awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}
sent_by() { (on "$1" cat /sys/class/net/link0/statistics/tx_bytes); }

compare() {  # SHAPE
  train "$1" one --threads 2
  wait_for_root
  train "$1" two --threads 1 --listen 10.77.0.1:4720 --secret "$folder/secret" --hosts 1
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
  train kill run --threads 1 --listen 10.77.0.1:4720 --secret "$folder/secret" --hosts 2
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

count_many() {
  local hosts number before sent steps digest expected=
  for hosts in 1 8 64; do
    train many run --threads 1 --listen 10.77.0.1:4720 --secret "$folder/secret" --hosts "$hosts"
    for ((number = 1; number <= hosts; ++number)); do start_host 1 "$number"; done
    while [ ! -s "$folder/run/metrics.jsonl" ]; do sleep 0.2; done
    before=$(wc -l <"$folder/run/metrics.jsonl")
    sent=$(sent_by 0)
    wait_for_root
    wait
    running=()
    sent=$(($(sent_by 0) - sent))
    steps=$(($(wc -l <"$folder/run/metrics.jsonl") - before))
    digest=$("$program" digest "$folder/run")
    expected=${expected:-$digest}
    echo "$hosts hosts: $(median_seconds run) s per step, the root sent $((sent / steps)) bytes in each, digests" \
      "$([ "$digest" = "$expected" ] && echo same || echo DIFFERENT)"
    rm -rf "$folder/run"
  done
}

for what in "$@"; do
  case $what in
    kill) kill_one ;;
    many) count_many ;;
    *) compare "$what" ;;
  esac
done
