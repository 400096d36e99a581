// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/token_source.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace nodezero::model {

void check_token_range(std::uint64_t offset, std::size_t count, std::uint64_t size) {
  if (offset > size || count > size - offset) {
    throw std::out_of_range(
        fmt::format("tokens [{}, {} + {}) of a source of {}", offset, offset, count, size));
  }
}

}  // namespace nodezero::model
