// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/explorable.hpp"

namespace nodezero::verify::explore {

using runtime::Fingerprint;

/// Numbers that depend on their key and their place alone, the same with every compiler.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint64_t schedule)
      : state_(Fingerprint().add(seed).add(schedule).value()) {}
  std::uint64_t next() { return Fingerprint::mix(state_ += 0x9e3779b97f4a7c15U); }
  /// Below `bound`, evenly but for one part in 2^32.
  std::size_t below(std::size_t bound) { return (next() >> 32U) * bound >> 32U; }

 private:
  std::uint64_t state_;
};

}  // namespace nodezero::verify::explore
