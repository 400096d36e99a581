// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

namespace nodezero::runtime {

/// What actors of a recorded run saw beside their messages, for a replay of it: there they see the
/// same again, whatever is so now.
class Sightings {
 public:
  virtual ~Sightings() = default;
  /// True if the actor whose handler runs saw this then, at this place in its handler.
  virtual bool was_seen(std::string_view what) = 0;

  /// Of this thread. Null except while a recorded run is replayed on it.
  static inline constinit thread_local Sightings* recorded = nullptr;
};

}  // namespace nodezero::runtime
