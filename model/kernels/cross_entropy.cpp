// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/cross_entropy.hpp"

#include "model/kernels/kernels.hpp"

namespace nodezero::model {

double negative_log_likelihood(ConstVector logits, std::int32_t target) {
  return kernels().negative_log_likelihood(logits.size(), logits.data(), target);
}

double cross_entropy_backward(Vector logits, std::int32_t target) {
  return kernels().cross_entropy_backward(logits.size(), logits.data(), target);
}

}  // namespace nodezero::model
