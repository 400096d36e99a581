// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "actors/settings.hpp"
#include "model/tensors/tensor_set.hpp"

namespace nodezero::oracle {

/// Optimizer steps of a GPT-2 that another program computed: from the weights in `init` to
/// those in `final`, with the gradients of the first step and the loss of each.
///
/// A folder of that form holds init/ and final/ (model folders), gradients_step0.safetensors
/// (of the mean loss, before clipping) and steps.json: `text` (a file in the folder above),
/// `chars` (its alphabet), `context`, hyper-parameters, and for each step `offsets` (of every
/// sequence of every micro-batch; targets are one further) and `loss` (before the step).
struct Oracle {
  std::vector<double> losses;
  std::shared_ptr<const model::Gradient> first_gradient;
  std::shared_ptr<const model::Parameters> final_weights;
  actors::RunSettings settings;  ///< of a run that does the same steps
};

/// @throws std::runtime_error that says what is wrong with the folder
Oracle read_oracle(const std::filesystem::path& folder);

}  // namespace nodezero::oracle
