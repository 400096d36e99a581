// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cassert>
#include <span>

#include "model/gpt2/gpt2_layout.hpp"
#include "model/kernels/matrix.hpp"

namespace nodezero::model {

/// The tensors of a GPT-2 in one flat buffer: w(at.fc_weight) is a matrix [C, 4C].
template <class Value>
class Gpt2Tensors {
 public:
  explicit Gpt2Tensors(std::span<Value> values) : values_(values) {}

  bool empty() const { return values_.empty(); }
  MatrixMap<Value> operator()(const MatrixPlace& at) const {
    return {values_.subspan(at.offset), at.rows, at.columns};
  }
  VectorMap<Value> operator()(const VectorPlace& at) const {
    assert(at.offset + static_cast<std::size_t>(at.size) <= values_.size());
    return {values_.data() + at.offset, at.size};
  }

 private:
  std::span<Value> values_;
};

using Gpt2Weights = Gpt2Tensors<const float>;
using Gpt2Gradient = Gpt2Tensors<float>;

}  // namespace nodezero::model
