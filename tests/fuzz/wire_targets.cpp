// SPDX-License-Identifier: BSD-3-Clause

// What another machine, or a person who names one, sends.

#include "tests/fuzz/wire_targets.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <caf/binary_deserializer.hpp>

#include "actors/hosts/host_settings.hpp"
#include "actors/wire.hpp"
#include "runtime/network/endpoint.hpp"
#include "runtime/system_config.hpp"

namespace nodezero::fuzz {
namespace {

/// Knows the messages of wire.hpp and has no thread. It is never destroyed, because the order in
/// which CAF's own statics go is not ours.
caf::actor_system& system_of_messages() {
  static auto* const system = [] {
    auto* const config = new caf::actor_system_config;
    runtime::configure(*config, runtime::Scheduling::testing);
    actors::wire::register_messages(*config);
    return new caf::actor_system(*config);
  }();
  return *system;
}

}  // namespace

void read_message(std::span<const std::byte> bytes) {
  caf::binary_deserializer source(system_of_messages(), reinterpret_cast<const char*>(bytes.data()),
                                  bytes.size());
  caf::message message;
  try {
    if (source(message) || !message.match_elements<actors::wire::part>()) {
      return;
    }
  } catch (const std::runtime_error&) {
    return;  // a config_value of CAF's own, which no actor here takes and nobody but a host can
             // send
  }
  if (message.get_as<actors::wire::part>(0).values.size() > bytes.size()) {
    std::abort();  // at least a byte of each number crosses, however they are packed
  }
}

void read_host_settings(std::span<const std::byte> bytes) {
  std::vector<std::uint64_t> numbers(bytes.size() / sizeof(std::uint64_t));
  if (!numbers.empty()) {
    std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(std::uint64_t));
  }
  static_cast<void>(actors::decode(numbers));
}

void read_endpoint(std::span<const std::byte> bytes) {
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto endpoint = runtime::network::parse_endpoint(text);
  if (endpoint && !runtime::network::parse_endpoint(to_string(*endpoint))) {
    std::abort();
  }
}

}  // namespace nodezero::fuzz
