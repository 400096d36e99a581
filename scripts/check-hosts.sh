#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Shows that a run on several machines ends with the weights of one machine alone, whatever happens to
# them. Each machine is a network namespace with a link of its own; without the privileges for that they are
# processes on the loopback interface, which is said, and the links are not tried. Hosts are killed, stopped,
# cut off, slowed down and attacked at random moments. Prints one line a run and fails at the first digest that
# differs or the first run that stands still.
#
#   scripts/check-hosts.sh [PROGRAM] [RUNS]      RUNS: of each kind, 5 if not given
#   scripts/check-hosts.sh --short [PROGRAM]     a few seconds of it
set -euo pipefail
source=$(realpath "$(dirname "$0")/..")
# shellcheck source=scripts/machines.sh
. "$source/scripts/machines.sh"
is_short=false
if [ "${1:-}" = --short ]; then
  is_short=true
  shift
fi
program=$(realpath "${1:-$source/build/release/nodezero}")
runs=${2:-5}
text=/usr/share/common-licenses/GPL-3
[ -x "$program" ] || { echo "check-hosts: build first: scripts/build.sh" >&2; exit 2; }
[ -f "$text" ] || { echo "check-hosts: $text is missing" >&2; exit 2; }

folder=$(mktemp -d)
machines=6  # the root and five hosts
has_links=true
running=()
clean_up() {
  for process in "${running[@]}"; do kill -KILL "$process" 2>/dev/null || true; done
  remove_machines $machines
  rm -rf "$folder"
}
trap clean_up EXIT

if make_bridge; then
  make_machines $machines
else
  has_links=false
  on() {  # MACHINE COMMAND...
    shift
    exec "$@"
  }
  echo "no privileges for network namespaces: on the loopback interface, without faults of links"
fi

address_of() {
  if $has_links; then echo "10.77.0.$(($1 + 1)):4720"; else echo "127.0.0.1:$((20000 + ($$ + $1) % 20000))"; fi
}
address() { address_of 0; }
fail() { echo "FAILED: $1" >&2; tail -n 20 "$folder"/*.log >&2; exit 1; }

common=(--data "$text" --layers 2 --heads 2 --width 64 --context 16 --batch 1 --dropout 0.1
  --validation 0)
start_root() {  # OPTIONS...
  (on 0 "$program" train "${common[@]}" --out "$folder/run" --listen "$(address)" --secret "$folder/secret" \
    "$@" >"$folder/root.log" 2>&1) &
  root=$!
  running+=("$root")
}
start_host() {  # MACHINE OPTIONS...
  local machine=$1
  shift
  (on "$machine" "$program" host --connect "$(address)" --secret "$folder/secret" --name "host-$machine" \
    --threads 1 "$@" >>"$folder/host-$machine.log" 2>&1) &
  host[machine]=$!
  running+=("$!")
}
wait_for() {  # TEXT SECONDS
  for ((i = 0; i < $2 * 10; ++i)); do
    grep -q "$1" "$folder/root.log" 2>/dev/null && return
    sleep 0.1
  done
  fail "no '$1' within $2 s"
}
finish() {  # DESCRIPTION SECONDS
  for ((i = 0; i < $2 * 10; ++i)); do
    kill -0 "$root" 2>/dev/null || break
    sleep 0.1
  done
  kill -0 "$root" 2>/dev/null && fail "$1: it stands still"
  wait "$root" || fail "$1: the run has failed"
  local digest
  digest=$("$program" digest "$folder/run" | sha256sum)
  [ "$digest" = "$expected" ] || fail "$1: the digest differs"
  echo "same: $1"
  for process in "${running[@]}"; do kill -KILL "$process" 2>/dev/null || true; done
  wait 2>/dev/null || true
  running=()
  rm -rf "$folder/run" "$folder"/*.log
}
alone() {  # OPTIONS...
  rm -rf "$folder/alone"
  "$program" train "${common[@]}" --out "$folder/alone" "$@" >/dev/null
  expected=$("$program" digest "$folder/alone" | sha256sum)
}
moment() { sleep "$(awk -v r=$RANDOM 'BEGIN { print 0.1 + 2 * r / 32768 }')"; }

"$program" secret >"$folder/secret"

if $is_short; then
  options=(--micro-batches 8 --steps 200 --checkpoint-every 20)
  alone "${options[@]}"
  start_root "${options[@]}" --threads 1 --hosts 2
  start_host 1
  start_host 2 --kernels portable
  wait_for "host-2 is ready" 30
  kill -KILL "${host[1]}"
  wait "${host[1]}" 2>/dev/null || true
  start_host 3
  finish "killed, and another joins" 60
  start_root "${options[@]}" --threads 1 --hosts 1 --audit 0.5
  start_host 1
  wait_for "checkpoint of step 20" 60
  kill -KILL "$root"
  wait "$root" 2>/dev/null || true
  start_root --resume --hosts 1
  wait_for "host-1 is ready" 30
  finish "the root is killed and resumed" 60
  exit 0
fi

for precision in fp32 bf16; do
  options=(--micro-batches 13 --steps 20 --precision "$precision")
  alone "${options[@]}"
  for hosts in 0 1 2 3 5; do
    for spheres in 1 13; do
      start_root "${options[@]}" --spheres "$spheres" --threads $((1 + hosts % 2)) --hosts "$hosts"
      for ((k = 1; k <= hosts; ++k)); do
        if ((k == 2)); then start_host $k --kernels portable; else start_host $k; fi
      done
      finish "$precision, $hosts hosts, $spheres spheres" 120
    done
  done
done

options=(--micro-batches 24 --steps 250)
alone "${options[@]}"
for ((run = 1; run <= runs; ++run)); do
  start_root "${options[@]}" --threads 1 --hosts 2
  start_host 1
  start_host 2
  wait_for "host-2 is ready" 30
  moment
  kill -KILL "${host[1 + run % 2]}"
  wait "${host[1 + run % 2]}" 2>/dev/null || true
  moment
  start_host 3
  finish "killed, and another joins ($run)" 300
done
for ((run = 1; run <= runs; ++run)); do
  start_root "${options[@]}" --threads 1 --hosts 2
  start_host 1
  start_host 2
  wait_for "host-2 is ready" 30
  moment
  kill -STOP "${host[1]}"
  wait_for "host-1 lost" 10
  kill -CONT "${host[1]}"
  finish "stopped for 5 s ($run)" 300
done
for ((run = 1; run <= runs; ++run)); do
  start_root "${options[@]}" --checkpoint-every 20 --hosts 2
  start_host 1
  start_host 2
  wait_for "checkpoint of step 40" 60
  moment
  kill -KILL "$root"
  wait "$root" 2>/dev/null || true
  start_root --resume --hosts 1
  wait_for "host-1 is ready" 30
  finish "the root is killed and resumed ($run)" 300
done

for ((run = 1; run <= runs; ++run)); do
  # Its folder is lost as well: another machine takes the run up from a host.
  start_root "${options[@]}" --hosts 2
  start_host 1
  start_host 2
  wait_for "host-2 is ready" 30
  wait_for "  step " 30
  from=$(sed -n '/"address"/h; /"name": "host-1"/{x; s/.*"address": "\(.*\)",*/\1/p}' "$folder/run/hosts.json")
  moment
  kill -KILL "$root"
  wait "$root" 2>/dev/null || true
  rm -rf "$folder/run"
  (on 3 "$program" train --resume --from "$from" --hosts 1 --out "$folder/run" --secret "$folder/secret" \
    --listen "$(address_of 3)" >"$folder/root.log" 2>&1) &
  root=$!
  running+=("$root")
  wait_for "host-1 is ready" 30
  finish "the root is lost and taken up elsewhere ($run)" 300
done
for ((run = 1; run <= runs; ++run)); do
  start_root "${options[@]}" --threads 1 --audit 0.05 --hosts 1
  start_host 1
  wait_for "host-1 is ready" 30
  for machine in 2 3 4 5; do
    sleep 1
    start_host $machine
  done
  finish "one joins every second ($run)" 300
done

# Strangers: another secret, noise, and 300 connections that say nothing, to a root with few descriptors.
descriptors=$(ulimit -Sn)
ulimit -Sn 128
start_root "${options[@]}" --threads 1 --hosts 1
ulimit -Sn "$descriptors"
start_host 1
wait_for "host-1 is ready" 30
"$program" secret >"$folder/other"
(on 2 "$program" host --connect "$(address)" --secret "$folder/other" --wait 1 >/dev/null 2>&1) || true
(on 2 bash -c "exec 2>/dev/null; for i in \$(seq 300); do exec {s}<>/dev/tcp/$(address | cut -d: -f1)/$(address | cut -d: -f2); ((i % 2)) && head -c 5000 /dev/urandom >&\$s; done; sleep 20") &
running+=("$!")
finish "strangers at the door" 300

if $has_links; then
  for ((run = 1; run <= runs; ++run)); do
    start_root "${options[@]}" --threads 1 --hosts 2
    start_host 1
    start_host 2
    wait_for "host-2 is ready" 30
    moment
    ip -n "$machines_id-net" link set port1 down
    wait_for "host-1 lost" 10
    ip -n "$machines_id-net" link set port1 up
    finish "cut off for 5 s ($run)" 300
  done
  if command -v nft >/dev/null; then
    options=(--micro-batches 8 --steps 40)
    alone "${options[@]}"
    for ((i = 0; i < machines; ++i)); do
      ip netns exec "$machines_id-$i" nft 'table inet loss { chain in { type filter hook input priority 0; \
        iifname "link0" numgen random mod 100 < 5 drop; }; }'
    done
    for ((run = 1; run <= runs; ++run)); do
      start_root "${options[@]}" --threads 1 --hosts 2
      start_host 1
      start_host 2
      wait_for "finished after" 240
      ! grep -q " lost " "$folder/root.log" || fail "a host was lost where packets are"
      finish "5 % of packets lost ($run)" 10
    done
    for ((i = 0; i < machines; ++i)); do ip netns exec "$machines_id-$i" nft delete table inet loss; done
  else
    echo "without loss of packets: nft is not installed"
  fi
  options=(--micro-batches 4 --steps 6)
  alone "${options[@]}"
  for ((i = 0; i < machines; ++i)); do
    tc -n "$machines_id-net" qdisc add dev "port$i" root tbf rate 1mbit burst 16kb latency 2s
    tc -n "$machines_id-$i" qdisc add dev link0 root tbf rate 1mbit burst 16kb latency 2s
  done
  start_root "${options[@]}" --threads 1 --hosts 1
  start_host 1
  wait_for "finished after" 240
  ! grep -q "host-1 lost" "$folder/root.log" || fail "a host was lost at 1 Mbit/s"
  finish "1 Mbit/s" 10
fi
