// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/why.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace nodezero::runtime::inspect {
namespace {

class Search {
 public:
  Search(const Trace& trace, const Handlings& handlings) : trace_(trace), handlings_(handlings) {}

  /// What made `number` happen; `event` 0 if nothing recorded did.
  Reason reason_for(EventNumber number) const {
    const Event& event = trace_.event(number);
    if (event.kind == Kind::begin || event.kind == Kind::drop) {
      return reason_by_message(event, number);
    }
    if (event.handling != 0) {
      return reason_by_message(trace_.event(event.handling), event.handling);
    }
    Reason reason;
    if (event.actor != 0 && event.kind != Kind::spawn) {
      // Outside of any handling an actor only begins to be.
      const EventNumber spawned = trace_.actors[event.actor].spawned;
      reason.event = spawned < number ? spawned : 0;
    }
    return reason;
  }

 private:
  Reason reason_by_message(const Event& event, EventNumber number) const {
    Reason reason;
    const auto* message = trace_.message_of(event);
    if (message == nullptr || message->sent == 0 || message->sent >= number) {
      return reason;
    }
    reason.event = message->sent;
    reason.handled = number;
    if (message->request != 0) {
      reason.answers = trace_.messages[message->request - 1].sent;
    }
    if (const auto handling = handlings_.opened_by(number); handling != 0) {
      for (const auto index : handlings_.gathered_before(handling - 1)) {
        reason.gathered.push_back(handlings_[index].begin);
      }
    }
    return reason;
  }

  const Trace& trace_;
  const Handlings& handlings_;
};

/// "3 gradient, 2 report"
std::string counted_types(const Trace& trace, const std::vector<EventNumber>& begins) {
  std::map<std::string_view, std::size_t> counts;
  for (const auto number : begins) {
    ++counts[trace.name(trace.event(number).type)];
  }
  std::string text;
  for (const auto& [type, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, type);
  }
  return text;
}

std::string reason_as_text(const Trace& trace, const Reason& reason, const Phrases& phrases) {
  std::string text =
      fmt::format("  because event {}: {}", reason.event, in_words(trace, reason.event, phrases));
  std::string aside;
  const auto add = [&](const std::string& more) {
    aside += aside.empty() ? "" : "; ";
    aside += more;
  };
  if (reason.answers != 0) {
    add(fmt::format("in answer to event {}", reason.answers));
  }
  if (reason.handled != 0) {
    const auto& handled = trace.event(reason.handled);
    add(fmt::format("{} in event {}, {} later", handled.kind == Kind::drop ? "dropped" : "taken up",
                    reason.handled, time_in_words(handled.time - trace.event(reason.event).time)));
  }
  if (!reason.gathered.empty()) {
    add(fmt::format("{} had come before", counted_types(trace, reason.gathered)));
  }
  return aside.empty() ? text : fmt::format("{} [{}]", text, aside);
}

}  // namespace

std::vector<Reason> reasons_for(const Trace& trace, const Handlings& handlings,
                                EventNumber number) {
  const Search search(trace, handlings);
  std::vector<Reason> reasons;
  for (Reason reason = search.reason_for(number); reason.event != 0;
       reason = search.reason_for(reasons.back().event)) {
    reasons.push_back(std::move(reason));
  }
  return reasons;
}

std::string why_as_text(const Trace& trace, EventNumber number, const std::vector<Reason>& reasons,
                        const Phrases& phrases, std::size_t most) {
  std::string text = fmt::format("event {}: {}, at {}\n", number, in_words(trace, number, phrases),
                                 time_in_words(trace.event(number).time));
  const std::size_t shown = most == 0 ? reasons.size() : std::min(most, reasons.size());
  for (std::size_t i = 0; i < shown; ++i) {
    text += reason_as_text(trace, reasons[i], phrases) + '\n';
  }
  if (shown < reasons.size()) {
    text += fmt::format("  and {} back to event {} (depth 0 shows all)\n",
                        counted(reasons.size() - shown, "more reason"), reasons.back().event);
  } else if (reasons.empty()) {
    text += "  no recorded event caused it\n";
  }
  return text;
}

}  // namespace nodezero::runtime::inspect
