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

/// One tensor's place in the flat buffer of its set.
struct TensorInfo {
  std::string name;                 ///< Hugging Face's name, such as transformer.h.0.ln_1.bias
  std::vector<std::int64_t> shape;  ///< Hugging Face's layout, linear weights as [in, out]
  std::size_t offset = 0;           ///< in floats, a multiple of 16
  std::size_t size = 0;             ///< in floats, without padding
  bool decayed = false;             ///< weight decay applies (tensors of 2 dimensions)
};

/// The registry of a model's tensors: the one list from which allocation, zeroing,
/// gradients, the optimizer, saving and digests are driven. Tensors stand in name
/// order; each starts on a 64-byte border, the padding between them is always zero.
class TensorLayout {
 public:
  /// Takes names and shapes; sorts by name and works out everything else.
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

/// Values for every tensor of a layout in one flat buffer: weights, a gradient, or
/// a moment of the optimizer.
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
  /// The tensor of that name, which must exist.
  std::span<float> at(std::string_view name) { return (*this)[*layout_->find(name)]; }
  std::span<const float> at(std::string_view name) const { return (*this)[*layout_->find(name)]; }

 private:
  std::shared_ptr<const TensorLayout> layout_;
  AlignedBuffer buffer_;
};

/// A complete version of the weights; shared as shared_ptr<const Parameters>.
using Parameters = TensorSet;
using Gradient = TensorSet;

}  // namespace nodezero::model
