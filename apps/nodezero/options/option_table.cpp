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
        "Other defaults than those below: demo, shakespeare-cpu, shakespeare-gpu or gpt2-124m"},
       [](TrainOptions& o) -> OptionValue { return &o.preset; }},
      {{"data", "Data and model", fixed, any, any,
        "Files and folders of text (any encoding as bytes), or token files (.bin)"},
       [](TrainOptions& o) -> OptionValue { return &o.data; }},
      {{"tokenizer", "Data and model", fixed, any, any,
        "bytes: a token a byte; chars: a token a character of UTF-8 text"},
       [](TrainOptions& o) -> OptionValue { return &o.tokenizer; }},
      {{"vocabulary", "Data and model", fixed, 1, 65'536, "Number of token ids of .bin files"},
       [](TrainOptions& o) -> OptionValue { return &o.vocabulary; }},
      {{"validation", "Data and model", fixed, any, any,
        "Held-out text: a fraction of the end of the data, 0 for none, or a file"},
       [](TrainOptions& o) -> OptionValue { return &o.validation; }},
      {{"init", "Data and model", fixed, any, any,
        "Model folder whose weights, sizes and tokenizer the run starts from"},
       [](TrainOptions& o) -> OptionValue { return &o.init; }},

      {{"layers", "Sizes", fixed, 1, 10'000, "Transformer blocks"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.layers; }},
      {{"heads", "Sizes", fixed, 1, 65'536, "Attention heads; they divide the width"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.heads; }},
      {{"width", "Sizes", fixed, 1, 1'048'576, "Channels of the residual stream"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.width; }},
      {{"context", "Sizes", fixed, 1, 1'048'576, "Tokens of a training window"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.context; }},

      {{"epochs", "Training", fixed, 1, huge, "Passes over the training text"},
       [](TrainOptions& o) -> OptionValue { return &o.training.epochs; }},
      {{"steps", "Training", fixed, any, huge,
        "Optimizer steps instead of epochs; 0: as many as the epochs have"},
       [](TrainOptions& o) -> OptionValue { return &o.training.steps; }},
      {{"micro-batches", "Training", fixed, 1, 1'000'000,
        "Micro-batches a step: what one sphere computes at a time"},
       [](TrainOptions& o) -> OptionValue { return &o.training.micro_batches; }},
      {{"batch", "Training", fixed, 1, 1'000'000, "Sequences a micro-batch"},
       [](TrainOptions& o) -> OptionValue { return &o.training.sequences; }},
      {{"seed", "Training", fixed, any, 1.9e19, "Of initial weights, order of data and dropout"},
       [](TrainOptions& o) -> OptionValue { return &o.training.seed; }},
      {{"learning-rate", "Training", fixed, any, 1e30, "Largest learning rate, after the warm-up"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.learning_rate; }},
      {{"min-learning-rate", "Training", fixed, any, 1e30,
        "Learning rate at the end of the cosine"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.min_learning_rate; }},
      {{"warmup", "Training", fixed, any, huge, "Steps of linear warm-up"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.warmup; }},
      {{"beta1", "Training", fixed, any, 1, "Decay of AdamW's first moment, below 1"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.beta1; }},
      {{"beta2", "Training", fixed, any, 1, "Decay of AdamW's second moment, below 1"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.beta2; }},
      {{"weight-decay", "Training", fixed, any, 1e30, "Decoupled decay, on matrices only"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.weight_decay; }},
      {{"clip", "Training", fixed, any, 1e30, "Largest norm of a step's gradient; 0: no clipping"},
       [](TrainOptions& o) -> OptionValue { return &o.training.optimizer.clip; }},
      {{"dropout", "Training", fixed, any, 1, "Probability to drop a value, below 1"},
       [](TrainOptions& o) -> OptionValue { return &o.training.model.dropout; }},
      {{"precision", "Training", fixed, any, any,
        "Factors of matrix products: fp32 or bf16 (needs AVX512_BF16); all else is fp32"},
       [](TrainOptions& o) -> OptionValue { return &o.training.precision; }},

      {{"spheres", "Spheres", free, 1, 1'000'000, "Worker spheres"},
       [](TrainOptions& o) -> OptionValue { return &o.spheres; }},
      {{"threads", "Spheres", free, any, 1'024, "Threads that compute; 0: one a core"},
       [](TrainOptions& o) -> OptionValue { return &o.threads; }},
      {{"symmetry", "Spheres", free, 2, 65'536, "Children of an inner sphere at most"},
       [](TrainOptions& o) -> OptionValue { return &o.symmetry; }},
      {{"routing", "Spheres", free, any, any,
        "Who computes a micro-batch: balanced, dominant or round-robin"},
       [](TrainOptions& o) -> OptionValue { return &o.routing; }},
      {{"stall-timeout", "Spheres", free, 1, 1e9,
        "Seconds without any progress after which the run fails"},
       [](TrainOptions& o) -> OptionValue { return &o.stall_timeout_s; }},

      {{"eval-every", "Evaluation and checkpoints", free, any, huge,
        "Steps between validations; 0: at the end of each epoch only"},
       [](TrainOptions& o) -> OptionValue { return &o.evaluate_every; }},
      {{"eval-tokens", "Evaluation and checkpoints", fixed, any, huge,
        "Validation tokens used while training, from the start of the part; 0: all"},
       [](TrainOptions& o) -> OptionValue { return &o.evaluation_tokens; }},
      {{"checkpoint-every", "Evaluation and checkpoints", free, any, huge,
        "Steps between checkpoints; 0: at the end only"},
       [](TrainOptions& o) -> OptionValue { return &o.checkpoint_every; }},
      {{"keep", "Evaluation and checkpoints", free, 1, 1'000'000, "Newest checkpoints to keep"},
       [](TrainOptions& o) -> OptionValue { return &o.keep; }},

      {{"prompt", "Samples", free, any, any,
        "Text that is continued at the end of each epoch; may be given more than once"},
       [](TrainOptions& o) -> OptionValue { return &o.prompts; }},
      {{"sample-tokens", "Samples", free, any, 1'000'000, "Tokens of a sample; 0: no samples"},
       [](TrainOptions& o) -> OptionValue { return &o.sample_tokens; }},
      {{"temperature", "Samples", free, any, 1e30, "Of sampling; 0: always the likeliest token"},
       [](TrainOptions& o) -> OptionValue { return &o.temperature; }},
      {{"top-k", "Samples", free, any, huge, "Sample from the k likeliest tokens; 0: from all"},
       [](TrainOptions& o) -> OptionValue { return &o.top_k; }},
      {{"top-p", "Samples", free, any, 1,
        "Sample from the likeliest tokens that hold this probability, above 0"},
       [](TrainOptions& o) -> OptionValue { return &o.top_p; }},
      {{"inference-policy", "Samples", free, any, any,
        "When a request is answered during training: snapshot (at once), wait (for the end of "
        "the epoch) or refuse"},
       [](TrainOptions& o) -> OptionValue { return &o.inference_policy; }},

      {{"trace", "Recording", free, any, any,
        "File that every message of this session is recorded to"},
       [](TrainOptions& o) -> OptionValue { return &o.trace; }},
      {{"trace-ring", "Recording", free, any, 86'400,
        "Seconds of messages kept in memory and written to the run folder when the run fails, "
        "crashes or gets SIGUSR1; 0: none"},
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
