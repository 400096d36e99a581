// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/catalogue.hpp"

#include <cstdlib>
#include <cxxabi.h>
#include <memory>

namespace nodezero::runtime::trace {

void PayloadWriter::numbers(std::span<const std::uint32_t> values) {
  number(values.size());
  for (std::size_t i = 0; i < values.size(); i += 2) {
    const std::uint64_t high = i + 1 < values.size() ? values[i + 1] : 0;
    number(high << 32 | values[i]);
  }
}

void Catalogue::add(const std::type_info& type, MessageType description) {
  types_.insert_or_assign(type, std::move(description));
}

const MessageType* Catalogue::find(const std::type_info& type) const {
  const auto found = types_.find(type);
  return found == types_.end() ? nullptr : &found->second;
}

std::string readable_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : type.name();
}

}  // namespace nodezero::runtime::trace
