#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Measures what it costs to be two machines: the same run by one process with two lanes and by two processes
# with one lane each, on the same two cores, with TLS. Each machine is a network namespace, whose counters say
# what crossed. Needs root, for the namespaces, and a machine that does nothing else.
#
#   scripts/measure-hosts.sh [PROGRAM] A|B|C64|slow|join|kill|many|faults|idle|attacks...
#
# A, B and C64 print the seconds of a step, how much of the speed is left, what the bytes and 1.8 CPU seconds per GB
# let one expect, and the bytes that a machine sent per step against 2 (H - 1) / H times its gradient.
# slow prints the seconds of a step of A, and the bytes that a machine sent in it, with links of 1,000, 100 and 10 Mbit/s
# and --exchange fp32 and bf16.
# join prints how fast a host gets the state of a run of C64 that waits for it, and what that takes of the processors.
# kill prints what a step costs in which one of three machines is killed.
# many prints the seconds of a step and what the root sent in it with 1, 8 and 64 hosts, which are processes on one
# machine and share these cores, and whether they end with one digest.
# faults prints how soon the root says that a host is lost, which was killed or stopped, and how soon a resumed root has
# its host back.
# idle prints what the root takes of a core while a host and 300 silent strangers wait with it, what the host takes, and
# how much the root grows while a host that owes it blocks is stopped for 60 s.
# attacks prints how much longer a step of A takes while strangers do what strangers do at the root's door, and how much
# the root grows by it.
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
    attacks) echo "--layers 4 --heads 4 --width 128 --context 64 --batch 3 --micro-batches 16 --steps 100000" ;;
    slow) echo "--layers 4 --heads 4 --width 128 --context 64 --batch 3 --micro-batches 16 --steps 12" ;;
    B | kill) echo "--layers 6 --heads 6 --width 384 --context 256 --batch 4 --micro-batches 16 --steps 8" ;;
    C64) echo "--layers 12 --heads 12 --width 768 --context 64 --batch 16 --micro-batches 16 --steps 3" ;;
    small) echo "--layers 2 --heads 2 --width 32 --context 32 --batch 1 --micro-batches 8 --steps 100000" ;;
    many) echo "--layers 1 --heads 2 --width 32 --context 16 --batch 1 --micro-batches 128 --steps 40" ;;
    *) echo "measure-hosts: A, B, C64, slow, join, kill, many, faults, idle or attacks, not '$1'" >&2; exit 2 ;;
  esac
}
train() {  # SHAPE OUT OPTIONS...: its process is $root
  local shape=$1 out=$2
  shift 2
  # shellcheck disable=SC2046
  on 0 "$program" train --data "$folder/text" --out "$folder/$out" --validation 0 --dropout 0 \
    --checkpoint-every "${checkpoint_every:-0}" $(shape_of "$shape") "$@" >"$folder/$out.log" 2>&1 &
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
seconds_of_steps() { sed -n 's/.*"seconds":\([0-9.e-]*\).*/\1/p' "$folder/$1/metrics.jsonl"; }
median() { sort -g | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
# Of the steps after the first fifth, in which memory and caches are cold.
median_seconds() {
  seconds_of_steps "$1" | awk '{ all[NR] = $1 } END { for (i = int(NR / 5) + 1; i <= NR; ++i) print all[i] }' | median
}
sent_by() { (on "$1" cat /sys/class/net/link0/statistics/tx_bytes); }

# Waits for the run `two`. $steps: after the first ones; $sent: the bytes that the root sent in them. What the state of the
# run took, which the host got before the first step, is not counted. Whoever looks more often takes the time that is
# measured.
count_until_end() {
  while [ ! -s "$folder/two/metrics.jsonl" ]; do sleep 0.2; done
  steps=$(wc -l <"$folder/two/metrics.jsonl")
  sent=$(sent_by 0)
  wait_for_root
  wait
  running=()
  steps=$(($(wc -l <"$folder/two/metrics.jsonl") - steps))
  sent=$(($(sent_by 0) - sent))
}

compare() {  # SHAPE
  train "$1" one --threads 2
  wait_for_root
  train "$1" two --threads 1 --listen 10.77.0.1:4720 --secret "$folder/secret" --hosts 1
  start_host 1
  count_until_end
  local same=same
  [ "$("$program" digest "$folder/one")" = "$("$program" digest "$folder/two")" ] || same=DIFFERENT
  local parameters
  parameters=$(sed -n 's/.*: \([0-9]*\) parameters.*/\1/p' "$folder/host-1.log")
  awk -v shape="$1" -v one="$(median_seconds one)" -v two="$(median_seconds two)" -v p="$parameters" \
    -v bytes="$sent" -v steps="$steps" -v same="$same" 'BEGIN {
      gradient = 4 * p
      printf "%s: %d parameters, %.4f s by one, %.4f s by two, %.3f of the speed (%.3f expected), digests %s\n",
        shape, p, one, two, one / two, one / (one + 1.8e-9 * gradient + 4e-4), same
      if (steps > 0)
        printf "%s: the root sent %.3f MB per step in %d steps, %.3f times the formula\n", shape, bytes / steps / 1e6,
          steps, bytes / steps / gradient
    }'
  rm -rf "$folder/one" "$folder/two"
}

slow_links() {
  local rate exchange
  for rate in 1000 100 10; do
    for machine in 0 1; do
      (on "$machine" tc qdisc replace dev link0 root tbf rate "${rate}mbit" burst 256kb latency 50ms)
    done
    for exchange in fp32 bf16; do
      train slow two --threads 1 --listen 10.77.0.1:4720 --secret "$folder/secret" --hosts 1 --exchange $exchange
      start_host 1
      count_until_end
      awk -v rate="$rate" -v exchange="$exchange" -v seconds="$(median_seconds two)" -v bytes="$sent" \
        -v steps="$steps" 'BEGIN {
          printf "%d Mbit/s, %s: %.4f s a step, %.3f MB per step\n", rate, exchange, seconds, bytes / steps / 1e6
        }'
      rm -rf "$folder/two"
    done
  done
  for machine in 0 1; do (on "$machine" tc qdisc del dev link0 root); done
}

measure_join() {
  train C64 run --threads 1 --listen 10.77.0.1:4720 --secret "$folder/secret" --hosts 1
  until_said "hosts can connect" run >/dev/null
  local before_root before_host sent since
  before_root=$(cpu_ticks "$root")
  sent=$(sent_by 0)
  start_host 1
  until_said "host-1 joins" run >/dev/null
  since=$(now)
  before_host=$(cpu_ticks "${host[1]}")
  until_said "host-1 is ready" run >/dev/null
  awk -v bytes=$(($(sent_by 0) - sent)) -v milliseconds=$(($(now) - since)) \
    -v root=$(($(cpu_ticks "$root") - before_root)) -v host=$(($(cpu_ticks "${host[1]}") - before_host)) 'BEGIN {
      printf "a host got %.0f MB in %.2f s, %.0f MB/s; CPU seconds per GB: the root %.2f, the host %.2f with its self-test\n",
        bytes / 1e6, milliseconds / 1e3, bytes / 1e3 / milliseconds, root / 100 / (bytes / 1e9), host / 100 / (bytes / 1e9)
    }'
  stop_all
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
  echo "seconds of the steps: $(seconds_of_steps run | tr '\n' ' ')"
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

stop_all() {
  for process in "${running[@]}"; do kill -KILL "$process" 2>/dev/null || true; done
  wait 2>/dev/null || true
  running=()
  rm -rf "$folder/run"
}
now() { date +%s%3N; }
until_said() {  # TEXT LOG, prints the milliseconds
  local since
  since=$(now)
  while ! grep -q "$1" "$folder/$2.log"; do
    sleep 0.005
    (($(now) - since < 60000)) || { tail "$folder"/*.log >&2; exit 1; }
  done
  echo $(($(now) - since))
}
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
# Of a core in 20 s, whose ticks are 10 ms.
percent_since() { awk -v now="$(cpu_ticks "$1")" -v before="$2" 'BEGIN { printf "%.2f", (now - before) / 20 }'; }
resident_kib() { awk '/VmRSS/ { print $2 }' "/proc/$1/status"; }

measure_faults() {
  local listen=(--listen 10.77.0.1:4720 --secret "$folder/secret" --threads 1)
  checkpoint_every=20 train small run "${listen[@]}" --hosts 2 --schedule constant
  start_host 1
  start_host 2
  until_said "host-2 is ready" run >/dev/null
  kill -KILL "${host[1]}"
  echo "a killed host is lost after $(until_said "host-1 lost" run) ms"
  kill -STOP "${host[2]}"
  echo "a stopped host is lost after $(until_said "host-2 lost" run) ms, of which 5,000 are --host-timeout"
  kill -CONT "${host[2]}"
  local since
  since=$(now)
  while (($(grep -c "host-2 is ready" "$folder/run.log") < 2)); do sleep 0.005; done
  echo "it takes part again $(($(now) - since)) ms after it goes on"
  sleep 1
  kill -KILL "$root"
  until_said "trying" host-2 >/dev/null
  sleep 1
  on 0 "$program" train --resume --out "$folder/run" "${listen[@]}" --hosts 1 >"$folder/again.log" 2>&1 &
  root=$!
  running+=("$root")
  until_said "hosts can connect" again >/dev/null
  echo "a resumed root has its host back $(until_said "host-2 is ready" again) ms after it listens"
  stop_all
}

measure_idle() {
  train small run --listen 10.77.0.1:4720 --secret "$folder/secret" --threads 1 --hosts 2
  start_host 1
  until_said "host-1 joins" run >/dev/null
  local before
  before=$(cpu_ticks "${host[1]}")
  sleep 20
  echo "an idle host takes $(percent_since "${host[1]}" "$before") % of a core"
  # shellcheck disable=SC2016
  (on 2 bash -c 'for i in $(seq 300); do exec {s}<>/dev/tcp/10.77.0.1/4720 || true; done; sleep 30' >/dev/null 2>&1) &
  running+=("$!")
  before=$(cpu_ticks "$root")
  sleep 20
  echo "a root at whose door 300 say nothing takes $(percent_since "$root" "$before") % of a core"
  stop_all
  train B run --listen 10.77.0.1:4720 --secret "$folder/secret" --threads 1 --hosts 1 --host-timeout 100
  start_host 1
  while [ ! -e "$folder/run/metrics.jsonl" ] || (($(wc -l <"$folder/run/metrics.jsonl") < 4)); do sleep 0.2; done
  before=$(resident_kib "$root")
  kill -STOP "${host[1]}"
  sleep 60
  echo "beside a host stopped for 60 s the root grew from $((before / 1024)) to $(($(resident_kib "$root") / 1024)) MiB"
  stop_all
}

# What strangers do until they are killed, from a machine of their own. They are told nothing but the address.
# shellcheck disable=SC2016
declare -A attacks=(
  ["300 that say nothing"]='for i in $(seq 300); do open; done; sleep 60'
  ["300 that begin a hello"]='for i in $(seq 300); do open; printf "\x16\x03\x01\x02\x00" >&$s; done; sleep 60'
  ["5 kB of noise, 10 times per second"]='while sleep 0.1; do open; head -c 5000 /dev/urandom >&$s; exec {s}>&-; done'
  ["messages of 4 GiB announced, 10 times per second"]='while sleep 0.1; do open
    printf "\x00\x00\x00\x00\xff\xff\xff\xff%024d" 0 >&$s; exec {s}>&-; done'
  ["certificates of their own, twice per second"]='openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -subj /CN=stranger -keyout "$0/key" -out "$0/certificate"
    while sleep 0.5; do openssl s_client -connect 10.77.0.1:4720 -key "$0/key" -cert "$0/certificate" </dev/null; done'
)
seconds_per_step() {  # the median, for 20 s
  local before
  before=$(seconds_of_steps run | wc -l)
  sleep 20
  seconds_of_steps run | tail -n "+$((before + 1))" | median
}

measure_attacks() {
  train attacks run --listen 10.77.0.1:4720 --secret "$folder/secret" --threads 1 --hosts 1 --schedule constant
  start_host 1
  until_said "host-1 is ready" run >/dev/null
  local attack before under after grew
  seconds_per_step >/dev/null
  for attack in "${!attacks[@]}"; do
    before=$(seconds_per_step)
    grew=$(resident_kib "$root")
    # shellcheck disable=SC2016
    (on 2 setsid bash -c 'open() { exec {s}<>/dev/tcp/10.77.0.1/4720; }; '"${attacks[$attack]}" "$folder" >/dev/null 2>&1) &
    running+=("$!")
    sleep 1
    under=$(seconds_per_step)
    grew=$(($(resident_kib "$root") - grew))
    kill -KILL -- "-${running[-1]}"  # and what it has started
    wait "${running[-1]}" 2>/dev/null || true
    after=$(seconds_per_step)
    awk -v attack="$attack" -v before="$before" -v under="$under" -v after="$after" -v grew="$grew" 'BEGIN {
        quiet = (before + after) / 2
        printf "%s: a step took %.4f s instead of %.4f s, %+.1f %%; the root grew by %.1f MiB\n", attack, under, quiet,
          100 * (under / quiet - 1), grew / 1024
      }'
  done
  grep -q " lost " "$folder/run.log" && echo "A HOST WAS LOST"
  stop_all
}

for what in "$@"; do
  case $what in
    slow) slow_links ;;
    join) measure_join ;;
    kill) kill_one ;;
    many) count_many ;;
    faults) measure_faults ;;
    idle) measure_idle ;;
    attacks) measure_attacks ;;
    *) compare "$what" ;;
  esac
done
