// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "runtime/inspect/handlings.hpp"
#include "runtime/inspect/violation.hpp"

namespace nodezero::actors {

using runtime::inspect::EventNumber;
using runtime::trace::Event;
using runtime::trace::Kind;
using runtime::trace::Trace;

/// What the rules ask of a trace, looked up once.
class TraceFacts {
 public:
  explicit TraceFacts(const Trace& trace);

  const Trace& trace() const { return trace_; }
  const Event& event(EventNumber number) const { return trace_.event(number); }
  std::string_view type(EventNumber number) const { return trace_.name(event(number).type); }
  std::string_view actor_kind(EventNumber number) const {
    return trace_.actors[event(number).actor].name;
  }

  /// Sendings and beginnings of messages of these types, ascending. Where an incomplete trace
  /// does not say what a message held, it is left out.
  std::vector<EventNumber> sends(std::initializer_list<std::string_view> types) const;
  std::vector<EventNumber> begins(std::initializer_list<std::string_view> types) const;

  std::optional<std::uint64_t> field(EventNumber number, std::string_view name) const;
  /// The same, 0 if there is none.
  std::uint64_t number(EventNumber number, std::string_view name) const {
    return field(number, name).value_or(0);
  }

  /// True if a sending in this handling was anything but an error: the message had an effect.
  bool had_effect(EventNumber begin) const;

  /// True if the trace lacks nothing before its first event or between.
  bool knows_the_past() const { return !has_gaps() && !trace_.completeness.ring; }
  /// True if the trace lacks nothing after its last event or between. The last seconds of a run
  /// may have been written while it went on: then its requests are open and not lost.
  bool knows_the_end() const {
    return !has_gaps() && !trace_.completeness.cut_off &&
           (!trace_.completeness.ring || has_run_ended_);
  }
  bool has_gaps() const { return has_gaps_; }

 private:
  using ByType = std::map<std::string_view, std::vector<EventNumber>>;
  static std::vector<EventNumber> merged(const ByType& events,
                                         std::initializer_list<std::string_view> types);

  const Trace& trace_;
  ByType sends_, begins_;
  bool has_gaps_ = false;       ///< records are lost, or whole blocks of a thread's
  bool has_run_ended_ = false;  ///< the trace has the run's last word
};

/// What one rule finds.
class Findings {
 public:
  Findings(std::string_view rule, std::vector<runtime::inspect::Violation>& violations)
      : rule_(rule), violations_(violations) {}

  void violated(EventNumber first, EventNumber second, std::string what) {
    violations_.push_back({std::string(rule_), first, second, std::move(what)});
  }
  /// Something is missing that counts as broken only if the trace would have to hold it.
  void missing(bool trace_would_hold_it, EventNumber first, EventNumber second, std::string what) {
    if (trace_would_hold_it) {
      violated(first, second, std::move(what));
    } else {
      undecided("what it asks for may be in the part that the trace lacks");
    }
  }
  void undecided(std::string reason) { undecided_ = std::move(reason); }
  const std::string& reason_undecided() const { return undecided_; }

 private:
  std::string_view rule_;
  std::vector<runtime::inspect::Violation>& violations_;
  std::string undecided_;
};

}  // namespace nodezero::actors
