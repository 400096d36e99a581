// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/otlp.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <vector>

#include "runtime/inspect/filter.hpp"
#include "runtime/inspect/words.hpp"

namespace nodezero::runtime::inspect {
namespace {

/// OpenTelemetry's default limit.
constexpr std::size_t most_links = 128;
constexpr int kind_consumer = 5;
constexpr std::size_t spans_a_line = 500;
constexpr std::string_view line_begin =
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\","
    "\"value\":{\"stringValue\":\"nodezero\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":"
    "\"nodezero.trace\"},\"spans\":[";
constexpr std::string_view line_end = "]}]}]}\n";

/// What tells a run's traces from those of every other run: FNV-1a over what the trace says about
/// the run and, for traces that say nothing, over when what happened.
std::uint64_t id_of_run(const Trace& trace) {
  std::uint64_t id = 0xcbf29ce484222325;
  const auto mix = [&id](std::string_view text) {
    for (const char character : text) {
      id = (id ^ static_cast<unsigned char>(character)) * 0x100000001b3;
    }
    id = (id ^ 0xff) * 0x100000001b3;
  };
  for (const auto& [key, value] : trace.about) {
    mix(key);
    mix(value);
  }
  if (!trace.about.contains("started_unix_ns")) {
    for (const Event& event : trace.events) {
      id = (id ^ static_cast<std::uint64_t>(event.time)) * 0x100000001b3;
    }
  }
  return id == 0 ? 1 : id;
}

class SpanWriter {
 public:
  SpanWriter(const Trace& trace, const Handlings& handlings, std::span<const EventNumber> events,
             TextOutput& out)
      : trace_(trace),
        handlings_(handlings),
        out_(out),
        is_written_(handlings.size()),
        run_(id_of_run(trace)),
        start_(start_since_1970(trace).value_or(0)) {
    for (const auto& name : trace.names) {
      names_.push_back(json_string(name.text));
    }
    for (std::uint32_t actor = 0; actor < trace.actors.size(); ++actor) {
      actors_.push_back(json_string(trace.actor_name(actor)));
    }
    for (const auto number : events) {
      if (const auto opened = handlings.opened_by(number); opened != 0) {
        is_written_[opened - 1] = true;
      }
    }
    find_epochs();
  }

  void end() {
    if (spans_ % spans_a_line != 0) {
      out_.text(line_end);
    }
  }

  void span(std::uint32_t index) {
    const Handling& handling = handlings_[index];
    const Event& begin = trace_.event(handling.begin);
    const auto* message = trace_.message_of(begin);
    const EventNumber sent = handling.waited >= 0 ? message->sent : 0;
    const auto sender = sent == 0 ? 0 : handlings_.around(sent);
    const bool has_parent =
        sender != 0 && is_written_[sender - 1] && epochs_[sender - 1] == epochs_[index];
    out_.text(spans_ % spans_a_line == 0 ? line_begin : ",");
    out_.print("{{\"traceId\":\"{}\",\"spanId\":\"{:016x}\",", trace_id(index), handling.begin);
    if (has_parent) {
      out_.print("\"parentSpanId\":\"{:016x}\",", handlings_[sender - 1].begin);
    }
    out_.print(
        "\"name\":{},\"kind\":{},\"startTimeUnixNano\":\"{}\",\"endTimeUnixNano\":\"{}\","
        "\"attributes\":[{{\"key\":\"actor\",\"value\":{{\"stringValue\":{}}}}},"
        "{{\"key\":\"from\",\"value\":{{\"stringValue\":{}}}}},"
        "{{\"key\":\"event\",\"value\":{{\"intValue\":\"{}\"}}}},"
        "{{\"key\":\"payload\",\"value\":{{\"stringValue\":{}}}}}],\"links\":[",
        names_[begin.type], kind_consumer, start_ + handling.from, start_ + handling.to,
        actors_[begin.actor], actors_[begin.peer], handling.begin,
        json_string(trace_.describe_payload(begin)));
    links(index, has_parent ? 0 : sender, message);
    out_.text("]}");
    if (++spans_ % spans_a_line == 0) {
      out_.text(line_end);
    }
  }

 private:
  /// The epoch of each handling plus 1: its message's own, or its sender's; 0 for none.
  void find_epochs() {
    epochs_.resize(handlings_.size());
    for (std::size_t index = 0; index < handlings_.size(); ++index) {
      const Handling& handling = handlings_[index];
      if (const auto epoch = number_around(trace_, trace_.event(handling.begin), "epoch")) {
        epochs_[index] = *epoch + 1;
      } else if (handling.waited >= 0) {
        const auto around =
            handlings_.around(trace_.message_of(trace_.event(handling.begin))->sent);
        epochs_[index] = around == 0 ? 0 : epochs_[around - 1];
      }
    }
  }

  std::string trace_id(std::uint32_t index) const {
    return fmt::format("{:016x}{:016x}", run_, epochs_[index]);
  }

  void links(std::uint32_t index, std::uint32_t sender, const trace::Message* message) {
    std::vector<std::uint32_t> targets;
    const auto add = [&](std::uint32_t one_more) {
      if (one_more != 0 && is_written_[one_more - 1] && targets.size() < most_links &&
          std::find(targets.begin(), targets.end(), one_more - 1) == targets.end()) {
        targets.push_back(one_more - 1);
      }
    };
    add(sender);
    if (message != nullptr && message->request != 0) {
      const EventNumber request = trace_.messages[message->request - 1].begun;
      add(request == 0 ? 0 : handlings_.opened_by(request));
    }
    if (handlings_[index].effects > 0) {
      for (const auto gathered : handlings_.gathered_before(index)) {
        add(gathered + 1);
      }
    }
    bool is_first = true;
    for (const auto target : targets) {
      out_.print("{}{{\"traceId\":\"{}\",\"spanId\":\"{:016x}\"}}", is_first ? "" : ",",
                 trace_id(target), handlings_[target].begin);
      is_first = false;
    }
  }

  const Trace& trace_;
  const Handlings& handlings_;
  TextOutput& out_;
  std::vector<std::string> names_, actors_;  ///< as JSON
  std::vector<bool> is_written_;             ///< by handling
  std::vector<std::uint64_t> epochs_;
  const std::uint64_t run_;
  const std::int64_t start_;  ///< nanoseconds since 1970
  std::size_t spans_ = 0;
};

}  // namespace

std::optional<std::int64_t> start_since_1970(const Trace& trace) {
  const auto about = trace.about.find("started_unix_ns");
  std::int64_t start = 0;
  if (about == trace.about.end()) {
    return std::nullopt;
  }
  const auto* const end = about->second.data() + about->second.size();
  const auto [rest, error] = std::from_chars(about->second.data(), end, start);
  // Nanoseconds of this run are added to it.
  const bool is_possible = error == std::errc() && rest == end && start >= 0 &&
                           start < std::numeric_limits<std::int64_t>::max() / 2;
  return is_possible ? std::optional(start) : std::nullopt;
}

void write_otlp(const Trace& trace, const Handlings& handlings, std::span<const EventNumber> events,
                TextOutput& out) {
  SpanWriter writer(trace, handlings, events, out);
  for (const auto number : events) {
    if (const auto opened = handlings.opened_by(number); opened != 0) {
      writer.span(opened - 1);
    }
  }
  writer.end();
}

}  // namespace nodezero::runtime::inspect
