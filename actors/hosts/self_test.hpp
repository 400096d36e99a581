// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/training/trained_model.hpp"

namespace nodezero::actors {

/// A hash of the gradient of one made-up sequence, with the run's own sizes and precision but one
/// layer: the same on every machine that computes as it should. Of a host's model, for which no
/// batch can be made up, a hash of the initial weights. Computes in the calling thread.
std::uint64_t self_test(const model::TrainedModel& trained, const model::TrainingConfig& training);

}  // namespace nodezero::actors
