#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# check_packages.sh BUILD EXAMPLE WORK: makes both packages of a build, unpacks them, compares what
# they depend on with what their files need, and builds an example on the library.
set -euo pipefail
build=$1 example=$2 work=$3

fail() {
  echo "$*" >&2
  exit 1
}

rm -rf "$work"
mkdir -p "$work/debian"
cd "$work"
cpack --config "$build/CPackConfig.cmake" -G DEB -B packages -D CPACK_DEBIAN_COMPRESSION_TYPE=gzip
[ "$(find packages -maxdepth 1 -name '*.deb' | wc -l)" = 2 ] || fail "there are not two packages"
for name in nodezero libnodezero-dev; do
  dpkg-deb -x packages/${name}_*.deb $name
  [ "$(dpkg-deb -f packages/${name}_*.deb Maintainer)" = \
    'The Node Zero authors <noreply@nodezero.invalid>' ] || fail "$name has another maintainer"
  [ -s $name/usr/share/doc/$name/copyright ] || fail "$name has no licence"
done

# dpkg-shlibdeps works in the source of a package only.
printf 'Source: any\n\nPackage: any\nArchitecture: any\n' >debian/control
needs() { dpkg-shlibdeps -O "$@" 2>/dev/null | sed 's/^shlibs:Depends=//'; }
depends() { dpkg-deb -f "packages/$1"_*.deb Depends; }
sorted() { tr ',' '\n' | sed 's/^ *//; /^$/d' | sort; }
same() {  # WHAT FOUND EXPECTED
  diff <(sorted <<<"$2") <(sorted <<<"$3") || fail "$1 depends on other packages than it needs"
}
library=$(find libnodezero-dev -type f -name 'libnodezero.so.*')
same nodezero "$(depends nodezero)" "$(needs nodezero/usr/bin/nodezero)"
with_network=$(find libnodezero-dev -type f -name 'libnodezero-hosts.so.*')
same libnodezero-dev "$(depends libnodezero-dev)" \
  "$(needs "$library" "$with_network"), libexpected-dev"

nodezero/usr/bin/nodezero --version
for file in man/man1/nodezero.1 man/man1/nodezero-train.1 bash-completion/completions/nodezero; do
  [ -s nodezero/usr/share/$file ] || fail "nodezero has no $file"
done

PKG_CONFIG_PATH=$(dirname "$(find "$PWD/libnodezero-dev" -name nodezero.pc)")
export PKG_CONFIG_PATH
read -ra flags <<<"$(pkg-config --cflags --libs nodezero-eigen)"
g++ -std=c++20 -Wall -Wextra -Werror "$example" "${flags[@]}" -o example
LD_LIBRARY_PATH=$(dirname "$library") ./example
