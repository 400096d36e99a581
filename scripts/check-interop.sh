#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Holds models that Node Zero writes against the programs that read them: transformers (ids, loss and greedy
# text), llama.cpp (ids, greedy text to the end of the context, and the log-probabilities of all tokens), and, if
# they are installed, promtool and the npm packages @huggingface/gguf and node-llama-cpp.
#
#   scripts/check-interop.sh                  both of the following, in a temporary folder
#   scripts/check-interop.sh make DIR         trains tiny models and exports them into DIR
#   scripts/check-interop.sh compare DIR      compares what is in DIR
#
# `make` needs build/release/nodezero, or $NODEZERO. `compare` needs python3 with torch, transformers and tokenizers,
# and llama-server: in Debian sid the packages python3-torch, python3-transformers, python3-tokenizers and llama.cpp.
# Only DIR goes from one to the other, so that each may run in a root of its own. $NODE_MODULES names a folder in
# which npm has installed the two packages; $GPT2_VOCABULARY one with GPT-2's vocab.json or encoder.json and its
# merges, to have a model with that vocabulary too. A few minutes on two cores.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
nodezero=${NODEZERO:-$here/build/release/nodezero}

make_texts() {
  cat /usr/share/common-licenses/{GPL-3,LGPL-2.1,Artistic,Apache-2.0} >ascii.txt
  # Characters of 1 to 4 bytes: accents, signs, Greek, Chinese, emoji.
  sed -e 's/ the / th\xc3\xa9 /g' -e 's/ of / \xce\xbf\xcf\x86 /g' -e 's/ you / \xe4\xbd\xa0 /g' \
      -e 's/software/\xf0\x9f\x92\xbe/g' -e 's/ and / \xe2\x82\xac /g' ascii.txt >unicode.txt
}

# make_model NAME TEXT OPTION...
make_model() {
  local name=$1 text=$2
  shift 2
  mkdir -p "$name"
  "$nodezero" train --data "$text" --out "$name/model" --layers 2 --heads 2 --width 64 --context 48 --batch 8 \
    --learning-rate 3e-3 --warmup 10 --seed 5 --trace-ring 0 "$@" >"$name/train.log"
  "$nodezero" eval --model "$name/model" --data "$text" --json >"$name/eval.json"
  cp "$text" "$name/text.txt"
  local prompt
  for prompt in "You may copy" " The" $'\n\n' "(c) 2026; a, b"; do
    "$nodezero" generate --model "$name/model" --prompt "$prompt" --temperature 0 --tokens 24 --logprobs
  done >"$name/greedy.jsonl"
  "$nodezero" tokenize --tokenizer "$name/model" --data "$text" 2>/dev/null | head -c 20000 >"$name/ids.txt" || true
}

export_gguf() {  # NAME TYPE...
  local type
  for type in "${@:2}"; do
    "$nodezero" export --model "$1/model" --type "$type" --out "$1/$type.gguf" --force
  done
}

make_all() {
  mkdir -p "$1"
  cd "$1"
  make_texts
  make_model chars ascii.txt --tokenizer chars --steps 300
  make_model unicode unicode.txt --tokenizer chars --steps 300
  make_model bytes unicode.txt --steps 300 --prometheus "$PWD/run.prom"
  make_model bpe unicode.txt --tokenizer bpe --vocabulary 768 --steps 300
  if [ -n "${GPT2_VOCABULARY:-}" ]; then
    make_model gpt2 ascii.txt --tokenizer "$GPT2_VOCABULARY" --steps 40
  fi
  make_model kin ascii.txt --steps 300 --untied --inner 160 --layer-norm-epsilon 1e-3
  make_model relu ascii.txt --steps 100 --activation relu --unscaled-attention
  make_model exact ascii.txt --steps 100 --activation gelu-exact --inverse-layer-scaling
  local name
  for name in chars unicode bytes bpe gpt2 kin; do
    [ ! -d "$name" ] || export_gguf "$name" f32 f16
  done
  "$nodezero" export --model bpe/model --format safetensors --type bf16 --out bpe/bf16 --force
}

compare() {
  python3 "$here/tests/peers/compare.py" "$1"
  if command -v promtool >/dev/null; then
    promtool check metrics <"$1/run.prom"
    echo "promtool: the file for Prometheus passes"
  else
    echo "skipped: promtool is not installed"
  fi
  if [ -n "${NODE_MODULES:-}" ]; then
    NODE_MODULES=$(realpath "$NODE_MODULES") node "$here/tests/peers/read_gguf.mjs" "$(realpath "$1")"
  else
    echo "skipped: NODE_MODULES does not name the folder of @huggingface/gguf and node-llama-cpp"
  fi
}

case ${1:-} in
  make) make_all "$2" ;;
  compare) compare "$2" ;;
  "")
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    (make_all "$folder")
    compare "$folder"
    ;;
  *) sed -n '3,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
