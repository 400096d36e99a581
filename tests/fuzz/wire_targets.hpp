// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>

namespace nodezero::fuzz {

/// A message of wire.hpp as CAF sends it.
void read_message(std::span<const std::byte> bytes);
/// What a host is told of the run, as numbers of 64 bits.
void read_host_settings(std::span<const std::byte> bytes);
/// HOST:PORT.
void read_endpoint(std::span<const std::byte> bytes);

}  // namespace nodezero::fuzz
