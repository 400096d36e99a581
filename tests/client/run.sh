#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs a script of Node.js with OpenAI's client, which is installed beside the build. Exits with 77
# (skipped) and says so where Node.js, npm or the network is missing.
#
#   run.sh FOLDER SCRIPT ARGUMENT...    FOLDER: for packages; made if it is not there
set -euo pipefail
source=$(dirname "$(realpath "$0")")
folder=$1
script=$(realpath "$2")
shift 2

skip() {
  echo "SKIPPED: $1; scripts/setup.sh --browser installs what is needed" >&2
  exit 77
}
for program in node npm; do
  command -v "$program" >/dev/null || skip "there is no $program"
done

mkdir -p "$folder"
if ! cmp -s "$source/package-lock.json" "$folder/installed-lock.json"; then
  cp "$source/package.json" "$source/package-lock.json" "$folder"
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) ||
    skip "npm could not install openai"
  cp "$source/package-lock.json" "$folder/installed-lock.json"
fi
CLIENT_PACKAGES=$(realpath "$folder") exec node "$script" "$@"
