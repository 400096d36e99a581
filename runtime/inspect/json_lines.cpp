// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/json_lines.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"
#include "runtime/inspect/words.hpp"
#include "runtime/trace/possible_record.hpp"

namespace nodezero::runtime::inspect {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using trace::FieldKind;

constexpr int format_version = 1;
constexpr std::string_view field_kinds[] = {"number", "real", "numbers"};

ordered_json head_of(const Trace& trace) {
  ordered_json names = json::array(), actors = json::array();
  for (const auto& name : trace.names) {
    ordered_json fields = json::array();
    for (const auto& field : name.fields) {
      fields.push_back({field.name, field_kinds[static_cast<std::size_t>(field.kind)]});
    }
    names.push_back({{"text", name.text}, {"fields", fields}});
  }
  for (const auto& actor : trace.actors) {
    actors.push_back({{"name", actor.name}, {"number", actor.number}, {"parent", actor.parent}});
  }
  const auto& completeness = trace.completeness;
  return {{"nodezero_trace", format_version},
          {"about", trace.about},
          {"completeness",
           {{"lost_records", completeness.lost_records},
            {"ring", completeness.ring},
            {"cut_off", completeness.cut_off}}},
          {"actors", actors},
          {"names", names}};
}

FieldKind field_kind(const std::string& text) {
  for (std::size_t kind = 0; kind < std::size(field_kinds); ++kind) {
    if (field_kinds[kind] == text) {
      return static_cast<FieldKind>(kind);
    }
  }
  throw std::runtime_error("a field has an unknown kind");
}

Kind event_kind(const std::string& text) {
  for (int kind = 1; kind < static_cast<int>(Kind::summary); ++kind) {
    if (kind_name(static_cast<Kind>(kind)) == text) {
      return static_cast<Kind>(kind);
    }
  }
  throw std::runtime_error("an event has an unknown kind");
}

/// A number that must be whole and fit: what is too large for 64 bits was parsed as a real one.
template <class Number>
Number as_number(const json& value, const char* key) {
  if (!value.is_number_unsigned() ||
      value.get<std::uint64_t>() > std::numeric_limits<Number>::max()) {
    throw std::runtime_error(fmt::format("'{}' is {}, not a whole number from 0 to {}", key,
                                         value.dump(), std::numeric_limits<Number>::max()));
  }
  return static_cast<Number>(value.get<std::uint64_t>());
}
template <class Number>
Number number(const json& object, const char* key) {
  return as_number<Number>(object.at(key), key);
}

Trace read_head(const json& head) {
  if (!head.is_object() || head.value("nodezero_trace", 0) != format_version) {
    throw std::runtime_error("not JSON lines of a trace, or of a newer version");
  }
  Trace trace;
  trace.about = head.at("about").get<std::map<std::string, std::string>>();
  const auto& completeness = head.at("completeness");
  trace.completeness = {number<std::uint64_t>(completeness, "lost_records"),
                        completeness.at("ring"), completeness.at("cut_off")};
  for (const auto& actor : head.at("actors")) {
    trace.actors.push_back({actor.at("name"), number<std::uint32_t>(actor, "number"),
                            number<std::uint32_t>(actor, "parent"), 0, 0});
    if (trace.actors.back().parent >= std::max<std::size_t>(trace.actors.size() - 1, 1)) {
      throw std::runtime_error("an actor is spawned by one that comes after it");
    }
  }
  for (const auto& name : head.at("names")) {
    trace::Name read{name.at("text"), {}};
    for (const auto& field : name.at("fields")) {
      read.fields.push_back({field.at(0), field_kind(field.at(1))});
    }
    trace.names.push_back(std::move(read));
  }
  return trace;
}

void read_event(const json& line, Trace& trace) {
  Event event;
  if (!line.at("time_ns").is_number_integer()) {
    throw std::runtime_error("'time_ns' is not a whole number");
  }
  event.time = line.at("time_ns");
  event.kind = event_kind(line.at("kind"));
  event.message = number<std::uint64_t>(line, "message");
  event.actor = number<std::uint32_t>(line, "actor");
  event.peer = number<std::uint32_t>(line, "peer");
  event.type = number<std::uint16_t>(line, "type");
  event.detail = number<std::uint8_t>(line, "detail");
  event.argument = number<std::uint32_t>(line, "argument");
  event.thread = number<std::uint32_t>(line, "thread");
  if (event.actor >= trace.actors.size() || event.peer >= trace.actors.size() ||
      event.type >= trace.names.size() || event.thread >= trace::most_threads ||
      !trace::is_possible(event.kind, event.message, event.actor)) {
    throw std::runtime_error(
        "an event names an actor, a message, a type or a thread that cannot be");
  }
  if (const auto words = line.find("words"); words != line.end()) {
    event.first_word = static_cast<std::uint32_t>(trace.words.size());
    event.word_count = static_cast<std::uint32_t>(words->size());
    for (const auto& word : *words) {
      trace.words.push_back(as_number<std::uint64_t>(word, "words"));
    }
  }
  trace.events.push_back(event);
}

}  // namespace

void write_json_lines(const Trace& trace, std::span<const EventNumber> events, TextOutput& out) {
  std::vector<std::string> names, actors;
  for (const auto& name : trace.names) {
    names.push_back(json_string(name.text));
  }
  for (std::uint32_t actor = 0; actor < trace.actors.size(); ++actor) {
    actors.push_back(json_string(trace.actor_name(actor)));
  }
  out.print("{}\n", head_of(trace).dump(-1, ' ', true, json::error_handler_t::replace));
  for (const auto number : events) {
    const Event& event = trace.event(number);
    out.print(R"({{"event":{},"time_ns":{},"kind":"{}","actor":{},"actor_name":{},"peer":{},)"
              R"("peer_name":{},"type":{},"name":{},"message":{},"detail":{},"argument":{},)"
              R"("thread":{})",
              number, event.time, kind_name(event.kind), event.actor, actors[event.actor],
              event.peer, event.peer < actors.size() ? actors[event.peer] : "\"\"", event.type,
              names[event.type], event.message, event.detail, event.argument, event.thread);
    if (event.word_count > 0) {
      const auto words = std::span(trace.words).subspan(event.first_word, event.word_count);
      out.print(R"(,"words":[{}],"payload":{})", fmt::join(words, ","),
                json_string(trace.describe_payload(event)));
    }
    out.text("}\n");
  }
}

Result<Trace> read_json_lines(std::istream& lines) {
  Trace trace;
  std::string line;
  std::size_t number = 0;
  try {
    while (std::getline(lines, line)) {
      ++number;
      const auto parsed = formats::read_json(line);
      if (!parsed) {
        return fail(ErrorCode::malformed,
                    fmt::format("line {} is wrong: it {}", number, parsed.error().message));
      }
      if (number == 1) {
        trace = read_head(*parsed);
      } else {
        read_event(*parsed, trace);
      }
    }
  } catch (const std::exception& error) {
    return fail(ErrorCode::malformed, fmt::format("line {} is wrong: {}", number, error.what()));
  }
  if (number == 0) {
    return fail(ErrorCode::malformed, "the file is empty");
  }
  trace.link();
  return trace;
}

}  // namespace nodezero::runtime::inspect
