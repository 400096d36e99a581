// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace nodezero::model {

/// The place of a micro-batch in its run, which determines its dropout masks.
struct DropoutKey {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;      ///< optimizer steps before this one, counted over all epochs
  std::uint64_t position = 0;  ///< canonical position in the step
};

}  // namespace nodezero::model
