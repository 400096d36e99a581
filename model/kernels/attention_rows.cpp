// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/attention_rows.hpp"

#include <cassert>

#include "model/kernels/kernels.hpp"

namespace nodezero::model {

float softmax_row(float scale, Vector scores) {
  return kernels().softmax(scores.size(), scale, scores.data());
}

float inner_product(ConstVector a, ConstVector b) {
  assert(a.size() == b.size());
  return kernels().inner_product(a.size(), a.data(), b.data());
}

void softmax_backward_row(float scale, float log_sum, float expected, ConstVector m, Vector scores,
                          Vector d_p) {
  assert(m.size() >= scores.size() && d_p.size() == scores.size());
  kernels().softmax_backward(scores.size(), scale, log_sum, expected, m.data(), scores.data(),
                             d_p.data());
}

bool end_at_mask(Vector y) {
  return kernels().end_at_mask(y.size(), y.data());
}

}  // namespace nodezero::model
