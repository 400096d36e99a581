// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include <fmt/format.h>

namespace nodezero::runtime {

/// What every protocol message carries: which run it belongs to, and where in that run
/// it was meant to be handled. A receiver compares it with its own place before it
/// believes anything else in the message.
struct Envelope {
  std::uint64_t run = 0;
  std::uint64_t epoch = 0;
  std::uint64_t step = 0;     ///< optimizer steps before this one, over all epochs
  std::uint64_t version = 0;  ///< of the weights that the message is about

  friend bool operator==(const Envelope&, const Envelope&) = default;
};

inline std::string to_string(const Envelope& e) {
  return fmt::format("run {:016x}, epoch {}, step {}, version {}", e.run, e.epoch, e.step,
                     e.version);
}

}  // namespace nodezero::runtime
