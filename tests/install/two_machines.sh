#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# two_machines.sh IN_SITU FOLDER: runs the example on two machines, which are processes here, and
# compares what has been learned with FOLDER/output.txt, which it has said alone.
set -euo pipefail
in_situ=$1
folder=$2
mkdir -p "$folder/two"
secret=$folder/run.secret
rm -f "$secret"
(umask 077 && echo "nodezero-secret-1 $(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')" >"$secret")

learned() {
  grep -E "^(8000 steps|error after)" | sed 's/: [^ ]*loss.png$//'
}
alone=$(learned <"$folder/output.txt")
exec {root}< <("$in_situ" "$folder/two" --listen 127.0.0.1:0 "$secret")
read -r -u "$root" _ _ address _
"$in_situ" --connect "$address" "$secret" &
two=$(tee "$folder/two.txt" <&"$root" | learned)
wait $!
grep -q "is ready" "$folder/two.txt"
diff <(echo "$alone") <(echo "$two")
echo "$two"
