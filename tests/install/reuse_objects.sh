#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# reuse_objects.sh COMPILER ARGUMENT...: a compiler launcher. What the build in $NODEZERO_BUILD has
# compiled of the library already is taken from there, not compiled again inside another project.
set -eu
object='' dependencies='' before=''
for word; do
  case $before in
    -o) object=$word ;;
    -MF) dependencies=$word ;;
  esac
  before=$word
done
compiled=$NODEZERO_BUILD/${object#nodezero/}
if [ "${object#nodezero/}" != "$object" ] && [ -f "$compiled" ]; then
  ln -f "$compiled" "$object"
  echo "$object:" >"$dependencies"
else
  exec "$@"
fi
