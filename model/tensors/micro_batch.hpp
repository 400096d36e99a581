// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "nodezero/trainable.hpp"

namespace nodezero::model {

/// A target that contributes neither loss nor gradient (padding).
inline constexpr std::int32_t ignored_target = -1;

/// One unit of work of a lane: `sequences` windows of `context` tokens with their targets, or
/// whatever a host's model takes.
struct MicroBatch {
  std::int64_t sequences = 0;         ///< B
  std::int64_t context = 0;           ///< T
  std::vector<std::int32_t> inputs;   ///< [B, T] token ids; padding is 0
  std::vector<std::int32_t> targets;  ///< [B, T] token ids or ignored_target
  std::int64_t valid_tokens = 0;      ///< targets that are not ignored
  AnyValue host_data = {};            ///< for a host's model; then there are no tokens
};

/// What MicroBatch::host_data holds on its way to another machine.
struct EncodedBatch {
  std::vector<std::byte> bytes;
};

/// A loss that has not been divided yet: sums travel, and the root divides once.
struct LossSum {
  double negative_log_likelihood = 0;  ///< nats, summed over valid tokens
  std::int64_t valid_tokens = 0;

  friend LossSum operator+(const LossSum& left, const LossSum& right) {
    return {left.negative_log_likelihood + right.negative_log_likelihood,
            left.valid_tokens + right.valid_tokens};
  }
};

}  // namespace nodezero::model
