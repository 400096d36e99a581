#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# check_pages.sh PROGRAM FOLDER: the man pages are such as man and its index read without a word, and
# hold each option that the help of their command shows.
set -euo pipefail
program=$1
pages=$2/man/man1

fail() {
  echo "$*" >&2
  exit 1
}

# The options in a help text, such as --json.
options_in() { grep -oE '^ +(-[a-z],)?--[a-z0-9-]+' | grep -oE '\-\-[a-z0-9-]+' | sort -u; }

for page in "$pages"/*.1; do
  name=$(basename "$page" .1)
  said=$(groff -man -ww -Tutf8 -z "$page" 2>&1)
  [ -z "$said" ] || fail "$said"
  lexgrog "$page" | grep -q "\"$name - " || fail "$name: no NAME section that lexgrog can read"
done

commands=$("$program" --help | sed -n '/^Subcommands:/,$p' | awk 'NR > 1 && NF { print $1 }')
[ "$(echo "$commands" | wc -l)" = "$(find "$pages" -name 'nodezero-*.1' | wc -l)" ] ||
  fail "not every command has a page"
for command in $commands; do
  text=$(man --nh --nj -l "$pages/nodezero-$command.1" | col -b)
  helps=$("$program" "$command" --help)
  for child in $(echo "$helps" | sed -n '/^Subcommands:/,$p' | awk 'NR > 1 && NF { print $1 }'); do
    helps+=$'\n'$("$program" "$command" "$child" --help)
  done
  for option in $(echo "$helps" | options_in); do
    grep -qE -- "(^|[ ,])$option( |$)" <<<"$text" || fail "nodezero-$command(1) lacks $option"
  done
done
