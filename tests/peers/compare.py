# SPDX-License-Identifier: BSD-3-Clause
"""Holds the models that scripts/check-interop.sh has made against transformers and llama.cpp.

    python3 compare.py DIR

A model's folder in DIR holds model/, eval.json (loss on text.txt), greedy.jsonl (four prompts with their greedy
continuations, token by token), ids.txt (the first ids of text.txt) and perhaps f32.gguf and f16.gguf.
"""

import json
import logging
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request
import warnings

import torch

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")
os.environ["HF_HUB_OFFLINE"] = "1"
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402

PROMPTS = ["You may copy", " The", "\n\n", "(c) 2026; a, b"]
GENERATED = 24
# Log-probabilities may differ by this much; llama.cpp's GELU is a table in half precision.
LARGEST = {"f32": 1e-3, "f16": 5e-3}

failures = []


def check(is_right, what):
    print(("ok    " if is_right else "WRONG ") + what, flush=True)
    if not is_right:
        failures.append(what)


class Reference:
    """A model and its tokenizer as transformers has them."""

    def __init__(self, folder):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model, info = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
        self.model.eval()
        self.problems = {key: list(value) for key, value in info.items() if value}
        self.context = self.model.config.n_positions

    def encode(self, text):
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def log_probabilities(self, ids):
        """Of the token that follows."""
        with torch.no_grad():
            return torch.log_softmax(self.model(torch.tensor([ids])).logits[0, -1].double(), -1)

    def greedy(self, ids, count):
        ids = list(ids)
        for _ in range(count):
            ids.append(int(self.log_probabilities(ids[-self.context:]).argmax()))
        return ids[-count:]

    def loss(self, ids):
        """The mean over windows of the context without overlap."""
        total = 0.0
        with torch.no_grad():
            for at in range(0, len(ids) - 1, self.context):
                targets = ids[at + 1:at + 1 + self.context]
                inputs = ids[at:at + len(targets)]
                total += torch.nn.functional.cross_entropy(
                    self.model(torch.tensor([inputs])).logits[0].double(), torch.tensor(targets),
                    reduction="sum").item()
        return total / (len(ids) - 1)


def compare_with_transformers(folder):
    name = folder.name
    reference = Reference(folder / "model")
    check(not reference.problems, f"{name}: transformers loads every tensor {reference.problems or ''}")
    text = (folder / "text.txt").read_bytes().decode(errors="replace")
    ids = reference.encode(text)
    ours = [int(number) for number in (folder / "ids.txt").read_text().split()[:-1]]
    check(len(ours) > 1000 and ids[:len(ours)] == ours, f"{name}: the same ids, {len(ours)} of them")
    found = json.loads((folder / "eval.json").read_text())
    check(found["tokens"] == len(ids) - 1, f"{name}: the same number of tokens, {len(ids) - 1}")
    difference = abs(found["loss"] - reference.loss(ids))
    check(difference < 1e-5, f"{name}: loss differs by {difference:.1e}")
    lines = [json.loads(line) for line in (folder / "greedy.jsonl").read_text().splitlines()]
    for prompt in PROMPTS:
        prompt_ids = reference.encode(prompt)
        # The tokens of the prompt, and those that follow, as far as the context goes.
        here, lines = lines[:len(prompt_ids) + GENERATED], lines[len(prompt_ids) + GENERATED:]
        sequence = [line["id"] for line in here[:reference.context]]
        expected = prompt_ids + reference.greedy(prompt_ids, len(sequence) - len(prompt_ids))
        check(sequence == expected, f"{name}: greedy text of {prompt!r}")
        worst = max([0.0] + [
            abs(reference.log_probabilities(sequence[:at])[sequence[at]].item() - here[at]["logprob"])
            for at in range(1, len(sequence))])
        check(worst < 1e-4, f"{name}: log-probabilities of {prompt!r} differ by {worst:.1e}")
    return reference


class Server:
    """llama-server with one file."""

    def __init__(self, path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            ["llama-server", "-m", path, "--port", str(port), "--host", "127.0.0.1", "-t", "1", "-np", "1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        for _ in range(600):
            try:
                if json.load(urllib.request.urlopen(self.url + "/health", timeout=5))["status"] == "ok":
                    return self
            except (OSError, ValueError):
                pass
            if self.process.poll() is not None:
                raise RuntimeError("llama-server has ended")
            time.sleep(0.1)
        raise RuntimeError("llama-server does not answer")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, path, **body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request, timeout=120))


def compare_with_llama(folder, form, reference):
    name = f"{folder.name}, {form}.gguf"
    vocabulary = reference.model.config.vocab_size
    worst = 0.0
    with Server(folder / f"{form}.gguf") as server:
        for prompt in PROMPTS:
            ids = reference.encode(prompt)
            theirs = server.ask("/tokenize", content=prompt, add_special=False, parse_special=False)["tokens"]
            check(theirs == ids, f"{name}: ids of {prompt!r}")
            answer = server.ask("/completion", prompt=ids, n_predict=1, temperature=0, n_probs=vocabulary + 1,
                                cache_prompt=False, samplers=["temperature"])
            expected = reference.log_probabilities(ids)
            found = [p for p in answer["completion_probabilities"][0]["top_logprobs"] if p["id"] < vocabulary]
            check(len(found) == vocabulary, f"{name}: {len(found)} log-probabilities")
            worst = max([worst] + [abs(expected[p["id"]].item() - p["logprob"]) for p in found])
            # Tokens that are as good as equally likely may change places in half precision.
            room = reference.context - len(ids)
            answer = server.ask("/completion", prompt=ids, n_predict=room, temperature=0, cache_prompt=False,
                                return_tokens=True)
            if form == "f32":
                check(answer["tokens"] == reference.greedy(ids, room),
                      f"{name}: greedy text of {prompt!r} to the end of the context")
            else:
                check(len(answer["tokens"]) == room, f"{name}: no text ends early after {prompt!r}")
    check(worst <= LARGEST[form], f"{name}: log-probabilities differ by {worst:.1e}")


def main():
    torch.set_num_threads(1)
    folder = pathlib.Path(sys.argv[1])
    for model in sorted(path.parent for path in folder.glob("*/model")):
        reference = compare_with_transformers(model)
        for form in LARGEST:
            if (model / f"{form}.gguf").exists():
                compare_with_llama(model, form, reference)
    bf16 = Reference(folder / "bpe" / "bf16")
    check(not bf16.problems and bf16.model.config.dtype in (torch.bfloat16, torch.float32, "bfloat16"),
          f"the folder in bf16 loads {bf16.problems or ''}")
    check(abs(bf16.loss(bf16.encode((folder / "bpe" / "text.txt").read_text())[:5000]) -
              reference_loss(folder / "bpe")) < 0.02, "the folder in bf16 has about the same loss")
    print(f"{len(failures)} differences")
    sys.exit(len(failures) > 0)


def reference_loss(folder):
    whole = Reference(folder / "model")
    return whole.loss(whole.encode((folder / "text.txt").read_text())[:5000])


main()
