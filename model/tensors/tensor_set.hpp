// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/tensors/aligned_buffer.hpp"

namespace nodezero::model {

/// A tensor, and its place in the flat buffer of its set.
struct TensorInfo {
  std::string name;                 ///< Hugging Face's name, such as transformer.h.0.ln_1.bias
  std::vector<std::int64_t> shape;  ///< in Hugging Face's layout: linear weights are [in, out]
  std::size_t offset = 0;           ///< in floats, a multiple of 16
  std::size_t size = 0;             ///< in floats, without padding
  bool decayed = false;             ///< weight decay applies: at least 2 dimensions
};

/// The list of a model's tensors, which drives allocation, gradients, the optimizer, saving and
/// digests. Tensors are sorted by name. Each starts on a 64-byte boundary, and the padding between
/// them is always zero.
class TensorLayout {
 public:
  /// Takes names and shapes, sorts by name and computes everything else.
  /// @throws std::length_error if there are more than `most_values`
  explicit TensorLayout(std::vector<TensorInfo> tensors);

  std::span<const TensorInfo> tensors() const { return tensors_; }
  const TensorInfo* find(std::string_view name) const;
  std::size_t buffer_size() const { return buffer_size_; }          ///< floats with padding
  std::size_t parameter_count() const { return parameter_count_; }  ///< floats without padding

 private:
  std::vector<TensorInfo> tensors_;
  std::size_t buffer_size_ = 0;
  std::size_t parameter_count_ = 0;
};

/// The values of all tensors of a layout in one flat buffer: weights, a gradient, or a moment of
/// the optimizer.
class TensorSet {
 public:
  explicit TensorSet(std::shared_ptr<const TensorLayout> layout);

  const std::shared_ptr<const TensorLayout>& layout() const { return layout_; }
  std::span<float> values() { return buffer_.span(); }
  std::span<const float> values() const { return buffer_.span(); }
  std::span<float> operator[](const TensorInfo& tensor) {
    return values().subspan(tensor.offset, tensor.size);
  }
  std::span<const float> operator[](const TensorInfo& tensor) const {
    return values().subspan(tensor.offset, tensor.size);
  }
  /// The values of the tensor of that name, which must exist.
  std::span<float> at(std::string_view name) { return (*this)[*layout_->find(name)]; }
  std::span<const float> at(std::string_view name) const { return (*this)[*layout_->find(name)]; }

 private:
  std::shared_ptr<const TensorLayout> layout_;
  AlignedBuffer buffer_;
};

/// A complete version of the weights, shared as shared_ptr<const Parameters>.
using Parameters = TensorSet;
using Gradient = TensorSet;

}  // namespace nodezero::model
