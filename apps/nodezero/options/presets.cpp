// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/options/presets.hpp"

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"

namespace nodezero::apps {

namespace {

/// A small model for a few hundred kilobytes of text, worth looking at after two epochs and a
/// minute on two cores. Steps are small so that so little text gives enough of them.
void set_demo(TrainOptions& o) {
  o.training.model = {.layers = 4, .heads = 6, .width = 192, .context = 64};
  o.training.optimizer.learning_rate = 2e-3;
  o.training.optimizer.min_learning_rate = 1e-4;
  o.training.optimizer.warmup = 100;
  o.training.sequences = 1;
  o.training.micro_batches = 3;
  o.training.epochs = 2;
  o.spheres = 3;
  o.evaluate_every = 500;
  o.checkpoint_every = 500;
  o.prompts = {"This License ", "You may ", "The Program "};
  o.sample_tokens = 300;
  o.sampling.temperature = 0.6;
}

/// nanoGPT's Shakespeare character model, at the size its README uses on a CPU.
void set_shakespeare_cpu(TrainOptions& o) {
  o.tokenizer = "chars";
  o.training.model = {.layers = 4, .heads = 4, .width = 128, .context = 64};
  o.training.optimizer = {.learning_rate = 1e-3,
                          .min_learning_rate = 1e-4,
                          .warmup = 100,
                          .beta1 = 0.9,
                          .beta2 = 0.99,
                          .weight_decay = 0.1,
                          .clip = 1.0};
  o.training.sequences = 6;
  o.training.micro_batches = 2;
  o.training.steps = 2'000;
  o.evaluate_every = 250;
}

/// nanoGPT's Shakespeare character model at full size.
void set_shakespeare_gpu(TrainOptions& o) {
  set_shakespeare_cpu(o);
  o.training.model = {.layers = 6, .heads = 6, .width = 384, .context = 256, .dropout = 0.2};
  o.training.sequences = 8;
  o.training.micro_batches = 8;
  o.training.steps = 5'000;
}

/// The smallest GPT-2, on files of GPT-2 tokens, with about half a million tokens per step.
/// Micro-batches are small because each lane holds the logits of one.
void set_gpt2_124m(TrainOptions& o) {
  o.training.model = {.layers = 12, .heads = 12, .width = 768, .context = 1'024};
  o.training.optimizer = {.learning_rate = 6e-4,
                          .min_learning_rate = 6e-5,
                          .warmup = 2'000,
                          .beta1 = 0.9,
                          .beta2 = 0.95,
                          .weight_decay = 0.1,
                          .clip = 1.0};
  o.vocabulary = 50'257;
  o.training.sequences = 2;
  o.training.micro_batches = 240;
  o.training.steps = 600'000;
  o.validation = "0.0005";
  o.evaluate_every = 1'000;
}

/// The run that reference/nodezero.cpp makes in one file of plain C++, to the same bits. Odd sizes,
/// so that nothing comes out even; no more steps than a loop without vectors takes in a few
/// seconds.
void set_reference(TrainOptions& o) {
  o.training.model = {.layers = 2, .heads = 3, .width = 51, .context = 67, .dropout = 0.1};
  o.training.optimizer = {.learning_rate = 3e-3,
                          .min_learning_rate = 3e-4,
                          .warmup = 2,
                          .beta1 = 0.9,
                          .beta2 = 0.95,
                          .weight_decay = 0.1,
                          .clip = 1.0};
  o.training.sequences = 2;
  o.training.micro_batches = 5;
  o.training.steps = 6;
}

struct Preset {
  const char* name;
  void (*set)(TrainOptions&);
};

constexpr Preset presets[] = {{"demo", set_demo},
                              {"shakespeare-cpu", set_shakespeare_cpu},
                              {"shakespeare-gpu", set_shakespeare_gpu},
                              {"gpt2-124m", set_gpt2_124m},
                              {"reference", set_reference}};

}  // namespace

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets) {
    names.emplace_back(preset.name);
  }
  return names;
}

TrainOptions preset_options(const std::string& name) {
  TrainOptions options;
  options.preset = name;
  if (name.empty()) {
    return options;
  }
  for (const Preset& preset : presets) {
    if (name == preset.name) {
      preset.set(options);
      return options;
    }
  }
  throw CommandError(exit_bad_input,
                     fmt::format("--preset must be {}, not '{}'", either_of(preset_names()), name));
}

}  // namespace nodezero::apps
