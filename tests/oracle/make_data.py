# SPDX-License-Identifier: BSD-3-Clause
"""Makes the numbers that oracle_test and the tests of the model compare with: what PyTorch and the
Hugging Face library compute, and files as they write them.

    python3 tests/oracle/make_data.py tests/oracle/data [steps] [trained] [family]

The data that lie there come from Debian's packages python3-torch 2.14.1, python3-transformers
5.12.1, python3-tokenizers 0.23.1 and python3-safetensors 0.8.0 (sid, November 2026), on one thread.
Other versions give other last digits. text.txt is not made here: it was written for these tests.
"""

import hashlib
import json
import pathlib
import random
import sys

import numpy
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

BETAS, EPSILON, WEIGHT_DECAY, CLIP_NORM = (0.9, 0.99), 1e-8, 0.1, 1.0


def gpt2(seed, layers, heads, width, context, vocabulary):
    """A GPT-2 without dropout, with initial weights of the library's."""
    torch.manual_seed(seed)
    return GPT2LMHeadModel(GPT2Config(
        n_layer=layers, n_head=heads, n_embd=width, n_positions=context, vocab_size=vocabulary,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=None, eos_token_id=None))


# What sets the models of GPT-2's family apart, by itself and all at once.
FAMILY = {
    "relu": {"activation_function": "relu"},
    "gelu-exact": {"activation_function": "gelu"},
    "untied": {"tie_word_embeddings": False},
    "inner": {"n_inner": 10},
    "epsilon": {"layer_norm_epsilon": 1e-2},
    "unscaled": {"scale_attn_weights": False},
    "by-layer": {"scale_attn_by_inverse_layer_idx": True},
    "all": {"activation_function": "gelu", "tie_word_embeddings": False, "n_inner": 40,
            "layer_norm_epsilon": 1e-3, "scale_attn_weights": False,
            "scale_attn_by_inverse_layer_idx": True},
}


def adamw(model, rate):
    """AdamW that decays tensors of two or more dimensions and no others."""
    parameters = list(model.parameters())
    return torch.optim.AdamW(
        [{"params": [p for p in parameters if p.dim() >= 2], "weight_decay": WEIGHT_DECAY},
         {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}],
        lr=rate, betas=BETAS, eps=EPSILON)


def mean_loss(model, ids, offsets, window):
    """Of the window at each offset: every token but the first, given those before it."""
    windows = torch.stack([ids[o:o + window] for o in offsets])
    logits = model(windows[:, :-1]).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())


def write_json(path, value):
    path.write_text(json.dumps(value) + "\n")


def make_steps(folder, ids, chars):
    """Optimizer steps from init/ to final/, as tests/oracle/oracle.hpp describes them."""
    steps, micro_batches, batch, context, rate = 20, 3, 4, 24, 1e-3
    model = gpt2(1, layers=2, heads=3, width=24, context=context, vocabulary=len(chars))
    model.save_pretrained(folder / "init")
    optimizer = adamw(model, rate)
    numbers = random.Random(1)
    done = []
    for step in range(steps):
        offsets = [[numbers.randrange(len(ids) - context) for _ in range(batch)]
                   for _ in range(micro_batches)]
        optimizer.zero_grad()
        loss = mean_loss(model, ids, sum(offsets, []), context + 1)
        loss.backward()
        if step == 0:
            save_file({name: p.grad for name, p in model.named_parameters()},
                      folder / "gradients_step0.safetensors", metadata={"format": "pt"})
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
        optimizer.step()
        done.append({"offsets": offsets, "loss": loss.item()})
    model.save_pretrained(folder / "final")
    write_json(folder / "steps.json", {
        "text": "text.txt", "chars": chars, "context": context, "batch": batch,
        "micro_batches": micro_batches, "learning_rate": rate, "betas": BETAS, "epsilon": EPSILON,
        "weight_decay": WEIGHT_DECAY, "clip_norm": CLIP_NORM, "steps": done})


def make_trained(folder, ids, chars):
    """A model that has learnt the text, with its tokenizer and what it says to a prompt."""
    context, prompt, window = 32, "The lamp burned", 32
    model = gpt2(2, layers=2, heads=4, width=32, context=context, vocabulary=len(chars))
    optimizer = adamw(model, 1e-2)
    numbers = random.Random(2)
    for _ in range(1500):
        optimizer.zero_grad()
        offsets = [numbers.randrange(len(ids) - context) for _ in range(16)]
        mean_loss(model, ids, offsets, context + 1).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
        optimizer.step()
    model.save_pretrained(folder)

    # One token for each character: byte-level BPE without a merge.
    tokenizer = Tokenizer(models.BPE(
        {{"\n": "\u010a", " ": "\u0120"}.get(c, c): i for i, c in enumerate(chars)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer,
                            model_max_length=context).save_pretrained(folder)

    offsets = list(range(0, len(ids) - window, window))
    with torch.no_grad():
        prompt_ids = tokenizer.encode(prompt).ids
        numpy.save(folder / "ref_logits.npy", model(torch.tensor([prompt_ids])).logits[0].numpy())
        greedy = list(prompt_ids)
        while len(greedy) < context:
            greedy.append(model(torch.tensor([greedy])).logits[0, -1].argmax().item())
        loss = mean_loss(model, ids, offsets, window).item()
    weights = hashlib.sha256()
    for _, parameter in sorted(model.named_parameters()):
        weights.update(parameter.detach().numpy().tobytes())
    write_json(folder / "ref.json", {
        "prompt_ids": prompt_ids, "greedy": greedy, "greedy_text": tokenizer.decode(greedy),
        "text": "text.txt", "window": window, "offsets": offsets, "loss": loss,
        "sha256": weights.hexdigest()})


def make_family(folder, ids, chars):
    """Models with uneven weights, each with the mean loss of some windows and its gradient. Both
    are computed in double from the weights in fp32, so that PyTorch's own rounding does not count."""
    context, offsets = 10, [3, 400, 777, 1234]
    for seed, (name, kind) in enumerate(FAMILY.items()):
        torch.manual_seed(10 + seed)
        model = GPT2LMHeadModel(GPT2Config(
            n_layer=2, n_head=2, n_embd=6, n_positions=context, vocab_size=len(chars),
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=None, eos_token_id=None,
            attn_implementation="eager", **kind))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.3 * torch.randn_like(parameter)
        model.save_pretrained(folder / name)
        model = model.double()
        loss = mean_loss(model, ids, offsets, context + 1)
        loss.backward()
        save_file({n: p.grad.float() for n, p in model.named_parameters()},
                  folder / name / "gradients.safetensors", metadata={"format": "pt"})
        write_json(folder / name / "loss.json", {
            "text": "text.txt", "chars": chars, "context": context, "offsets": offsets,
            "loss": loss.item()})


def main():
    folder = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    text = (folder / "text.txt").read_text()
    chars = "".join(sorted(set(text)))
    ids = torch.tensor([chars.index(c) for c in text])
    makers = {"steps": make_steps, "trained": make_trained, "family": make_family}
    for name in sys.argv[2:] or makers:
        (folder / name).mkdir(exist_ok=True)
        makers[name](folder / name, ids, chars)


main()
