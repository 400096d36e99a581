// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace nodezero::verify {

/// What every scenario's schedules are made of.
struct Setup {
  std::uint64_t epochs = 1;
  std::uint64_t steps = 1;          ///< of an epoch
  std::uint32_t micro_batches = 0;  ///< of a step; 0: one for each worker
  bool kills = false;               ///< each sphere may be killed at any moment, as a fault
  bool kills_again = false;         ///< and so may its replacement, but in no exhaustive search
  bool faulty = false;              ///< something may go wrong
  bool may_fail = false;            ///< and so much that a typed failure is a good end
};

}  // namespace nodezero::verify
