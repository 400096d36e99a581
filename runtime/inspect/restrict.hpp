// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <vector>

#include "runtime/inspect/causal_order.hpp"
#include "runtime/inspect/violation.hpp"

namespace nodezero::runtime::inspect {

/// A trace that holds only some of the events, numbered anew, with everything that `link` had
/// worked out for them.
Trace restricted(const Trace& trace, std::span<const EventNumber> events);

/// The violations whose second event is among `events`, with their new numbers.
std::vector<Violation> restricted(const std::vector<Violation>& violations,
                                  std::span<const EventNumber> events);

}  // namespace nodezero::runtime::inspect
