// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "model/tensors/tensor_set.hpp"
#include "model/training/adamw.hpp"

namespace nodezero::model {

/// SHA-256, as 64 lower-case hexadecimal digits, over the tensors' bytes in name order: for
/// each tensor its values, row by row, as 32-bit IEEE numbers with the low byte first, and
/// nothing between. Names are compared byte by byte, so h.10 stands before h.2. In Python:
///
///     tensors = safetensors.numpy.load_file("model.safetensors")
///     sum = hashlib.sha256()
///     for name in sorted(tensors): sum.update(tensors[name].astype("<f4").tobytes())
///     print(sum.hexdigest())
std::string digest(const TensorSet& set);

/// SHA-256 in the same way over the tensors exp_avg.* and then exp_avg_sq.*, each in name
/// order: the content of a checkpoint's optimizer.safetensors.
std::string digest(const OptimizerState& state);

}  // namespace nodezero::model
