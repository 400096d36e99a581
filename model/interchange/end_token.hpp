// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/gpt2/model_config.hpp"
#include "model/storage/number_forms.hpp"
#include "model/tensors/tensor_set.hpp"

namespace nodezero::model {

/// An embedding for one more token, whose logit is the same everywhere and so low that the token is
/// never taken. llama.cpp needs an end token, and without one takes id 11, which may be a
/// character.
///
/// Behind the last LayerNorm a state is x = g n + b with sum(n) = 0. The row c / g therefore has
/// the logit c sum(b / g) whatever n is; c is chosen for -100.
struct EndRow {
  std::vector<float> row;
  NumberForm form = NumberForm::f32;  ///< in which the row is precise enough
};

/// Tries `form`, then f32. Nothing if there is no such row, as before the first step, when b is 0,
/// or if on text that the model writes itself the logit is not within 0.5 of -100 everywhere.
std::optional<EndRow> find_end_row(const ModelConfig& config, const Parameters& weights,
                                   NumberForm form);

}  // namespace nodezero::model
