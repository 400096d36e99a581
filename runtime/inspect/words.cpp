// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/words.hpp"

#include <array>
#include <cmath>

#include <fmt/format.h>

namespace nodezero::runtime::inspect {
namespace {

/// The value of a payload field in words; empty if there is none of that name.
std::string field_in_words(const Trace& trace, const Event& event, std::string_view field) {
  std::uint64_t number = 0;
  double real = 0;
  std::vector<std::uint32_t> numbers;
  if (trace.number(event, field, number)) {
    return fmt::format("{}", number);
  }
  if (trace.real(event, field, real)) {
    return fmt::format("{:.6g}", real);
  }
  if (trace.numbers(event, field, numbers)) {
    return numbers.empty() ? "none" : fmt::format("{}", fmt::join(numbers, " "));
  }
  return "";
}

/// The phrase with its braces filled in; empty if a field is not in the payload.
std::string filled_in(const Trace& trace, const Event& send, std::string_view phrase) {
  std::string text;
  for (std::size_t at = 0; at < phrase.size();) {
    const auto open = phrase.find('{', at);
    text += phrase.substr(at, open - at);
    if (open == std::string_view::npos) {
      break;
    }
    const auto close = phrase.find('}', open);
    const auto inside = phrase.substr(open + 1, close - open - 1);
    const auto field = inside.substr(0, inside.find(' '));
    const std::string value =
        field == "to" ? trace.actor_name(send.peer) : field_in_words(trace, send, field);
    if (value.empty()) {
      return "";
    }
    text += value;
    if (field.size() < inside.size()) {
      const auto forms = inside.substr(field.size());
      const auto many = forms.rfind(' ');
      text += value == "1" ? forms.substr(0, many) : forms.substr(many);
    }
    at = close + 1;
  }
  return text;
}

std::string sending_in_words(const Trace& trace, const Event& event, const Phrases& phrases) {
  if (const auto phrase = phrases.find(trace.name(event.type)); phrase != phrases.end()) {
    if (const auto text = filled_in(trace, event, phrase->second); !text.empty()) {
      return text;
    }
  }
  return fmt::format("sent {} to {}", message_in_words(trace, event), trace.actor_name(event.peer));
}

}  // namespace

std::string_view kind_name(Kind kind) {
  constexpr std::array<std::string_view, 11> names = {
      "none", "spawn", "send", "begin", "end", "drop", "timer", "state", "exit", "note", "summary"};
  const auto index = static_cast<std::size_t>(kind);
  return index < names.size() ? names[index] : "unknown";
}

std::string message_in_words(const Trace& trace, const Event& event) {
  const auto payload = trace.describe_payload(event);
  return payload.empty() ? std::string(trace.name(event.type))
                         : fmt::format("{} ({})", trace.name(event.type), payload);
}

std::string in_words(const Trace& trace, EventNumber number, const Phrases& phrases) {
  const Event& event = trace.event(number);
  const std::string actor = trace.actor_name(event.actor);
  const std::string peer = trace.actor_name(event.peer);
  const std::string_view name = trace.name(event.type);
  switch (event.kind) {
    case Kind::spawn:
      return fmt::format("{} spawned {}", peer, actor);
    case Kind::send:
      return fmt::format("{} {}", actor, sending_in_words(trace, event, phrases));
    case Kind::begin:
      return fmt::format("{} began to handle {} from {}", actor, message_in_words(trace, event),
                         peer);
    case Kind::end:
      switch (static_cast<trace::HandlingResult>(event.detail)) {
        case trace::HandlingResult::skipped:
          return fmt::format("{} put {} back", actor, name);
        case trace::HandlingResult::dropped:
          return fmt::format("{} had no handler for {}", actor, name);
        case trace::HandlingResult::threw:
          return fmt::format("{} threw an exception while it handled {}", actor, name);
        default:
          return fmt::format("{} had handled {}", actor, name);
      }
    case Kind::drop:
      return fmt::format("{} from {} to {} was dropped", message_in_words(trace, event), peer,
                         actor);
    case Kind::timer:
      return fmt::format("{} set a timer of {} ms for {}", actor, event.argument, name);
    case Kind::state:
      return fmt::format("{} entered the state {}", actor, name);
    case Kind::exit:
      return name.empty() ? fmt::format("{} ended", actor)
                          : fmt::format("{} ended: {}", actor, name);
    case Kind::note:
      return event.actor == 0 ? fmt::format("the host noted: {}", name)
                              : fmt::format("{} noted: {}", actor, name);
    default:
      return fmt::format("{} recorded something of an unknown kind", actor);
  }
}

std::string time_in_words(std::int64_t nanoseconds) {
  const double value = static_cast<double>(nanoseconds);
  const double size = std::abs(value);
  if (size < 1e3) {
    return fmt::format("{} ns", nanoseconds);
  }
  if (size < 1e6) {
    return fmt::format("{:.2f} us", value / 1e3);
  }
  if (size < 1e9) {
    return fmt::format("{:.3f} ms", value / 1e6);
  }
  return fmt::format("{:.3f} s", value / 1e9);
}

std::string event_line(const Trace& trace, EventNumber number, const Phrases& phrases) {
  return fmt::format("{:>9}  {}", number, moment_line(trace, number, phrases));
}

std::string moment_line(const Trace& trace, EventNumber number, const Phrases& phrases) {
  return fmt::format("{:>14.6f} ms  {}", static_cast<double>(trace.event(number).time) / 1e6,
                     in_words(trace, number, phrases));
}

std::string counted(std::uint64_t number, std::string_view thing) {
  return fmt::format("{} {}{}", number, thing, number == 1 ? "" : "s");
}

std::string incompleteness(const trace::Completeness& completeness) {
  std::string text;
  const auto add = [&](const std::string& reason) {
    text += text.empty() ? "" : "; ";
    text += reason;
  };
  if (completeness.lost_records > 0) {
    add(fmt::format("{} {} lost because buffers were full or blocks of the file are damaged",
                    counted(completeness.lost_records, "record"),
                    completeness.lost_records == 1 ? "was" : "were"));
  }
  if (completeness.ring) {
    add("it holds only the last seconds before it was written");
  }
  if (completeness.cut_off) {
    add("the file ends before the run did");
  }
  return text.empty() ? "" : "this trace is incomplete: " + text;
}

}  // namespace nodezero::runtime::inspect
