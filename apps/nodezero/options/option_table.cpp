// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/options/option_table.hpp"

#include <algorithm>
#include <array>

namespace nodezero::apps {

std::span<const Option> option_table() {
  constexpr double any = 0;
  constexpr double huge = 1e15;
  constexpr auto fixed = OnResume::fixed;
  constexpr auto free = OnResume::may_change;
  static const auto table = std::to_array<Option>({
      {{"preset", "Data and model", fixed, any, any,
        "Replaces the defaults below: demo, shakespeare-cpu, shakespeare-gpu, gpt2-124m or "
        "reference"},
       [](TrainOptions& o) -> OptionValue { return &o.preset; }},
      {{"data", "Data and model", fixed, any, any,
        "Text files or folders, in any encoding if --tokenizer is bytes, also packed (.gz, .zst); "
        "token files (.bin, .npy); or - for standard input"},
       [](TrainOptions& o) -> OptionValue { return &o.data; }},
      {{"tokenizer", "Data and model", fixed, any, any,
        "bytes: one token per byte; chars: one per character of UTF-8 text; bpe: train a "
        "byte-level "
        "BPE of --vocabulary tokens on the training part; or a file or folder with one, such as "
        "GPT-2's (a file called bytes is ./bytes)"},
       [](TrainOptions& o) -> OptionValue { return &o.tokenizer; }},
      {{"vocabulary", "Data and model", fixed, 1, 16'777'216,
        "Number of token ids in token files; with --tokenizer bpe, of tokens to train, from 257 on "
        "and "
        "4,096 if not given"},
       [](TrainOptions& o) -> OptionValue { return &o.vocabulary; }},
      {{"token-type", "Data and model", fixed, any, any,
        "How .bin files without a header store an id: uint16, uint32, or auto (uint16, unless that "
        "looks wrong)"},
       [](TrainOptions& o) -> OptionValue { return &o.token_type; }},
      {{"binary", "Data and model", fixed, any, any,
        "Train on the bytes of files that are not text, such as pictures"},
       [](TrainOptions& o) -> OptionValue { return &o.binary; }},
      {{"validation", "Data and model", fixed, any, any,
        "Held-out text: a fraction taken from the end of the data, 0 for none, or a file"},
       [](TrainOptions& o) -> OptionValue { return &o.validation; }},
      {{"init", "Data and model", fixed, any, any,
        "Model folder to start from: its weights, sizes and tokenizer"},
       [](TrainOptions& o) -> OptionValue { return &o.init; }},

      {{"layers", "Sizes", fixed, 1, 10'000, "Transformer blocks"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.layers; }},
      {{"heads", "Sizes", fixed, 1, 65'536, "Attention heads; must divide --width"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.heads; }},
      {{"width", "Sizes", fixed, 1, 1'048'576, "Channels of the residual stream"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.width; }},
      {{"context", "Sizes", fixed, 1, 1'048'576, "Tokens in a training window"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.context; }},
      {{"inner", "Sizes", fixed, any, 4'194'304,
        "Channels inside the MLP of a block; 0: four times --width"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.inner; }},

      {{"activation", "Family", fixed, any, any,
        "Of the MLP: gelu (GPT-2's, by tanh), gelu-exact (by erf) or relu"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.activation; }},
      {{"untied", "Family", fixed, any, any,
        "Give the output a matrix of its own instead of the token embedding"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.untied; }},
      {{"layer-norm-epsilon", "Family", fixed, any, 1,
        "What LayerNorm adds to the variance, above 0 and below 1"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.layer_norm_epsilon; }},
      {{"unscaled-attention", "Family", fixed, any, any,
        "Do not divide the scores of attention by the root of a head's width"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.unscaled_attention; }},
      {{"inverse-layer-scaling", "Family", fixed, any, any,
        "Divide the scores of attention in block 1, 2, ... by 1, 2, ..."},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.inverse_layer_scaling; }},

      {{"epochs", "Training", OnResume::may_grow, 1, 1'000'000, "Passes over the training text"},
       [](TrainOptions& o) -> OptionValue { return &o.training.epochs; }},
      {{"steps", "Training", OnResume::may_grow, any, huge,
        "Optimizer steps, instead of --epochs; 0: until the epochs are done"},
       [](TrainOptions& o) -> OptionValue { return &o.training.steps; }},
      {{"micro-batches", "Training", fixed, 1, 1'000'000,
        "Micro-batches per step; one sphere computes one micro-batch at a time"},
       [](TrainOptions& o) -> OptionValue { return &o.training.micro_batches; }},
      {{"batch", "Training", fixed, 1, 1'000'000, "Sequences per micro-batch"},
       [](TrainOptions& o) -> OptionValue { return &o.training.sequences; }},
      {{"seed", "Training", fixed, any, 1.9e19,
        "Seed of the initial weights, the data order and dropout"},
       [](TrainOptions& o) -> OptionValue { return &o.training.seed; }},
      {{"learning-rate", "Training", fixed, any, 1e30,
        "Peak learning rate, reached after the warm-up"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.learning_rate; }},
      {{"min-learning-rate", "Training", fixed, any, 1e30, "Learning rate at the end of the decay"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.min_learning_rate; }},
      {{"warmup", "Training", fixed, any, huge, "Steps of linear warm-up"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.warmup; }},
      {{"schedule", "Training", fixed, any, any,
        "Learning rate after the warm-up: cosine (falls to --min-learning-rate until the last "
        "step), "
        "constant, or wsd (constant, then falls over the last --decay-steps)"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.schedule; }},
      {{"decay-steps", "Training", fixed, any, huge,
        "Steps of decay with --schedule wsd; 0: a tenth of all"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.decay_steps; }},
      {{"beta1", "Training", fixed, any, 1, "Decay rate of AdamW's first moment, below 1"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.beta1; }},
      {{"beta2", "Training", fixed, any, 1, "Decay rate of AdamW's second moment, below 1"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.beta2; }},
      {{"weight-decay", "Training", fixed, any, 1e30, "Decoupled weight decay, for matrices only"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.weight_decay; }},
      {{"clip", "Training", fixed, any, 1e30, "Clip the gradient's norm to this; 0: no clipping"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.clip; }},
      {{"dropout", "Training", fixed, any, 1, "Probability of dropping a value, below 1"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.dropout; }},
      {{"precision", "Training", fixed, any, any,
        "fp32, or bf16 or bf16-tile for the inputs of matrix products; the rest stays fp32"},
       [](TrainOptions& o) -> OptionValue { return &o.training.precision; }},
      {{"exchange", "Training", fixed, any, any,
        "fp32, or bf16: round sums of gradients at random, so that half as many bytes of them "
        "cross "
        "between machines"},
       [](TrainOptions& o) -> OptionValue { return &o.training.exchange; }},
      {{"exchange-from", "Training", fixed, 2, 1LL << 30,
        "With --exchange bf16: the fewest micro-batches whose sum is rounded, a power of two"},
       [](TrainOptions& o) -> OptionValue { return &o.training.exchange_from; }},

      {{"spheres", "Spheres", free, 1, 1'000'000,
        "Worker spheres, the units of assignment and failure; speed comes from --threads"},
       [](TrainOptions& o) -> OptionValue { return &o.spheres; }},
      {{"threads", "Spheres", free, any, 1'024, "Computing threads; 0: one per core"},
       [](TrainOptions& o) -> OptionValue { return &o.threads; }},
      {{"symmetry", "Spheres", free, 2, 65'536,
        "Most children of a sphere, and the number of token groups"},
       [](TrainOptions& o) -> OptionValue { return &o.symmetry; }},
      {{"routing", "Spheres", free, any, any,
        "Which sphere computes a micro-batch: balanced, dominant or round-robin; has no effect on "
        "the result"},
       [](TrainOptions& o) -> OptionValue { return &o.routing; }},
      {{"stall-timeout", "Spheres", free, 1, 1e9,
        "Fail the run after this many seconds without progress"},
       [](TrainOptions& o) -> OptionValue { return &o.stall_timeout_s; }},

      {{"eval-every", "Evaluation and checkpoints", free, any, huge,
        "Steps between validations; 0: at the end of each epoch only"},
       [](TrainOptions& o) -> OptionValue { return &o.evaluate_every; }},
      {{"eval-tokens", "Evaluation and checkpoints", fixed, any, huge,
        "Tokens used for each validation, from the start of the held-out text; 0: all"},
       [](TrainOptions& o) -> OptionValue { return &o.evaluation_tokens; }},
      {{"checkpoint-every", "Evaluation and checkpoints", free, any, huge,
        "Steps between checkpoints; 0: at the end only"},
       [](TrainOptions& o) -> OptionValue { return &o.checkpoint_every; }},
      {{"keep", "Evaluation and checkpoints", free, 1, 1'000'000,
        "Number of checkpoints to keep, newest first"},
       [](TrainOptions& o) -> OptionValue { return &o.keep; }},

      {{"prompt", "Samples", free, any, any,
        "Text to continue at the end of each epoch; may be given more than once"},
       [](TrainOptions& o) -> OptionValue { return &o.prompts; }},
      {{"sample-tokens", "Samples", free, any, 1'000'000, "Tokens per sample; 0: no samples"},
       [](TrainOptions& o) -> OptionValue { return &o.sample_tokens; }},
      {{"temperature", "Samples", free, any, 1e30,
        "Sampling temperature; 0 always takes the likeliest token"},
       [](TrainOptions& o) -> OptionValue { return &o.sampling.temperature; }},
      {{"top-k", "Samples", free, any, huge, "Sample from the k likeliest tokens; 0: all"},
       [](TrainOptions& o) -> OptionValue { return &o.sampling.top_k; }},
      {{"top-p", "Samples", free, any, 1,
        "Sample from the likeliest tokens that together have this probability, above 0"},
       [](TrainOptions& o) -> OptionValue { return &o.sampling.top_p; }},
      {{"inference-policy", "Samples", free, any, any,
        "What happens to a request for text during training: snapshot (answer at once), wait (for "
        "the end of the epoch) or refuse"},
       [](TrainOptions& o) -> OptionValue { return &o.inference; }},

      {{"tensorboard", "Recording", free, any, any,
        "Also write losses, rates and samples to the run folder as TensorBoard reads them"},
       [](TrainOptions& o) -> OptionValue { return &o.tensorboard; }},
      {{"prometheus", "Recording", free, any, any,
        "Keep the latest losses and rates in this file, as node_exporter's textfile collector "
        "reads them"},
       [](TrainOptions& o) -> OptionValue { return &o.prometheus; }},
      {{"trace", "Recording", free, any, any, "Record every message of this session to this file"},
       [](TrainOptions& o) -> OptionValue { return &o.trace; }},
      {{"trace-ring", "Recording", free, any, 86'400,
        "Keep the last N seconds of messages in memory and write them to the run folder on a "
        "failure, a crash or SIGUSR1; 0: keep none"},
       [](TrainOptions& o) -> OptionValue { return &o.trace_ring_s; }},
  });
  return table;
}

const OptionSpec& option_spec(std::string_view name) {
  const auto table = option_table();
  return std::find_if(table.begin(), table.end(),
                      [&](const Option& option) { return option.spec.name == name; })
      ->spec;
}

void copy_value(const Option& option, const TrainOptions& from, TrainOptions& to) {
  TrainOptions source = from;
  std::visit([&](auto* value) { *value = *std::get<decltype(value)>(option.value_in(source)); },
             option.value_in(to));
}

}  // namespace nodezero::apps
