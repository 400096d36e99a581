#include "model/tensors/tensor_set.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace nodezero::model {
namespace {

constexpr std::size_t floats_per_cache_line = 16;

}  // namespace

TensorLayout::TensorLayout(std::vector<TensorInfo> tensors) : tensors_(std::move(tensors)) {
  std::sort(tensors_.begin(), tensors_.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
  for (TensorInfo& tensor : tensors_) {
    tensor.size = 1;
    for (const std::int64_t extent : tensor.shape) {
      tensor.size *= static_cast<std::size_t>(extent);
    }
    tensor.offset = buffer_size_;
    tensor.decayed = tensor.shape.size() >= 2;
    parameter_count_ += tensor.size;
    buffer_size_ +=
        (tensor.size + floats_per_cache_line - 1) / floats_per_cache_line * floats_per_cache_line;
  }
}

std::shared_ptr<const TensorLayout> TensorLayout::gpt2(const ModelConfig& config) {
  const std::int64_t C = config.width;
  std::vector<TensorInfo> tensors;
  const auto add = [&](std::string name, std::vector<std::int64_t> shape) {
    TensorInfo tensor;
    tensor.name = std::move(name);
    tensor.shape = std::move(shape);
    tensors.push_back(std::move(tensor));
  };
  const auto add_with_bias = [&](const std::string& name, std::vector<std::int64_t> shape) {
    const std::int64_t outputs = shape.back();
    add(name + ".weight", std::move(shape));
    add(name + ".bias", {outputs});
  };
  add("transformer.wte.weight", {config.vocabulary, C});
  add("transformer.wpe.weight", {config.context, C});
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string block = fmt::format("transformer.h.{}", layer);
    add_with_bias(block + ".ln_1", {C});
    add_with_bias(block + ".attn.c_attn", {C, 3 * C});
    add_with_bias(block + ".attn.c_proj", {C, C});
    add_with_bias(block + ".ln_2", {C});
    add_with_bias(block + ".mlp.c_fc", {C, 4 * C});
    add_with_bias(block + ".mlp.c_proj", {4 * C, C});
  }
  add_with_bias("transformer.ln_f", {C});
  return std::make_shared<const TensorLayout>(std::move(tensors));
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
