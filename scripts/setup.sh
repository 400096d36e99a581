#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs what Node Zero is built and tested with on Debian 12. Does nothing, and asks no
# network, when everything is there.
#
#   scripts/setup.sh [--program | --browser | --fuzz]
#     --program: only what the program and the library are built from
#     --browser: also what tests/browser needs
#     --fuzz: also what scripts/fuzz.sh needs
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config
  libcaf-dev libcli11-dev libeigen3-dev libexpected-dev libfmt-dev
  libsqlite3-dev libssl-dev libutfcpp-dev libzstd-dev nlohmann-json3-dev zlib1g-dev
)
if [ "${1:-}" != --program ]; then
  packages+=(
    ccache  # the tests build parts of the library a second time, from its cache
    libbenchmark-dev libgtest-dev
    libpng-dev python3  # examples
    doxygen             # the reference of the headers
    dpkg-dev file       # Debian packages
    man-db groff-base   # the manual
    clang-format
    spin  # the model checker that is a second opinion on the protocol
    g++-aarch64-linux-gnu qemu-user  # a processor of another kind, on which the bits are the same
  )
fi
if [ "${1:-}" = --fuzz ]; then
  packages+=(clang libclang-rt-14-dev)
fi
if [ "${1:-}" = --browser ]; then
  packages+=(chromium)
  # Often there from another source, which Debian's packages would not go with.
  command -v node >/dev/null || packages+=(nodejs)
  command -v npm >/dev/null || packages+=(npm)
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup: this is not a Debian system; install what matches ${packages[*]}" >&2
  exit 2
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: run as root, or install first: apt-get install ${missing[*]}" >&2
    exit 2
  fi
  as_root=(sudo)
fi

echo "setup: installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
