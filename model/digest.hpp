#pragma once

#include <string>

#include "model/adamw.hpp"
#include "model/tensor_set.hpp"

namespace nodezero::model {

/// SHA-256, as 64 hexadecimal digits, over the tensors' bytes in name order.
std::string digest(const TensorSet& set);

/// SHA-256 over the tensors exp_avg.* and exp_avg_sq.* in name order.
std::string digest(const OptimizerState& state);

}  // namespace nodezero::model
