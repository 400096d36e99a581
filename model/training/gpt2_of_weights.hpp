// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "model/training/trained_model.hpp"

namespace nodezero::model {

/// A GPT-2 that is not trained any more: what generation makes of these weights is made now, and
/// kept as long as the model.
std::shared_ptr<const TrainedModel> gpt2_of_weights(
    const TrainingConfig& config, Precision generation,
    const std::shared_ptr<const Parameters>& weights);

}  // namespace nodezero::model
