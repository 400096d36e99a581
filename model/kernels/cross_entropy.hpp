// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace nodezero::model {

/// -log softmax(logits)[target] of one row of `vocabulary` logits, in nats.
double negative_log_likelihood(std::int64_t vocabulary, const float* logits, std::int32_t target);

/// The same, and turns the logits into the derivative softmax(logits) - [v = target].
double cross_entropy_backward(std::int64_t vocabulary, float* logits, std::int32_t target);

}  // namespace nodezero::model
