// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "nodezero/error.hpp"
#include "runtime/caf.hpp"

namespace nodezero::runtime {

/// How an actor system reaches others. It is implemented in a library of its own, so that nothing
/// else needs a network.
class NetworkAccess {
 public:
  virtual ~NetworkAccess() = default;
  /// Before the system is made.
  virtual void configure(caf::actor_system_config& config) = 0;
  /// Lets others connect to an actor. The result is the address, with its port. To be called once,
  /// before `connect`.
  virtual Result<std::string> publish(caf::actor_system& system,
                                      const caf::strong_actor_ptr& actor) = 0;
  /// The actor that the process at that address has published; not_found if nobody listens there.
  /// Blocks, for a bounded time; by one thread at a time.
  virtual Result<caf::strong_actor_ptr> connect(caf::actor_system& system,
                                                const std::string& address) = 0;
  /// Where others can most likely connect to what was published, or will be: with the address of
  /// this machine that the last connection was made from. Empty if that is not known.
  virtual std::string own_address() const = 0;
  /// Ends all connections; before the system ends.
  virtual void close() = 0;
};

}  // namespace nodezero::runtime
