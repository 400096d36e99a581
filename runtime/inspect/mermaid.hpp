// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>

#include "runtime/inspect/causal_order.hpp"

namespace nodezero::runtime::inspect {

/// What Mermaid draws by default at most.
inline constexpr std::size_t mermaid_limit = 50'000;

/// The causal past of an event as a Mermaid sequence diagram of at most `limit` characters: the
/// messages that were handled in it, the last ones if there is no room for all.
std::string mermaid_of_past(const Trace& trace, const CausalOrder& order, EventNumber number,
                            std::size_t limit = mermaid_limit);

}  // namespace nodezero::runtime::inspect
