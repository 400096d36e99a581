// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/send_observer.hpp"
#include "runtime/sightings.hpp"
#include "runtime/trace/trace.hpp"
#include "verify/explore/network.hpp"

namespace nodezero::verify {

namespace trace = runtime::trace;
using explore::Choice;
using explore::Delivery;
using explore::Network;
using explore::NodeIndex;

/// Makes a recorded run happen again on one thread: every actor gets the messages that it got in
/// the recording, in that order. What an actor does with them is its own code's business; whether
/// it did the same as in the recording, `first_divergence` tells afterwards.
///
/// Actors are recognised by who spawned them, as which of its children of that name. Across
/// actors the handlings are made in the order in which they had ended, as far as their messages
/// have been sent by then.
class Redelivery final : private runtime::SendObserver, private runtime::Sightings {
 public:
  using EventNumber = std::uint32_t;

  /// Gives the name that a recorder gives a message type.
  using TypeName = std::function<std::string(const std::type_info&)>;
  /// Makes a message again that came from outside of all actors, from its sending in the
  /// recording; nothing if that cannot be done.
  using FromOutside = std::function<std::optional<caf::message>(EventNumber send)>;

  /// Both must outlive this. The network has begun a run, with what outside spawned.
  Redelivery(Network& network, const trace::Trace& recorded, TypeName type_name,
             FromOutside from_outside);

  /// Handles what was handled up to event `last`.
  /// @return false if a message that was handled then does not come here
  bool run(EventNumber last);

  /// Begin events in the order in which they were made to happen again.
  const std::vector<EventNumber>& handled() const { return handled_; }
  /// What could not be handled, as a begin event: the first in the recording's order.
  EventNumber missing() const { return missing_; }
  /// An actor of the recording here; 0 if there is none.
  NodeIndex here(std::uint32_t recorded_actor) const { return here_[recorded_actor]; }

 private:
  using Place = std::pair<std::uint32_t, std::string>;  ///< spawner and name

  void on_send(caf::actor_id, const caf::mailbox_element&) override { ++sent_; }
  bool was_seen(std::string_view what) override;
  void recognise_actors();
  bool try_handle(EventNumber begin);
  std::optional<Choice> find(EventNumber begin);
  bool fetch(EventNumber begin);

  Network& network_;
  const trace::Trace& recorded_;
  TypeName type_name_;
  FromOutside from_outside_;
  std::vector<EventNumber> order_;  ///< of begin events, by the end of the handling
  std::vector<bool> is_done_;       ///< by place in order_
  std::size_t first_undone_ = 0;
  std::vector<EventNumber> handled_;
  EventNumber missing_ = 0;
  std::map<EventNumber, std::vector<EventNumber>> doings_;  ///< sends and notes, by begin event
  EventNumber handling_ = 0;                                ///< that is being made again
  std::size_t sent_ = 0;                                    ///< in it, so far
  std::size_t next_note_ = 0;                               ///< of doings_, not seen again yet
  std::map<Place, std::vector<std::uint32_t>> spawned_;     ///< actors of the recording
  std::map<Place, std::size_t> recognised_;                 ///< how many of them are here
  std::vector<NodeIndex> here_;                             ///< by actor of the recording
  std::vector<std::uint32_t> recorded_as_;                  ///< by node
};

/// Where two runs part: what the recording says and what happened instead.
struct Divergence {
  std::uint32_t recorded = 0;   ///< event of the recording, or 0 if it has nothing there
  std::uint32_t happening = 0;  ///< event of the other trace, or 0 if nothing happened there
};

/// Compares a recording with the trace of its redelivery: what each actor did when it began and
/// in each handling, in order and with whole payloads. Only times, threads and the numbers of
/// messages and requests may differ. `handled`: as Redelivery says.
std::optional<Divergence> first_divergence(const trace::Trace& recorded,
                                           const trace::Trace& happening,
                                           const std::vector<std::uint32_t>& handled);

}  // namespace nodezero::verify
