// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/trace/trace.hpp"

namespace nodezero::runtime::inspect {

using trace::Event;
using trace::Kind;
using trace::Trace;

/// Events are numbered from 1; 0 is none.
using EventNumber = std::uint32_t;

/// Lamport's happened-before over a trace ("Time, Clocks, and the Ordering of Events in a
/// Distributed System", 1978): program order within a process, and from a message's sending to
/// its handling, from a spawn to what the spawned actor does.
///
/// A process is an actor, or a thread of what is not recorded. A drop belongs to no process: it
/// follows the message's sending and nothing follows it.
///
/// The events of a trace stand in a causal order already, so that every question is one scan
/// over the events between two of them, with one number a process: no vector of clocks is kept.
class CausalOrder {
 public:
  /// `trace` must be linked and outlive this.
  explicit CausalOrder(const Trace& trace);

  static constexpr std::uint32_t no_process = 0xffffffff;

  /// The process of an event: the number of its actor; from `actors.size()` on a thread of what
  /// is not recorded; no_process for a drop.
  std::uint32_t process(EventNumber number) const;
  std::uint32_t processes() const { return processes_; }
  /// "worker 3", "outside"; processes that would share a name are numbered: "worker 3 (2)".
  const std::string& process_name(std::uint32_t process) const { return names_[process]; }

  /// The event of another process that this one follows directly, or 0: the sending of a message
  /// that begins to be handled or is dropped, or what the spawner did last before a spawn.
  EventNumber cause(EventNumber number) const { return causes_[number - 1]; }

  bool happened_before(EventNumber first, EventNumber second) const;

  /// The event and all that happened before it, ascending.
  std::vector<EventNumber> past(EventNumber number) const;

  /// A step from one process to another.
  struct Hop {
    EventNumber from = 0;  ///< such as a send
    EventNumber to = 0;    ///< such as the begin of the handling

    friend bool operator==(const Hop&, const Hop&) = default;
  };
  /// How the first event led to the second by the messages that were handled earliest. Empty if
  /// both are of one process, or if the first did not happen before the second.
  std::vector<Hop> chain(EventNumber first, EventNumber second) const;

 private:
  struct Reached {
    std::vector<EventNumber> since;   ///< by process: its first event after `first`, or 0
    std::vector<EventNumber> causes;  ///< by process: the event elsewhere that reached it
    bool second = false;
    EventNumber second_cause = 0;  ///< if the second event is a drop
  };
  Reached reach(EventNumber first, EventNumber second) const;

  const Trace& trace_;
  std::uint32_t processes_ = 0;
  std::unordered_map<std::uint32_t, std::uint32_t>
      threads_;  ///< of what is not recorded: 0, 1, ...
  std::vector<std::string> names_;
  std::vector<EventNumber> causes_;
};

}  // namespace nodezero::runtime::inspect
