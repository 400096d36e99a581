// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "verify/explore/network.hpp"

namespace nodezero::verify::explore {

/// Says what the actors may still do, by what they were seen to do: for each state of an actor and
/// message that it handled there, the state that it came to and what it sent. From a state
/// of the run onwards each actor is then taken to handle, in any state that it may come to, any
/// message that is in flight or that may be sent, in any order, which includes all that can happen
/// of what was seen.
///
/// States and messages are told apart by their fingerprints, or, `roughly`, actors have one state
/// and messages their link and type: that is quicker and foresees more than can happen.
class Forecast {
 public:
  using Number = std::uint32_t;
  /// What it sees of a state of the run.
  struct View {
    std::vector<Number> locals;    ///< states, by actor; the first is nobody's
    std::vector<Number> messages;  ///< all that are in flight
  };
  /// What one handling did.
  struct Effect {
    Number local = 0;  ///< where
    Number message = 0;
    std::vector<Number> locals;    ///< that actors came to
    std::vector<Number> messages;  ///< that were sent
    std::vector<Number> used;      ///< other actors, which handled something in place
    std::vector<Number> changed;   ///< those of them that it left in another state
    bool ends = false;             ///< the actor
  };

  explicit Forecast(bool roughly) : roughly_(roughly) {}

  Number local(const Network& network, NodeIndex node, std::uint64_t digest);
  Number message(const Network& network, const Network::Label& label);
  /// To be called after a step: `used` are the actors that handled something, `changed` those whose
  /// state changed.
  void learn(const View& before, NodeIndex receiver, Number cause, std::span<const NodeIndex> used,
             const std::vector<std::pair<NodeIndex, std::uint64_t>>& changed,
             const Network& network);
  const Effect* effect(Number local, Number message) const;
  Number actor_of(Number local) const { return locals_[local].actor; }
  Number receiver_of(Number message) const { return messages_[message].receiver; }

  /// True if the order of two handlings by different actors matters: what one changes in place, the
  /// other uses, or they send on one link.
  bool collide(const Effect& one, const Effect& other) const;
  /// True if something that the others may do can come to this actor before its next messages,
  /// whose handling is `steps`, or collides with these, or if that takes too long to say. `waits`:
  /// for an answer; without a request there is none.
  bool may_be_disturbed(const View& view, NodeIndex node, bool waits,
                        std::span<const Number> steps);

  /// Grows with everything that is learned.
  std::uint64_t knowledge() const { return knowledge_; }

 private:
  /// Keys are fingerprints and evenly spread already.
  struct Same {
    std::size_t operator()(std::uint64_t key) const { return key; }
  };
  using Numbers = std::unordered_map<std::uint64_t, Number, Same>;
  struct Local {
    Number actor = 0;
    std::vector<Number> effects;
    std::uint32_t mark = 0;  ///< the search that met it last
  };
  struct Message {
    Number link = 0;
    Number receiver = 0;
    bool is_response = false;
    std::vector<Number> effects;
    std::uint32_t mark = 0;
  };

  void come_to(Number local);
  void send(Number message);

  bool roughly_;
  Numbers actor_numbers_;
  Numbers link_numbers_;
  Numbers local_numbers_;
  Numbers message_numbers_;
  std::vector<Local> locals_;
  std::vector<Message> messages_;
  std::vector<Effect> effects_;
  std::uint64_t knowledge_ = 0;

  // Of the present search:
  std::vector<Number> queue_;  ///< effects that may come about
  std::vector<std::uint32_t> link_marks_;
  std::uint32_t search_ = 0;
};

}  // namespace nodezero::verify::explore
