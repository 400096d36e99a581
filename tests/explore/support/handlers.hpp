// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <caf/all.hpp>

namespace nodezero::explore {

/// An actor that consists of its handlers.
template <class... Handlers>
auto actor_of(Handlers... handlers) {
  return [=](caf::event_based_actor*) -> caf::behavior { return {handlers...}; };
}

}  // namespace nodezero::explore
