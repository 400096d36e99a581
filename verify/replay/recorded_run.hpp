// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actors/settings.hpp"
#include "model/storage/checkpoint.hpp"
#include "runtime/trace/trace.hpp"
#include "verify/replay/redelivery.hpp"

namespace nodezero::verify {

/// An actor where a replay has stopped.
struct ActorState {
  std::string name;
  std::string state;
  std::uint64_t digest = 0;   ///< of all that a later handler can notice; 0: there is nothing
  std::uint64_t handled = 0;  ///< messages
  std::vector<std::string> waiting;  ///< messages in flight to it, with who sent them
};

struct Replayed {
  std::uint64_t messages = 0;  ///< handled again
  std::uint64_t recorded = 0;  ///< that were to be handled
  /// The first difference, in words: what the recording says, and what happened instead.
  struct Difference {
    std::uint32_t event = 0;  ///< of the recording
    std::string recorded;
    std::string happening;
  };
  std::optional<Difference> difference;
  std::optional<model::Checkpoint> end;  ///< what the run ended with, if it did
  std::vector<ActorState> actors;        ///< that are alive
};

/// @throws std::invalid_argument with a line for people if a trace cannot be replayed because it
/// lacks something
void refuse_incomplete(const runtime::trace::Trace& recorded);

/// Makes the run of a trace happen again on this thread: every actor gets the messages that it got
/// then, in that order, and lanes really compute. Compared are all events with their payloads, up
/// to event `until` or to where the host ended the actors. Nothing is written to settings.folder.
///
/// `settings`: what the run was made from. Requests, stops, timeouts and deaths are in the trace.
/// @throws std::invalid_argument with a line for people if the trace is not complete or something
/// came from outside that it does not tell in full
Replayed replay_recorded(actors::RunSettings settings, const runtime::trace::Trace& recorded,
                         std::uint32_t until);

}  // namespace nodezero::verify
