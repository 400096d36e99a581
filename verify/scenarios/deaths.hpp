// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "verify/explore/network.hpp"

namespace nodezero::verify {

/// Lets each sphere of a run die at any moment, as a fault.
class Deaths {
 public:
  /// To be called when a run has begun and all its spheres are there.
  void begin(explore::Network& network);
  /// Lets also those die that have replaced a dead one in the last step. Not for searches that
  /// leave schedules out: they may take it for granted that all that comes from outside is there
  /// from the beginning.
  void follow();

 private:
  explore::Network* network_ = nullptr;
  explore::NodeIndex known_ = 0;  ///< actors that were there
};

}  // namespace nodezero::verify
