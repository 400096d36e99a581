#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs a script of Node.js with the packages that it needs, which are installed beside the build. Exits
# with 77 (skipped) and says so where Node.js, npm or the network is missing.
#
#   run_node.sh SOURCE FOLDER SCRIPT ARGUMENT...    SOURCE: with package.json and package-lock.json;
#                                                   FOLDER: for the packages; made if it is not there
set -euo pipefail
source=$1
folder=$2
script=$(realpath "$3")
shift 3

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
    skip "npm could not install the packages of $source"
  cp "$source/package-lock.json" "$folder/installed-lock.json"
fi
NODE_PACKAGES=$(realpath "$folder") exec node "$script" "$@"
