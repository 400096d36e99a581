// SPDX-License-Identifier: BSD-3-Clause
#include "model/tensors/tensor_set.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "model/tensors/shape.hpp"

namespace nodezero::model {
namespace {

constexpr std::size_t floats_per_cache_line = 16;

}  // namespace

TensorLayout::TensorLayout(std::vector<TensorInfo> tensors) : tensors_(std::move(tensors)) {
  std::sort(tensors_.begin(), tensors_.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
  for (TensorInfo& tensor : tensors_) {
    const auto size = count_values(tensor.shape);
    if (!size || *size > most_values - parameter_count_) {
      throw std::length_error("tensor '" + tensor.name + "' of " + describe_shape(tensor.shape) +
                              " is too large for memory");
    }
    tensor.size = *size;
    tensor.offset = buffer_size_;
    tensor.decayed = tensor.shape.size() >= 2;
    parameter_count_ += tensor.size;
    buffer_size_ +=
        (tensor.size + floats_per_cache_line - 1) / floats_per_cache_line * floats_per_cache_line;
  }
}

const TensorInfo* TensorLayout::find(std::string_view name) const {
  const auto found = std::lower_bound(
      tensors_.begin(), tensors_.end(), name,
      [](const TensorInfo& tensor, std::string_view wanted) { return tensor.name < wanted; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

TensorSet::TensorSet(std::shared_ptr<const TensorLayout> layout)
    : layout_(std::move(layout)), buffer_(layout_->buffer_size()) {}

}  // namespace nodezero::model
