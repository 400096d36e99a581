// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/trace_facts.hpp"

#include <algorithm>

namespace nodezero::actors {
namespace {

/// False if records with the message's payload, or its whole sending, are not in the trace.
bool has_payload(const Trace& trace, const Event& event) {
  const auto& fields = trace.names[event.type].fields;
  if (fields.empty()) {
    return true;
  }
  std::uint64_t number = 0;
  double real = 0;
  std::vector<std::uint32_t> numbers;
  return trace.number(event, fields.back().name, number) ||
         trace.real(event, fields.back().name, real) ||
         trace.numbers(event, fields.back().name, numbers);
}

}  // namespace

TraceFacts::TraceFacts(const Trace& trace) : trace_(trace) {
  // By number first: a look-up by name for each event would cost more than all rules.
  std::vector<std::vector<EventNumber>*> sends(trace.names.size()), begins(trace.names.size());
  for (std::size_t type = 0; type < trace.names.size(); ++type) {
    sends[type] = &sends_[trace.names[type].text];
    begins[type] = &begins_[trace.names[type].text];
  }
  for (EventNumber number = 1; number <= trace.events.size(); ++number) {
    const Event& event = trace.event(number);
    if (!trace.completeness.complete() && !has_payload(trace, event)) {
      continue;
    }
    if (event.kind == Kind::send) {
      sends[event.type]->push_back(number);
    } else if (event.kind == Kind::begin) {
      begins[event.type]->push_back(number);
    }
  }
  const bool lacks_a_sending =
      !trace.completeness.ring && std::ranges::any_of(trace.messages, [](const auto& message) {
        return message.sent == 0 && message.begun != 0;
      });
  has_gaps_ = trace.completeness.lost_records > 0 || lacks_a_sending;
  has_run_ended_ = !this->sends({"run_ended"}).empty();
}

std::vector<EventNumber> TraceFacts::merged(const ByType& events,
                                            std::initializer_list<std::string_view> types) {
  std::vector<EventNumber> all;
  for (const auto type : types) {
    if (const auto found = events.find(type); found != events.end()) {
      all.insert(all.end(), found->second.begin(), found->second.end());
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<EventNumber> TraceFacts::sends(std::initializer_list<std::string_view> types) const {
  return merged(sends_, types);
}

std::vector<EventNumber> TraceFacts::begins(std::initializer_list<std::string_view> types) const {
  return merged(begins_, types);
}

std::optional<std::uint64_t> TraceFacts::field(EventNumber number, std::string_view name) const {
  std::uint64_t value = 0;
  return trace_.number(event(number), name, value) ? std::optional(value) : std::nullopt;
}

bool TraceFacts::had_effect(EventNumber begin) const {
  const auto* message = trace_.message_of(event(begin));
  const auto last = message != nullptr && message->begun == begin && message->ended != 0
                        ? message->ended
                        : static_cast<EventNumber>(trace_.events.size());
  for (EventNumber number = begin + 1; number <= last; ++number) {
    const Event& inside = event(number);
    if (inside.handling == begin && inside.kind == Kind::send && type(number) != "error") {
      return true;
    }
  }
  return false;
}

}  // namespace nodezero::actors
