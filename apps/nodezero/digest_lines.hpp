#pragma once

#include <string>

#include "model/adamw.hpp"

namespace nodezero::apps {

/// One line for the weights and, if there is one, one for the optimizer's state: what it is
/// and the SHA-256 over its tensors' bytes in name order.
std::string digest_lines(const model::Parameters& weights, const model::OptimizerState* state);

}  // namespace nodezero::apps
