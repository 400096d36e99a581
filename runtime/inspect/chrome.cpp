// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/chrome.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/inspect/words.hpp"

namespace nodezero::runtime::inspect {
namespace {

/// One file. Lanes are processes, pid 1 is the whole run; times are microseconds from the start.
class ChromeFile {
 public:
  ChromeFile(const Trace& trace, const CausalOrder& order, const Handlings& handlings,
             TextOutput& out)
      : trace_(trace),
        order_(order),
        handlings_(handlings),
        out_(out),
        has_slice_(handlings.size()),
        has_sending_(trace.messages.size()),
        is_named_(order.processes()),
        depth_(trace.actors.size(), no_depth) {
    for (const auto& name : trace.names) {
      names_.push_back(json_string(name.text));
    }
    for (std::uint32_t process = 0; process < order.processes(); ++process) {
      lanes_.push_back(json_string(order.process_name(process)));
    }
    out_.text(
        "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
        "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":1,\"tid\":0,\"args\":{\"name\":"
        "\"nodezero\"}}");
  }

  void event(EventNumber number) {
    const Event& event = trace_.event(number);
    switch (event.kind) {
      case Kind::begin:
        slice(number, event);
        counter(event);
        arrow(number, event);
        break;
      case Kind::send:
        sending(number, event);
        break;
      case Kind::state:
      case Kind::exit:
      case Kind::note:
      case Kind::drop:
        instant(number, json_string(in_words(trace_, number)), "t", kind_name(event.kind));
        break;
      default:
        break;
    }
  }

  void violation(const Violation& violation) {
    instant(violation.second, json_string(fmt::format("violated: {}", violation.rule)), "p",
            "violation");
  }

  void close() { out_.text("\n]}\n"); }

 private:
  static constexpr std::uint32_t no_depth = 0xffffffff;

  /// Nanoseconds in two parts that print as microseconds.
  static std::int64_t whole(std::int64_t time) { return time / 1000; }
  static std::int64_t rest(std::int64_t time) { return time % 1000; }

  /// The lane of an event, with its name if it has not been told.
  std::uint32_t lane(EventNumber number) {
    std::uint32_t process = order_.process(number);
    process = process == CausalOrder::no_process ? trace_.event(number).actor : process;
    if (!is_named_[process]) {
      is_named_[process] = true;
      out_.print(
          ",\n{{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":1,\"tid\":{},\"args\":"
          "{{\"name\":{}}}}},\n{{\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":1,"
          "\"tid\":{},\"args\":{{\"sort_index\":{}}}}}",
          process, lanes_[process], process, process);
    }
    return process;
  }

  void slice(EventNumber number, const Event& event) {
    const std::uint32_t tid = lane(number);
    const auto index = handlings_.opened_by(number) - 1;
    const auto& handling = handlings_[index];
    has_slice_[index] = true;
    out_.print(
        ",\n{{\"ph\":\"X\",\"name\":{},\"cat\":\"message\",\"pid\":1,\"tid\":{},\"ts\":"
        "{}.{:03},\"dur\":{}.{:03},\"args\":{{\"event\":{},\"from\":{},\"payload\":{}}}}}",
        names_[event.type], tid, whole(handling.from), rest(handling.from), whole(handling.time()),
        rest(handling.time()), number, lanes_[event.peer],
        json_string(trace_.describe_payload(event)));
  }

  /// What is sent outside of any slice has one of its own, so that its arrow begins somewhere.
  void sending(EventNumber number, const Event& event) {
    const auto around = handlings_.around(number);
    if (event.life == 0 || (around != 0 && has_slice_[around - 1])) {
      return;
    }
    const std::uint32_t tid = lane(number);
    has_sending_[event.life - 1] = true;
    out_.print(
        ",\n{{\"ph\":\"X\",\"name\":{},\"cat\":\"send\",\"pid\":1,\"tid\":{},\"ts\":"
        "{}.{:03},\"dur\":0,\"args\":{{\"event\":{}}}}}",
        names_[event.type], tid, whole(event.time), rest(event.time), number);
  }

  void arrow(EventNumber number, const Event& event) {
    const EventNumber sent = order_.cause(number);
    // The arrow of a message that was put back goes to where it was handled in the end.
    if (sent == 0 || trace_.messages[event.life - 1].begun != number) {
      return;
    }
    const auto around = handlings_.around(sent);
    if (!has_sending_[event.life - 1] && (around == 0 || !has_slice_[around - 1])) {
      return;
    }
    const Event& send = trace_.event(sent);
    constexpr auto line =
        ",\n{{\"ph\":\"{}\",{}\"id\":{},\"name\":{},\"cat\":\"message\",\"pid\":1,\"tid\":{},"
        "\"ts\":{}.{:03}}}";
    out_.print(line, 's', "", event.life, names_[event.type], order_.process(sent),
               whole(send.time), rest(send.time));
    out_.print(line, 'f', "\"bp\":\"e\",", event.life, names_[event.type], order_.process(number),
               whole(event.time), rest(event.time));
  }

  void counter(const Event& event) {
    if (depth_[event.actor] == event.argument) {
      return;
    }
    depth_[event.actor] = event.argument;
    const auto& lane = lanes_[event.actor];
    out_.print(
        ",\n{{\"ph\":\"C\",\"name\":\"mailbox {},\"pid\":1,\"tid\":{},\"ts\":{}.{:03},"
        "\"args\":{{\"waiting\":{}}}}}",
        std::string_view(lane).substr(1), event.actor, whole(event.time), rest(event.time),
        event.argument);
  }

  void instant(EventNumber number, const std::string& name, std::string_view scope,
               std::string_view category) {
    const std::uint32_t tid = lane(number);
    const std::int64_t time = trace_.event(number).time;
    out_.print(
        ",\n{{\"ph\":\"i\",\"name\":{},\"cat\":\"{}\",\"s\":\"{}\",\"pid\":1,\"tid\":{},"
        "\"ts\":{}.{:03},\"args\":{{\"event\":{}}}}}",
        name, category, scope, tid, whole(time), rest(time), number);
  }

  const Trace& trace_;
  const CausalOrder& order_;
  const Handlings& handlings_;
  TextOutput& out_;
  std::vector<std::string> names_, lanes_;  ///< as JSON
  std::vector<bool> has_slice_;             ///< by handling, of this file
  std::vector<bool> has_sending_;           ///< by message, of this file
  std::vector<bool> is_named_;              ///< by process
  std::vector<std::uint32_t> depth_;        ///< by actor, the last that was told
};

}  // namespace

std::size_t write_chrome(const Trace& trace, const CausalOrder& order, const Handlings& handlings,
                         std::span<const EventNumber> events, std::span<const Violation> violations,
                         TextOutput& out, std::uint64_t limit) {
  // More than one event takes in a file, with its lane's name and the end.
  constexpr std::uint64_t reserve = 16'384;
  const std::uint64_t start = out.size();
  ChromeFile file(trace, order, handlings, out);
  std::size_t written = 0;
  while (written < events.size() && (written == 0 || out.size() - start + reserve < limit)) {
    file.event(events[written]);
    ++written;
  }
  for (const auto& violation : violations) {
    if (std::binary_search(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(written),
                           violation.second)) {
      file.violation(violation);
    }
  }
  file.close();
  return written;
}

}  // namespace nodezero::runtime::inspect
