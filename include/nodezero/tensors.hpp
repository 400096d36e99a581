// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nodezero {

/// A named tensor of a model.
struct TensorSpec {
  std::string name;                 ///< unique in its model
  std::vector<std::int64_t> shape;  ///< row-major; weight decay applies to 2 dimensions
};

/// Where a tensor lies in the buffer of its set, in floats.
struct TensorPlace {
  std::size_t offset = 0;
  std::size_t size = 0;
};

/// The values of all tensors of a model, in the order in which the model names them. Only
/// looks: it must not outlive the call that it was given to. Each tensor begins on a 64-byte
/// border.
template <class Value>
class TensorViews {
 public:
  TensorViews(Value* values, std::span<const TensorPlace> places)
      : values_(values), places_(places) {}

  std::size_t size() const { return places_.size(); }
  /// Row by row. `tensor` counts from 0 and is below size().
  std::span<Value> operator[](std::size_t tensor) const {
    return {values_ + places_[tensor].offset, places_[tensor].size};
  }

 private:
  Value* values_;
  std::span<const TensorPlace> places_;
};

using ConstTensors = TensorViews<const float>;
using Tensors = TensorViews<float>;

}  // namespace nodezero
