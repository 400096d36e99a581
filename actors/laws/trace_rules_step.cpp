// SPDX-License-Identifier: BSD-3-Clause

// Rules about the micro-batches of a step.

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/laws/trace_facts.hpp"

namespace nodezero::actors {
namespace {

constexpr std::uint64_t for_training = 0, for_evaluation = 1;  // Purpose

/// A step at one actor: (actor, epoch, step, purpose).
using StepAt = std::tuple<std::uint32_t, std::uint64_t, std::uint64_t, std::uint64_t>;

StepAt step_at(const TraceFacts& facts, EventNumber number) {
  const auto type = facts.type(number);
  const auto purpose = type == "apply"                  ? for_training
                       : type == "telemetry_evaluation" ? for_evaluation
                                                        : facts.number(number, "purpose");
  return {facts.event(number).actor, facts.number(number, "epoch"), facts.number(number, "step"),
          purpose};
}

/// Everything by which spheres divide a step and close it, in order.
std::vector<EventNumber> step_events(const TraceFacts& facts) {
  auto events = facts.begins({"assign", "gradient", "report", "down"});
  const auto sent = facts.sends({"assign", "gradient", "report", "apply", "telemetry_evaluation"});
  events.insert(events.end(), sent.begin(), sent.end());
  std::sort(events.begin(), events.end());
  return events;
}

/// Which micro-batches have come, and by which event.
class Arrivals {
 public:
  /// Adds a gradient's; the event that has brought one of them before, or 0.
  EventNumber add(const TraceFacts& facts, EventNumber gradient) {
    EventNumber earlier = 0;
    const auto last = facts.number(gradient, "last");
    for (auto position = facts.number(gradient, "first"); position < last; ++position) {
      const auto [found, is_new] = by_.try_emplace(static_cast<std::uint32_t>(position), gradient);
      earlier = is_new ? earlier : found->second;
    }
    return earlier;
  }
  std::set<std::uint32_t> positions() const {
    std::set<std::uint32_t> all;
    for (const auto& [position, event] : by_) {
      all.insert(position);
    }
    return all;
  }

 private:
  std::map<std::uint32_t, EventNumber> by_;
};

std::set<std::uint32_t> positions_of(const TraceFacts& facts, EventNumber number) {
  std::vector<std::uint32_t> positions;
  facts.trace().numbers(facts.event(number), "positions", positions);
  return {positions.begin(), positions.end()};
}

/// "3 5", those of `a` that are not in `b` and the other way round.
std::string difference(const std::set<std::uint32_t>& a, const std::set<std::uint32_t>& b) {
  std::vector<std::uint32_t> found;
  std::ranges::set_symmetric_difference(a, b, std::back_inserter(found));
  return fmt::format("{}", fmt::join(found, " "));
}

/// Children that the parent has seen die: what still comes of them is not counted.
class Dead {
 public:
  void down(const Event& event) { dead_.emplace(event.actor, event.peer); }
  bool contains(const Event& begin) const { return dead_.contains({begin.actor, begin.peer}); }

 private:
  std::set<std::pair<std::uint32_t, std::uint32_t>> dead_;
};

}  // namespace

void check_conservation(const TraceFacts& facts, Findings& findings) {
  struct Share {
    EventNumber assigned_by = 0;
    std::set<std::uint32_t> assigned;
    Arrivals arrivals;
  };
  std::map<StepAt, Share> own, below;  // what an actor was assigned; what it assigned to others
  Dead dead;
  const bool knows_the_past = facts.knows_the_past();
  // A share is compared when it is closed. In a trace without its beginning it may be older.
  const auto compare = [&](const Share& share, const std::set<std::uint32_t>& found,
                           EventNumber number, std::string_view what) {
    if (found != share.assigned) {
      findings.missing(
          knows_the_past, share.assigned_by, number,
          fmt::format("{} of step {} and what was assigned differ in micro-batches {}", what,
                      facts.number(number, "step"), difference(found, share.assigned)));
    }
  };
  for (const auto number : step_events(facts)) {
    const Event& event = facts.event(number);
    const bool is_send = event.kind == Kind::send;
    const auto type = facts.type(number);
    const StepAt step = step_at(facts, number);
    if (type == "down") {
      dead.down(event);
    } else if (type == "assign" && is_send) {
      below[step].assigned_by = number;
      below[step].assigned.merge(positions_of(facts, number));
    } else if (type == "assign") {
      own[step] = {number, positions_of(facts, number), {}};
    } else if (type == "gradient" && !dead.contains(event)) {
      auto& arrivals = (is_send ? own : below)[step].arrivals;
      // Sent twice is found where it arrives.
      if (const auto earlier = arrivals.add(facts, number); earlier != 0 && !is_send) {
        findings.violated(
            earlier, number,
            fmt::format("micro-batches {} to {} of step {} overlap with those of an "
                        "earlier gradient",
                        facts.number(number, "first"), facts.number(number, "last") - 1,
                        facts.number(number, "step")));
      }
    } else if (type == "report" && is_send) {
      compare(own[step], positions_of(facts, number), number, "the report");
      compare(own[step], own[step].arrivals.positions(), number, "the gradients");
    } else if ((type == "apply" && facts.field(number, "with_gradient") != 0u) ||
               type == "telemetry_evaluation") {
      compare(below[step], below[step].arrivals.positions(), number, "the sum");
    }
  }
}

void check_one_report(const TraceFacts& facts, Findings& findings) {
  struct Child {
    EventNumber assigned = 0, reported = 0;
  };
  std::map<StepAt, std::map<std::uint32_t, Child>> children;
  Dead dead;
  for (const auto number : step_events(facts)) {
    const Event& event = facts.event(number);
    const bool is_send = event.kind == Kind::send;
    const auto type = facts.type(number);
    const StepAt step = step_at(facts, number);
    if (type == "down") {
      dead.down(event);
    } else if (type == "assign" && is_send) {
      children[step][event.peer].assigned = number;
    } else if (type == "report" && !is_send && !dead.contains(event)) {
      auto& child = children[step][event.peer];
      if (child.reported != 0) {
        findings.violated(
            child.reported, number,
            fmt::format("{} reported step {} twice", facts.trace().actor_name(event.peer),
                        facts.number(number, "step")));
      }
      child.reported = number;
    } else if ((type == "report" && is_send) || type == "apply" || type == "telemetry_evaluation") {
      for (const auto& [actor, child] : children[step]) {
        const auto exited = facts.trace().actors[actor].exited;
        if (child.reported == 0 && (exited == 0 || exited > number)) {
          findings.missing(
              facts.knows_the_past(), child.assigned, number,
              fmt::format("step {} was closed without the report of {}",
                          facts.number(number, "step"), facts.trace().actor_name(actor)));
        }
      }
    }
  }
}

}  // namespace nodezero::actors
