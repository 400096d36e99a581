// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/wire.hpp"

namespace nodezero::runtime {

caf::error check_length(caf::deserializer& source, std::uint64_t bytes) {
  const auto* const binary = dynamic_cast<caf::binary_deserializer*>(&source);
  if (binary == nullptr || bytes > binary->remaining()) {
    return caf::sec::end_of_stream;
  }
  return caf::none;
}

}  // namespace nodezero::runtime
