// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/kernels/matrix.hpp"

namespace nodezero::model {

/// -log softmax(logits)[target] in nats: logits [V] of one token, target in [0, V).
double negative_log_likelihood(ConstVector logits, std::int32_t target);

/// The same, and overwrites the logits with the derivative softmax(logits)[v] - [v = target].
double cross_entropy_backward(Vector logits, std::int32_t target);

}  // namespace nodezero::model
