// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/caf.hpp"

namespace nodezero::runtime {

/// Is told of everything that is sent to an actor of ours, also to one that has ended and will
/// not get it.
class SendObserver {
 public:
  virtual ~SendObserver() = default;
  virtual void on_send(caf::actor_id receiver, const caf::mailbox_element& element) = 0;

  /// Of this thread. Null except while a checker of schedules runs actors on it.
  static inline constinit thread_local SendObserver* current = nullptr;
};

}  // namespace nodezero::runtime
