// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace nodezero::verify::explore {

/// An actor of an explored run: actors are numbered from 1 in the order of their spawning,
/// which a schedule determines. Everything that is not an actor of the run (the host) has
/// numbers from `outside` on, one for each independent source of messages.
using NodeIndex = std::uint16_t;
inline constexpr NodeIndex outside = 0x1000;
inline constexpr NodeIndex most_nodes = 0x1fff;

/// One step of a schedule.
struct Choice {
  enum class Action : std::uint8_t {
    deliver,       ///< the oldest message in flight from sender to receiver is handled
    duplicate,     ///< it is in flight once more
    timer,         ///< the timeouts that are due next come; with a receiver: one of its own, the
                   ///< `sender`th from now
    lose,          ///< the oldest message in flight will not come
    postpone,      ///< it is set aside, and those behind it may overtake it
    deliver_late,  ///< the oldest message that was set aside is handled
    kill,          ///< the receiver ends
  };
  NodeIndex sender = 0;
  NodeIndex receiver = 0;
  bool urgent = false;  ///< exits overtake other messages of the same sender
  Action action = Action::deliver;

  constexpr bool is_delivery() const {
    return action == Action::deliver || action == Action::deliver_late;
  }

  /// Four bytes: 13 bits each for sender and receiver, urgency, action.
  constexpr std::uint32_t packed() const {
    return static_cast<std::uint32_t>(sender) | static_cast<std::uint32_t>(receiver) << 13U |
           static_cast<std::uint32_t>(urgent) << 26U | static_cast<std::uint32_t>(action) << 27U;
  }
  /// The same with another action.
  constexpr std::uint32_t packed(Action other) const {
    return Choice{sender, receiver, urgent, other}.packed();
  }
  static constexpr Choice unpacked(std::uint32_t word) {
    return {static_cast<NodeIndex>(word & 0x1fffU), static_cast<NodeIndex>(word >> 13U & 0x1fffU),
            (word >> 26U & 1U) != 0, static_cast<Action>(word >> 27U & 7U)};
  }
  friend constexpr bool operator==(const Choice&, const Choice&) = default;
};

}  // namespace nodezero::verify::explore
