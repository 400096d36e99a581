// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/inspect/causal_order.hpp"
#include "runtime/inspect/handlings.hpp"
#include "runtime/inspect/words.hpp"

namespace nodezero::runtime::inspect {

/// One reason on the way back from an event: a message that was handled, or a spawn.
struct Reason {
  EventNumber event = 0;    ///< the sending, or the spawn
  EventNumber handled = 0;  ///< the begin event of its handling; 0 for a spawn
  EventNumber answers = 0;  ///< the sending of the request that it answers, or 0
  /// Begin events of what the actor had taken before without acting: it acted only now, because
  /// all of this had come. Latest first.
  std::vector<EventNumber> gathered;
};

/// Why an event happened: the message in whose handling it did, why that was sent, and so on back
/// to what nobody recorded caused.
std::vector<Reason> reasons_for(const Trace& trace, const Handlings& handlings, EventNumber number);

/// The event and its reasons, a line each. `most` limits the reasons; 0 is all.
std::string why_as_text(const Trace& trace, EventNumber number, const std::vector<Reason>& reasons,
                        const Phrases& phrases, std::size_t most = 0);

}  // namespace nodezero::runtime::inspect
