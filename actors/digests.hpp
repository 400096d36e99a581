// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "actors/errors.hpp"
#include "actors/position_range.hpp"
#include "model/tensors/micro_batch.hpp"
#include "runtime/explorable.hpp"

namespace nodezero::actors {

/// Fingerprints of what messages and states are made of, for checkers of schedules. The run's
/// number is left out: it is the same everywhere.
std::uint64_t digest_of(const Envelope& envelope);
std::uint64_t digest_of(const Error& reason);
std::uint64_t digest_of(const model::LossSum& loss);
std::uint64_t digest_of(const std::vector<std::uint32_t>& numbers);
inline std::uint64_t digest_of(const PositionRange& range) {
  return std::uint64_t{range.first} << 32U | range.last;
}

}  // namespace nodezero::actors
