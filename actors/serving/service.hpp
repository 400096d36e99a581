// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>

#include "actors/interfaces.hpp"
#include "actors/serving/counters.hpp"
#include "actors/serving/served_model.hpp"
#include "actors/serving/shelf.hpp"

namespace nodezero::actors {

/// What the door and all connections share. They run in the thread that owns the sockets, one at a
/// time, and nobody else has it.
struct Service {
  std::shared_ptr<const ServedModel> model;  ///< null: it is being loaded
  ServingOptions options;
  lifecycle_actor lifecycle;
  shelf_actor shelf;    ///< null: no earlier versions can be asked for
  VersionName version;  ///< of the newest weights that have answered
  ServingCounters counters;
  std::uint64_t next_ticket = 1;
  bool is_draining = false;  ///< no new requests
};

/// To the door: the model has been loaded, and this is whom to ask.
struct begin_serving {
  std::shared_ptr<const ServedModel> model;
  lifecycle_actor lifecycle;
  shelf_actor shelf;  ///< may be null
};
/// door -> connection: finish what is open, and take no other request.
struct drain {};
/// door -> connection: end what is open as it is.
struct cut {};
/// A connection to itself: the time of the completion with this ticket is up.
struct completion_deadline {
  std::uint64_t ticket = 0;
};
/// A connection's timer, and the door's.
struct serving_tick {};

}  // namespace nodezero::actors

NODEZERO_LOCAL_MESSAGE(nodezero::actors::begin_serving)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::drain)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::cut)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::completion_deadline)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::serving_tick)
