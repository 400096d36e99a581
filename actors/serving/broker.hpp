// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <utility>

#include "runtime/network/caf_io.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// The base of actors with sockets. A broker of CAF 0.17 leaves its mailbox open when it ends: what
/// came later would stay there, and what it sent to itself, such as a tick of its clock, would keep
/// it in memory for ever.
class broker : public runtime::recorded<caf::io::broker> {
 public:
  using recorded::recorded;

  bool cleanup(caf::error&& reason, caf::execution_unit* unit) override {
    const bool result = recorded::cleanup(std::move(reason), unit);
    // Closes the mailbox; all else has been done.
    caf::scheduled_actor::cleanup(caf::error(), unit);
    return result;
  }
};

}  // namespace nodezero::actors
