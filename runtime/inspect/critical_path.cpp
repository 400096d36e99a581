// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/critical_path.hpp"

#include <algorithm>

namespace nodezero::runtime::inspect {

std::vector<PathPiece> critical_path(const Trace& trace, const Handlings& handlings,
                                     EventNumber number, std::int64_t until) {
  std::vector<PathPiece> path;
  std::int64_t to = trace.event(number).time;
  const auto add = [&](std::uint32_t index, bool on_its_way, std::int64_t from) {
    from = std::clamp(from, until, to);
    if (from < to) {
      path.push_back({index, on_its_way, from, to});
      to = from;
    }
  };
  std::uint32_t at = handlings.around(number);
  while (at != 0 && to > until) {
    const std::uint32_t index = at - 1;
    const Handling& handling = handlings[index];
    add(index, false, handling.from);
    const auto* message = trace.message_of(trace.event(handling.begin));
    const EventNumber sent = handling.waited < 0 ? 0 : message->sent;
    const std::int64_t sent_at = sent == 0 ? until : trace.event(sent).time;
    if (handling.previous != 0 && handlings[handling.previous - 1].to >= sent_at) {
      add(index, true, handlings[handling.previous - 1].to);
      at = handling.previous;
    } else {
      add(index, true, sent_at);
      at = sent == 0 ? 0 : handlings.around(sent);
    }
  }
  return path;
}

}  // namespace nodezero::runtime::inspect
