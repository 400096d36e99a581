#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Shows that a run that answers while it trains does both to the bit: 1,000 answers, each compared with what
# `nodezero generate` gives from the checkpoint of the version that it names, and the same weights at the end with 0, 1
# and 100 clients and after 10 kills under load. Then hostile clients and 10,000 idle connections, beside which others are
# answered within 100 ms, and how soon a client that leaves frees its lane. If promtool is installed (Debian's package
# prometheus), it must pass what /metrics says. Needs Node.js. A minute on two cores.
#
#   scripts/check-serving.sh [PROGRAM] [ANSWERS] [CLIENTS] [KILLS]
set -euo pipefail
source=$(realpath "$(dirname "$0")/..")
program=$(realpath "${1:-$source/build/release/nodezero}")
[ -x "$program" ] || { echo "check-serving: build first: scripts/build.sh" >&2; exit 2; }
command -v node >/dev/null || { echo "check-serving: Node.js is missing: scripts/setup.sh --browser" >&2; exit 2; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
node "$source/tests/client/served_versions.mjs" "$program" "$folder" "${2:-1000}" "${3:-100}" "${4:-10}"

ulimit -n "$(ulimit -Hn)"
node "$source/tests/client/hostile_clients.mjs" "$program" "$folder"

if command -v promtool >/dev/null; then
  "$program" serve --model "$folder/versions/alone" --port 0 >"$folder/said" &
  serving=$!
  until url=$(grep -o 'http://[^ ]*' "$folder/said"); do sleep 0.1; done
  curl -sS "$url/v1/completions" -H 'Content-Type: application/json' \
    -d '{"model": "alone", "prompt": "7 sheep", "max_tokens": 5}' >/dev/null
  curl -sS "$url/metrics" | promtool check metrics
  kill $serving
  wait $serving
  echo "ok: promtool passes /metrics"
else
  echo "skipped: promtool is not installed"
fi
