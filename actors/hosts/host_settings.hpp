// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include "actors/settings.hpp"
#include "nodezero/error.hpp"

namespace nodezero::actors {

/// What a host is told of the run, which needs neither its data nor a configuration of its own.
struct HostSettings {
  model::TrainingConfig training;
  std::uint64_t total_steps = 1;
  std::uint32_t spheres = 1;
  std::uint32_t symmetry = 12;
  std::uint32_t attempts = 3;
  std::chrono::milliseconds stall_timeout{};

  friend bool operator==(const HostSettings&, const HostSettings&) = default;
};

/// As whole numbers; those of floating point as their bits.
std::vector<std::uint64_t> encode(const HostSettings& settings);
/// Fails with invalid_argument if they cannot be what encode() made.
Result<HostSettings> decode(const std::vector<std::uint64_t>& numbers);

}  // namespace nodezero::actors
