// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "apps/nodezero/options/train_options.hpp"

namespace nodezero::apps {

/// May an option of a run change when the run is resumed?
enum class OnResume {
  fixed,       ///< part of the arithmetic or of what is compared; a change is refused by name
  may_change,  ///< decides who computes, when something is reported or how long to wait
};

/// One option of `nodezero train`. Limits apply to numbers and are inclusive.
struct OptionSpec {
  const char* name;   ///< without the dashes
  const char* group;  ///< heading in the help text
  OnResume on_resume;
  double least;
  double most;
  const char* description;
};

/// The one list of the options of a run: the command line, the configuration file, run.json
/// and the comparison on resume are all driven by it. Calls `visit(spec, field)` for each;
/// `field(options)` is a reference to the option's value in a TrainOptions.
template <class Visitor>
void for_each_option(Visitor&& visit) {
  constexpr double any = 0;
  constexpr double huge = 1e15;
  constexpr auto fixed = OnResume::fixed;
  constexpr auto free = OnResume::may_change;
  const auto add = [&](OptionSpec spec, auto field) { visit(spec, field); };

  add(
      {"preset", "Data and model", fixed, any, any,
       "Other defaults than those below: demo, shakespeare-cpu, shakespeare-gpu or gpt2-124m"},
      [](auto& o) -> auto& { return o.preset; });
  add(
      {"data", "Data and model", fixed, any, any,
       "Files and folders of text (any encoding as bytes), or token files (.bin)"},
      [](auto& o) -> auto& { return o.data; });
  add(
      {"tokenizer", "Data and model", fixed, any, any,
       "bytes: a token a byte; chars: a token a character of UTF-8 text"},
      [](auto& o) -> auto& { return o.tokenizer; });
  add(
      {"vocabulary", "Data and model", fixed, 1, 65'536, "Number of token ids of .bin files"},
      [](auto& o) -> auto& { return o.vocabulary; });
  add(
      {"validation", "Data and model", fixed, any, any,
       "Held-out text: a fraction of the end of the data, 0 for none, or a file"},
      [](auto& o) -> auto& { return o.validation; });
  add(
      {"init", "Data and model", fixed, any, any,
       "Model folder whose weights, sizes and tokenizer the run starts from"},
      [](auto& o) -> auto& { return o.init; });

  add(
      {"layers", "Sizes", fixed, 1, 10'000, "Transformer blocks"},
      [](auto& o) -> auto& { return o.training.model.layers; });
  add(
      {"heads", "Sizes", fixed, 1, 65'536, "Attention heads; they divide the width"},
      [](auto& o) -> auto& { return o.training.model.heads; });
  add(
      {"width", "Sizes", fixed, 1, 1'048'576, "Channels of the residual stream"},
      [](auto& o) -> auto& { return o.training.model.width; });
  add(
      {"context", "Sizes", fixed, 1, 1'048'576, "Tokens of a training window"},
      [](auto& o) -> auto& { return o.training.model.context; });

  add(
      {"epochs", "Training", fixed, 1, huge, "Passes over the training text"},
      [](auto& o) -> auto& { return o.training.epochs; });
  add(
      {"steps", "Training", fixed, any, huge,
       "Optimizer steps instead of epochs; 0: as many as the epochs have"},
      [](auto& o) -> auto& { return o.training.steps; });
  add(
      {"micro-batches", "Training", fixed, 1, 1'000'000,
       "Micro-batches a step: what one sphere computes at a time"},
      [](auto& o) -> auto& { return o.training.micro_batches; });
  add(
      {"batch", "Training", fixed, 1, 1'000'000, "Sequences a micro-batch"},
      [](auto& o) -> auto& { return o.training.sequences; });
  add(
      {"seed", "Training", fixed, any, 1.9e19, "Of initial weights, order of data and dropout"},
      [](auto& o) -> auto& { return o.training.seed; });
  add(
      {"learning-rate", "Training", fixed, any, 1e30, "Largest learning rate, after the warm-up"},
      [](auto& o) -> auto& { return o.training.optimizer.learning_rate; });
  add(
      {"min-learning-rate", "Training", fixed, any, 1e30, "Learning rate at the end of the cosine"},
      [](auto& o) -> auto& { return o.training.optimizer.min_learning_rate; });
  add(
      {"warmup", "Training", fixed, any, huge, "Steps of linear warm-up"},
      [](auto& o) -> auto& { return o.training.optimizer.warmup; });
  add(
      {"beta1", "Training", fixed, any, 1, "Decay of AdamW's first moment, below 1"},
      [](auto& o) -> auto& { return o.training.optimizer.beta1; });
  add(
      {"beta2", "Training", fixed, any, 1, "Decay of AdamW's second moment, below 1"},
      [](auto& o) -> auto& { return o.training.optimizer.beta2; });
  add(
      {"weight-decay", "Training", fixed, any, 1e30, "Decoupled decay, on matrices only"},
      [](auto& o) -> auto& { return o.training.optimizer.weight_decay; });
  add(
      {"clip", "Training", fixed, any, 1e30, "Largest norm of a step's gradient; 0: no clipping"},
      [](auto& o) -> auto& { return o.training.optimizer.clip; });
  add(
      {"dropout", "Training", fixed, any, 1, "Probability to drop a value, below 1"},
      [](auto& o) -> auto& { return o.training.model.dropout; });
  add(
      {"precision", "Training", fixed, any, any,
       "Factors of matrix products: fp32 or bf16 (needs AVX512_BF16); all else is fp32"},
      [](auto& o) -> auto& { return o.training.precision; });

  add(
      {"spheres", "Spheres", free, 1, 1'000'000, "Worker spheres"},
      [](auto& o) -> auto& { return o.spheres; });
  add(
      {"threads", "Spheres", free, any, 1'024, "Threads that compute; 0: one a core"},
      [](auto& o) -> auto& { return o.threads; });
  add(
      {"symmetry", "Spheres", free, 2, 65'536, "Children of an inner sphere at most"},
      [](auto& o) -> auto& { return o.symmetry; });
  add(
      {"routing", "Spheres", free, any, any,
       "Who computes a micro-batch: balanced, dominant or round-robin"},
      [](auto& o) -> auto& { return o.routing; });
  add(
      {"stall-timeout", "Spheres", free, 1, 1e9,
       "Seconds without any progress after which the run fails"},
      [](auto& o) -> auto& { return o.stall_timeout_s; });

  add(
      {"eval-every", "Evaluation and checkpoints", free, any, huge,
       "Steps between validations; 0: at the end of each epoch only"},
      [](auto& o) -> auto& { return o.evaluate_every; });
  add(
      {"eval-tokens", "Evaluation and checkpoints", fixed, any, huge,
       "Validation tokens used while training, from the start of the part; 0: all"},
      [](auto& o) -> auto& { return o.evaluation_tokens; });
  add(
      {"checkpoint-every", "Evaluation and checkpoints", free, any, huge,
       "Steps between checkpoints; 0: at the end only"},
      [](auto& o) -> auto& { return o.checkpoint_every; });
  add(
      {"keep", "Evaluation and checkpoints", free, 1, 1'000'000, "Newest checkpoints to keep"},
      [](auto& o) -> auto& { return o.keep; });

  add(
      {"prompt", "Samples", free, any, any,
       "Text that is continued at the end of each epoch; may be given more than once"},
      [](auto& o) -> auto& { return o.prompts; });
  add(
      {"sample-tokens", "Samples", free, any, 1'000'000, "Tokens of a sample; 0: no samples"},
      [](auto& o) -> auto& { return o.sample_tokens; });
  add(
      {"temperature", "Samples", free, any, 1e30, "Of sampling; 0: always the likeliest token"},
      [](auto& o) -> auto& { return o.temperature; });
  add(
      {"top-k", "Samples", free, any, huge, "Sample from the k likeliest tokens; 0: from all"},
      [](auto& o) -> auto& { return o.top_k; });
  add(
      {"top-p", "Samples", free, any, 1,
       "Sample from the likeliest tokens that hold this probability, above 0"},
      [](auto& o) -> auto& { return o.top_p; });
  add(
      {"inference-policy", "Samples", free, any, any,
       "When a request is answered during training: snapshot (at once), wait (for the end of "
       "the epoch) or refuse"},
      [](auto& o) -> auto& { return o.inference_policy; });

  add(
      {"trace", "Recording", free, any, any,
       "File that every message of this session is recorded to"},
      [](auto& o) -> auto& { return o.trace; });
  add(
      {"trace-ring", "Recording", free, any, 86'400,
       "Seconds of messages kept in memory and written to the run folder when the run fails, "
       "crashes or gets SIGUSR1; 0: none"},
      [](auto& o) -> auto& { return o.trace_ring_s; });
}

}  // namespace nodezero::apps
