#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# check_completion.sh PROGRAM FOLDER: what bash completes, where the last word is being typed.
set -euo pipefail
program=$1
# shellcheck source=/dev/null
source "$2/bash-completion/completions/nodezero"
compopt() { :; }  # works only while bash completes
complete -p nodezero | grep -q -- '-F _nodezero nodezero' || { echo "not registered" >&2; exit 1; }

expect() {  # WORDS EXPECTED: what WORDS can become, as one line
  local completed
  read -ra COMP_WORDS <<<"$1"
  [[ $1 != *' ' ]] || COMP_WORDS+=('')
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  COMPREPLY=()
  _nodezero
  completed="${COMPREPLY[*]}"
  [ "$completed" = "$2" ] || {
    echo "'$1' completes to '$completed', not to '$2'" >&2
    exit 1
  }
}

expect 'nodezero tr' 'train trace'
expect 'nodezero --v' '--version'
expect 'nodezero trace w' 'why'
expect 'nodezero trace why --d' '--depth'
expect 'nodezero train --rou' '--routing'
expect 'nodezero train --routing ' 'balanced dominant round-robin'
expect 'nodezero train --routing = dom' 'dominant'
expect 'nodezero train --routing =' 'balanced dominant round-robin'
expect 'nodezero train --out run --preset ' 'demo shakespeare-cpu shakespeare-gpu gpt2-124m reference'
expect 'nodezero trace export run.nztrace --format ht' 'html'
# Files, and what only the person knows, are left to bash.
expect 'nodezero train --data ' ''
expect 'nodezero train --width ' ''
expect 'nodezero trace why run' ''

# All options that the help of a command shows, and no others.
for command in '' train generate eval verify replay 'trace show'; do
  # shellcheck disable=SC2086
  options=$("$program" $command --help | grep -oE '^ +(-[a-z],)?--[a-z0-9-]+' |
    grep -oE '\-\-[a-z0-9-]+' | tr '\n' ' ')
  expect "nodezero $command --" "${options% }"
done
