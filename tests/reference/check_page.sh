#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Compiles reference/nodezero.cpp, which computes on one page what the program computes, and compares the
# weights that both leave, to the bit.
#
#   check_page.sh same PROGRAM PAGE     every precision of products and sums, level of kernels, $SPHERES and $THREADS
#   check_page.sh caught PAGE           pages with a fault in them leave other weights or say what is wrong
#   check_page.sh compilers PAGE        g++ and clang++, with and without optimisation
#   check_page.sh aarch64 PAGE SOURCES  a processor of another kind, with QEMU; 77 if there is none here
#
# The last three leave out most of the page's work, unless WHOLE is set. A page has at most 510 lines.
set -euo pipefail
what=$1
shift
for path in "$@"; do
  paths+=("$(realpath "$path")")
done
set -- "${paths[@]}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() { echo "check_page: $1" >&2; exit 1; }
# 2,250 bytes are trained on: an epoch of four steps, the last of them short, and the first window too.
awk 'BEGIN { for (i = 0; i < 400; ++i) printf "%d%s", (i * i * 7 + 3) % 1009, i % 9 ? " and " : ".\n" }' |
  head -c 2500 >text

compile() {  # COMPILER FILE NAME [OPTION...]
  "$1" -std=c++17 -ffp-contract=off "${@:4}" "$2" -o "$3" || fail "$1 ${*:4} does not compile $2"
}
run_page() {  # PAGE "PRECISION [EXCHANGE]" [RUNNER...]: prints the digest of its weights
  "${@:3}" "$1" text page-out $2 >/dev/null || fail "$1 $2 failed"
  sha256sum <page-out/model.safetensors
}
same() {  # DIGEST DIGEST DESCRIPTION
  [ "$1" = "$2" ] || fail "DIFFERS: $3: $1 instead of $2"
  echo "same: $3"
}
less() {  # FILE: the page with a fifth of its work, unless WHOLE is set
  if [ -n "${WHOLE:-}" ]; then
    cat "$1"
  else
    sed 's/sequences = 2, micro_batches = 5, total_steps = 6,/sequences = 1, micro_batches = 3, total_steps = 4,/' "$1"
  fi
}

exchange_of() {  # "PRECISION [EXCHANGE]"
  [[ $1 == *" "* ]] && echo "${1#* }" || echo fp32
}
precisions=(fp32 bf16 bf16-tile "fp32 bf16")

case $what in
  same)
    program=$1
    compile g++ "$2" page -O2
    for precision in "${precisions[@]}"; do
      expected=$(run_page ./page "$precision")
      options=(--precision ${precision% *} --exchange "$(exchange_of "$precision")")
      for kernels in portable v3 v4 avx512-bf16 amx; do
        for spheres in ${SPHERES:-1 13}; do
          for threads in ${THREADS:-2}; do
            if ! said=$(NODEZERO_KERNELS=$kernels "$program" train --preset reference --data text --out run \
                        "${options[@]}" --spheres $spheres --threads $threads 2>&1); then
              [[ $said == *"has no kernels '$kernels'"* ]] || fail "$said"
              echo "skipped: kernels $kernels, which this processor does not have"
              continue 3
            fi
            same "$(sha256sum <run/model.safetensors)" "$expected" \
                 "$precision, kernels $kernels, spheres: $spheres, threads: $threads"
            rm -r run
          done
        done
      done
      "$program" train --preset reference --data text --out run "${options[@]}" >run.log
      same "$("$program" digest run | head -n 1)" "$("$program" digest page-out)" "nodezero digest, $precision"
      rm -r run
    done
    ;;
  caught)
    [ "$(grep -c . "$1")" -le 510 ] || fail "the page has more than 510 lines that are not blank"
    less "$1" >page.cpp
    compile g++ page.cpp page -O2
    expected=$(run_page ./page fp32)
    # A fault that sed did not find a place for would be caught as well, so look whether it is in.
    caught() {  # DESCRIPTION PLACE FAULT: puts the fault in front of the place
      sed "s|^\( *\)$2|\1$3\n&|" page.cpp >faulty.cpp
      grep -qF "$3" faulty.cpp || fail "no place for: $1"
      compile g++ faulty.cpp faulty -O2
      [ "$(run_page ./faulty fp32)" != "$expected" ] || fail "not caught: $1"
      echo "caught: $1"
    }
    caught "second moments that a resume forgets" "const Index count = std::min(" "if (step == 3) moments2 = zeros();"
    caught "one term in another order" "return k < terms" "k = i == 0 ? k ^ 1 : k;"
    refused() {  # OPTION-TO-NAME OPTION...
      g++ -std=c++17 -O2 "${@:2}" page.cpp -o wrong
      code=0
      said=$(./wrong text page-out 2>&1) || code=$?
      [ $code = 2 ] && [[ $said == *"$1"* ]] || fail "compiled with ${*:2}: exit code $code, $said"
      echo "refused: compiled with ${*:2}"
    }
    refused -ffast-math -ffast-math
    if grep -qw fma /proc/cpuinfo; then
      refused -ffp-contract=off -ffp-contract=fast -mfma
    fi
    code=0
    said=$(./page text page-out fp64 2>&1) || code=$?
    [ $code = 2 ] && [ "$said" = "reference: give TEXT OUT [fp32|bf16|bf16-tile [fp32|bf16]]" ] || fail "fp64: $code, $said"
    ;;
  compilers)
    less "$1" >page.cpp
    for precision in "${precisions[@]}"; do
      expected=
      for compiler in "g++ -O2" "g++ -O0" "clang++ -O2" ${WHOLE:+"clang++ -O0"}; do
        if ! command -v ${compiler% *} >/dev/null; then
          echo "skipped: $compiler, which is not installed"
          continue
        fi
        [ -x "page $compiler" ] || compile ${compiler% *} page.cpp "page $compiler" ${compiler#* }
        digest=$(run_page "./page $compiler" "$precision")
        same "$digest" "${expected:=$digest}" "$precision, $compiler"
      done
    done
    ;;
  aarch64)
    for needed in aarch64-linux-gnu-g++ qemu-aarch64; do
      if ! command -v $needed >/dev/null; then
        echo "skipped: $needed is not installed"
        exit 77
      fi
    done
    # With the options that the kernels are always compiled with.
    options=(-O3 -std=c++20 -Wno-psabi -fno-math-errno -fno-trapping-math -DNODEZERO_LEVEL=portable -I "$2")
    sources=("$2"/model/kernels/levels/level.cpp "$2"/tests/reference/digest_of_kernels.cpp)
    g++ -march=x86-64 -ffp-contract=off "${options[@]}" "${sources[@]}" -o kernels
    aarch64-linux-gnu-g++ -static -ffp-contract=off "${options[@]}" "${sources[@]}" -o kernels-aarch64
    ./kernels >expected
    qemu-aarch64 ./kernels-aarch64 | diff expected - || fail "DIFFERS: portable kernels on aarch64"
    echo "same: $(wc -l <expected) results of portable kernels on aarch64"
    less "$1" >page.cpp
    compile g++ page.cpp page -O2
    compile aarch64-linux-gnu-g++ page.cpp page-aarch64 -O2 -static
    for precision in "${precisions[@]}"; do
      same "$(run_page ./page-aarch64 "$precision" qemu-aarch64)" "$(run_page ./page "$precision")" \
           "$precision, page on aarch64"
    done
    ;;
  *) fail "unknown: $what" ;;
esac
