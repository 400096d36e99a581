// SPDX-License-Identifier: BSD-3-Clause
#include "model/tensors/shape.hpp"

#include <algorithm>

#include <fmt/ranges.h>

namespace nodezero::model {

std::optional<std::size_t> count_values(std::span<const std::int64_t> shape) {
  if (std::ranges::any_of(shape, [](std::int64_t extent) { return extent < 0; })) {
    return std::nullopt;
  }
  if (std::ranges::find(shape, 0) != shape.end()) {
    return 0;
  }
  std::size_t count = 1;
  for (const std::int64_t extent : shape) {
    if (static_cast<std::size_t>(extent) > most_values / count) {
      return std::nullopt;
    }
    count *= static_cast<std::size_t>(extent);
  }
  return count;
}

std::optional<std::size_t> count_values(std::initializer_list<std::int64_t> shape) {
  return count_values(std::span(shape.begin(), shape.size()));
}

std::string describe_shape(std::span<const std::int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace nodezero::model
