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

namespace crossing {

caf::error inspect(caf::serializer& sink, Floats& floats) {
  auto count = static_cast<std::uint32_t>(floats.count_);
  if (auto error = sink(count)) {
    return error;
  }
  // CAF only reads what it saves.
  return sink.apply_raw(count * sizeof(float), const_cast<float*>(floats.values_.get()));
}

caf::error inspect(caf::deserializer& source, Floats& floats) {
  std::uint32_t count = 0;
  if (auto error = source(count)) {
    return error;
  }
  if (count > Floats::most) {
    return caf::sec::invalid_argument;
  }
  if (auto error = check_length(source, count * sizeof(float))) {
    return error;
  }
  std::shared_ptr<float> values(new float[count], std::default_delete<float[]>());
  if (auto error = source.apply_raw(count * sizeof(float), values.get())) {
    return error;
  }
  floats = Floats(std::move(values), count);
  return caf::none;
}

}  // namespace crossing
}  // namespace nodezero::runtime
