// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include "verify/explore/network.hpp"

namespace nodezero::verify::explore {

/// What is explored: actors, what reaches them from outside, and what must be true.
class Scenario {
 public:
  virtual ~Scenario() = default;

  /// Spawns the actors of a run and injects what comes from outside.
  virtual void begin(caf::actor_system& system, Network& network) = 0;
  /// Lets go of all handles.
  virtual void end() = 0;

  /// True once the run has come to its end, successful or not.
  virtual bool finished() const = 0;
  /// A rule that has been broken, in words; empty if none has. Asked after every step.
  virtual std::string violation() const = 0;
  /// The same for rules about the end. Asked when nothing is left to be handled.
  virtual std::string verdict() const { return {}; }

  /// Sees every delivery just before it is made.
  virtual void before(const Delivery&) {}
  /// Called after every step, when what it sent is in flight.
  virtual void after() {}
  /// True for messages that are handled as soon as they are sent.
  virtual bool in_place(const Delivery&) const { return false; }
  /// True for messages that are handled together with the next one on their link, in whatever
  /// order.
  virtual bool with_next(const Delivery&) const { return false; }
  /// True for actors of this name if their handlers use something that is not their own. It is one
  /// thing for all of them, such as a queue: the order of their steps matters if one changes it.
  virtual bool shares(const char* /*actor*/) const { return false; }
  /// Fingerprint of that thing.
  virtual std::uint64_t shared_digest() const { return 0; }
  /// True for actors that may end at any moment, if deaths are among the faults.
  virtual bool may_die(NodeIndex) const { return true; }
  /// True for messages that may come twice, if duplicates are among the faults.
  virtual bool may_come_twice(const Delivery&) const { return true; }
  /// Fingerprint of a message's content, which must tell apart what a handler can tell apart.
  virtual std::uint64_t digest_of(const Delivery&, const ActorKeys&) const = 0;
  /// Fingerprint of what the scenario itself has noted and will judge later.
  virtual std::uint64_t digest() const { return 0; }
};

/// What may go wrong in a run beside the order of messages.
struct Faults {
  std::uint32_t most = 0;    ///< optional messages, duplicates and early timeouts in one run
  bool duplicates = false;   ///< a message may come twice (Scenario::may_come_twice)
  bool timers = false;       ///< the timeout that is due next may come at any moment
  bool losses = false;       ///< any message may never come
  bool delays = false;       ///< any message may be overtaken by those sent behind it
  bool deaths = false;       ///< any actor may end (Scenario::may_die)
  bool late_timers = false;  ///< a timeout may come before one that is due earlier
  /// Time passes when nothing else happens, which is not a fault. Otherwise a run that only waits
  /// for a timeout is stuck, unless something went wrong before.
  bool time_passes = false;
};

}  // namespace nodezero::verify::explore
