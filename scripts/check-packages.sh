#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs the Debian packages in a bare root that debootstrap makes, with nothing but what they
# depend on, trains with the program there, and builds an example on the library. Needs root, and
# debootstrap. Makes the packages first if there are none (scripts/package.sh).
#
#   scripts/check-packages.sh [MIRROR]    by default the one that this machine's apt has
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "check-packages: run as root" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "check-packages: install debootstrap" >&2; exit 2; }
# shellcheck disable=SC2016
mirror=${1:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' \
  'Codename: bookworm' 'Component: main' | head -n 1)}
[ -n "$mirror" ] || { echo "check-packages: apt has no source of Debian 12; name a mirror" >&2; exit 2; }
ls build/package/packages/*.deb >/dev/null 2>&1 || scripts/package.sh

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase bookworm "$root" "$mirror"
mkdir "$root/packages"
for name in nodezero libnodezero-dev; do
  cp build/package/packages/${name}_*.deb "$root/packages/$name.deb"
done
cp examples/minimal/minimal.cpp "$root/packages"

in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }
install() { in_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; }

in_root apt-get update -qq
install /packages/nodezero.deb
in_root nodezero --version
in_root nodezero train --preset demo --steps 20 --sample-tokens 20 --data /usr/share/common-licenses --out /trained
in_root nodezero digest /trained
install /packages/libnodezero-dev.deb g++ libeigen3-dev pkg-config
# shellcheck disable=SC2016
in_root sh -c 'g++ -std=c++20 -Wall -Wextra /packages/minimal.cpp $(pkg-config --cflags --libs nodezero-eigen) -o /minimal && /minimal'
echo "both packages work in a bare Debian 12"
