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
  std::string name;                 ///< UTF-8, unique within the model
  std::vector<std::int64_t> shape;  ///< row-major; weight decay applies from 2 dimensions on
};

/// The position of a tensor in the buffer that holds all of a model's tensors, in floats.
struct TensorPlace {
  std::size_t offset = 0;
  std::size_t size = 0;
};

/// The values of all tensors of a model, in the order in which the model names them. This is a
/// view: valid only during the call it is passed to. Each tensor is aligned to 64 bytes.
///
///     float scale = parameters[0][0];                 // first value of the first tensor
///     for (float& value : gradient[1]) value = 0;     // all values of the second
template <class Value>
class TensorViews {
 public:
  TensorViews(Value* values, std::span<const TensorPlace> places)
      : values_(values), places_(places) {}

  std::size_t size() const { return places_.size(); }
  /// The values of a tensor, row by row. Requires tensor < size().
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
