// SPDX-License-Identifier: BSD-3-Clause

// The laws of the protocol, each with how a trace shows that it was kept. The table of them all is
// at the end.

#include "actors/laws/trace_rules.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/laws/machines.hpp"
#include "actors/laws/trace_facts.hpp"
#include "runtime/inspect/causal_order.hpp"

namespace nodezero::actors {
namespace {

constexpr std::uint64_t for_training = 0, for_evaluation = 1;  // Purpose

// -- epochs --------------------------------------------------------------------------------------

void check_epoch_done_after_last_step(const TraceFacts& facts, Findings& findings) {
  const auto proofs = facts.begins({"optimizer_complete"});
  const auto work = facts.sends({"assign", "apply"});
  const auto beginnings = facts.sends({"training"});
  for (const auto done : facts.sends({"epoch_done"})) {
    const auto epoch = facts.number(done, "epoch");
    const auto step = facts.number(done, "step");
    EventNumber proof = 0, nearest = 0;
    for (const auto number : proofs) {
      if (number < done && facts.event(number).actor == facts.event(done).actor &&
          facts.field(number, "epoch") == epoch) {
        nearest = number;
        proof = facts.field(number, "step") == step ? number : proof;
      }
    }
    if (proof == 0) {
      findings.missing(facts.knows_the_past(), nearest, done,
                       fmt::format("epoch {} was answered with epoch_done before the optimizer's "
                                   "answer for step {} had been handled",
                                   epoch, step));
    }
    const auto other_end = std::find_if(beginnings.begin(), beginnings.end(), [&](auto number) {
      const auto last_step = facts.field(number, "last_step");
      return facts.field(number, "epoch") == epoch && last_step && *last_step != step;
    });
    if (other_end != beginnings.end()) {
      findings.violated(std::min(done, *other_end), std::max(done, *other_end),
                        fmt::format("epoch {} was answered with epoch_done after step {}, but was "
                                    "begun with step {} as its last",
                                    epoch, step, *facts.field(*other_end, "last_step")));
      continue;
    }
    const auto later = std::find_if(work.begin(), work.end(), [&](EventNumber number) {
      return facts.field(number, "epoch") == epoch && facts.number(number, "step") > step &&
             facts.number(number, "purpose") == for_training;
    });
    if (later != work.end()) {
      findings.violated(std::min(done, *later), std::max(done, *later),
                        fmt::format("epoch {} was answered with epoch_done after step {}, but "
                                    "step {} belongs to it as well",
                                    epoch, step, facts.number(*later, "step")));
    }
    if (facts.field(done, "sealed") == 0u) {
      findings.violated(nearest, done, "an epoch was answered with an epoch_done without proof");
    }
  }
}

void check_epoch_done_once(const TraceFacts& facts, Findings& findings) {
  std::map<std::uint64_t, EventNumber> ends;
  for (const auto done : facts.sends({"epoch_done"})) {
    const auto epoch = facts.number(done, "epoch");
    const auto [earlier, is_first] = ends.try_emplace(epoch, done);
    if (!is_first) {
      findings.violated(earlier->second, done,
                        fmt::format("epoch {} was answered with epoch_done twice", epoch));
    }
  }
}

void check_no_older_epoch(const TraceFacts& facts, Findings& findings) {
  // The epoch that each actor has shown to be in, and the event that showed it.
  struct Current {
    std::uint64_t epoch = 0;
    EventNumber since = 0;
  };
  std::map<std::uint32_t, Current> currents;
  const auto raise = [&](EventNumber number, std::uint64_t epoch) {
    auto& current = currents[facts.event(number).actor];
    if (current.since == 0 || epoch > current.epoch) {
      current = {epoch, number};
    }
  };
  constexpr std::array<std::string_view, 4> actors = {"node_zero", "control", "worker",
                                                      "optimizer"};
  auto events = facts.begins({"begin_epoch", "step_plan", "assign", "gradient", "report",
                              "step_failed", "apply", "optimizer_complete"});
  const auto sent = facts.sends({"assign", "apply"});
  events.insert(events.end(), sent.begin(), sent.end());
  std::sort(events.begin(), events.end());
  for (const auto number : events) {
    const auto epoch = facts.field(number, "epoch");
    if (!epoch || std::ranges::find(actors, facts.actor_kind(number)) == actors.end()) {
      continue;
    }
    const auto current = currents.find(facts.event(number).actor);
    const bool is_older = facts.event(number).kind == Kind::begin && current != currents.end() &&
                          *epoch < current->second.epoch;
    if (!is_older) {
      raise(number, *epoch);
    } else if (facts.had_effect(number)) {
      findings.violated(current->second.since, number,
                        fmt::format("{} of epoch {} was handled as if it were of epoch {}",
                                    facts.type(number), *epoch, current->second.epoch));
    }
  }
}

// -- the micro-batches of a step
// -------------------------------------------------------------------

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

/// Positions as ranges, by their first: a range may be as long as the file claims.
using Ranges = std::map<std::uint64_t, std::uint64_t>;

/// Which micro-batches have come, and by which event.
class Arrivals {
 public:
  /// Adds a gradient's; the event that has brought one of them before, or 0.
  EventNumber add(const TraceFacts& facts, EventNumber gradient) {
    EventNumber earlier = 0;
    const auto last = facts.number(gradient, "last");
    auto first = facts.number(gradient, "first");
    auto next = by_.upper_bound(first);
    if (next != by_.begin() && std::prev(next)->second.last > first) {
      earlier = std::prev(next)->second.event;
      first = std::prev(next)->second.last;
    }
    for (; first < last; ++next) {
      const bool is_met = next != by_.end() && next->first < last;
      if (const auto end = is_met ? next->first : last; first < end) {
        by_[first] = {end, gradient};
      }
      if (!is_met) {
        break;
      }
      earlier = next->second.event;
      first = next->second.last;
    }
    return earlier;
  }
  Ranges positions() const {
    Ranges all;
    for (const auto& [first, part] : by_) {
      all.emplace(first, part.last);
    }
    return all;
  }

 private:
  struct Part {
    std::uint64_t last = 0;
    EventNumber event = 0;
  };
  std::map<std::uint64_t, Part> by_;  ///< by first position; they do not overlap
};

std::set<std::uint32_t> positions_of(const TraceFacts& facts, EventNumber number) {
  std::vector<std::uint32_t> positions;
  facts.trace().numbers(facts.event(number), "positions", positions);
  return {positions.begin(), positions.end()};
}

Ranges as_ranges(const std::set<std::uint32_t>& positions) {
  Ranges ranges;
  for (const auto position : positions) {
    ranges.emplace(position, std::uint64_t{position} + 1);
  }
  return ranges;
}

/// "3 5 7 to 9", those that are in one of both and not in the other; empty if they are the same.
std::string difference(const Ranges& a, const Ranges& b) {
  constexpr std::size_t most = 50;
  std::map<std::uint64_t, int> turns;  // where a range begins (+) or ends (-), `a`'s times two
  const auto turn = [&turns](const Ranges& ranges, int weight) {
    for (const auto& [first, last] : ranges) {
      turns[first] += weight;
      turns[last] -= weight;
    }
  };
  turn(a, 2);
  turn(b, 1);
  std::vector<std::string> found;
  int inside = 0;
  std::uint64_t first = 0;
  for (const auto& [at, change] : turns) {
    if ((inside == 1 || inside == 2) && at > first) {
      found.push_back(at == first + 1 ? fmt::format("{}", first)
                                      : fmt::format("{} to {}", first, at - 1));
    }
    inside += change;
    first = at;
  }
  const std::string rest = found.size() > most ? " and more" : "";
  found.resize(std::min(found.size(), most));
  return fmt::format("{}{}", fmt::join(found, " "), rest);
}

/// Children that the parent has seen die: what still comes of them is not counted.
class Dead {
 public:
  void down(const Event& event) { dead_.emplace(event.actor, event.peer); }
  bool contains(const Event& begin) const { return dead_.contains({begin.actor, begin.peer}); }

 private:
  std::set<std::pair<std::uint32_t, std::uint32_t>> dead_;
};

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
  const auto compare = [&](const Share& share, const Ranges& found, EventNumber number,
                           std::string_view what) {
    if (const auto differs = difference(found, as_ranges(share.assigned)); !differs.empty()) {
      findings.missing(knows_the_past, share.assigned_by, number,
                       fmt::format("{} of step {} and what was assigned differ in micro-batches {}",
                                   what, facts.number(number, "step"), differs));
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
      compare(own[step], as_ranges(positions_of(facts, number)), number, "the report");
      compare(own[step], own[step].arrivals.positions(), number, "the gradients");
    } else if ((type == "apply" && facts.field(number, "with_gradient") != 0u &&
                // A host applies what all machines have added, and need not have finished its part
                // if another one has.
                facts.actor_kind(number) != "exchange") ||
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
      children[step][event.peer] = {number, 0};
    } else if (type == "report" && !is_send && !dead.contains(event)) {
      auto& child = children[step][event.peer];
      if (child.reported != 0) {
        // Without the assignment in between, a lossy trace shows two parts of an evaluation so.
        const auto positions = positions_of(facts, number);
        const bool same = !positions.empty() && positions == positions_of(facts, child.reported);
        findings.missing(
            same || !facts.has_gaps(), child.reported, number,
            fmt::format("{} reported step {} twice", facts.trace().actor_name(event.peer),
                        facts.number(number, "step")));
      }
      child.reported = number;
    } else if ((type == "report" && is_send) || type == "telemetry_evaluation" ||
               // A host applies what all machines have added, whenever its own report comes.
               (type == "apply" && facts.actor_kind(number) != "exchange")) {
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

// -- versions of the weights
// -----------------------------------------------------------------------

/// How much the step that an optimizer_complete answers raised the version: 0 for an epoch
/// without steps.
std::uint64_t raised_by(const TraceFacts& facts, EventNumber complete) {
  const auto* message = facts.trace().message_of(facts.event(complete));
  const auto request =
      message->request == 0 ? 0 : facts.trace().messages[message->request - 1].sent;
  return request != 0 && facts.field(request, "with_gradient") == 0u ? 0 : 1;
}

void check_versions_rise(const TraceFacts& facts, Findings& findings) {
  std::map<std::uint32_t, EventNumber> last;  // by optimizer: each machine has one
  for (const auto complete : facts.sends({"optimizer_complete"})) {
    auto& before = last[facts.event(complete).actor];
    if (before != 0) {
      const auto old_version = facts.number(before, "version");
      const auto version = facts.number(complete, "version");
      if (version != old_version + raised_by(facts, complete)) {
        findings.missing(!facts.has_gaps(), before, complete,
                         fmt::format("version {} of the weights was followed by version {}",
                                     old_version, version));
      }
    }
    before = complete;
  }
}

void check_inference_reads_complete_versions(const TraceFacts& facts, Findings& findings) {
  const auto completes = facts.sends({"optimizer_complete"});
  const auto readings = facts.sends({"infer", "generate_some", "generated_piece", "generated"});
  if (completes.empty() || readings.empty()) {
    return;
  }
  // Every version before the trace's first was complete before it. From there on each process
  // knows the versions that are complete in its causal past: one number, carried by messages.
  const Trace& trace = facts.trace();
  const auto first_version = facts.number(completes.front(), "version");
  const auto raised = raised_by(facts, completes.front());
  const auto initial = first_version >= raised ? first_version - raised : 0;
  const runtime::inspect::CausalOrder order(trace);
  std::vector<std::uint64_t> known(order.processes(), initial);
  std::vector<std::uint64_t> carried(trace.messages.size(), initial);
  auto complete = completes.begin();
  auto reading = readings.begin();
  for (EventNumber number = 1; number <= trace.events.size(); ++number) {
    const auto process = order.process(number);
    if (process == runtime::inspect::CausalOrder::no_process) {
      continue;
    }
    const Event& event = trace.event(number);
    if (event.kind == Kind::begin && order.cause(number) != 0) {
      known[process] = std::max(known[process], carried[event.life - 1]);
    } else if (event.kind == Kind::spawn && order.cause(number) != 0) {
      known[process] = std::max(known[process], known[order.process(order.cause(number))]);
    }
    if (complete != completes.end() && *complete == number) {
      ++complete;
      known[process] = std::max(known[process], facts.number(number, "version"));
    }
    if (event.kind == Kind::send) {
      carried[event.life - 1] = known[process];
    }
    if (reading != readings.end() && *reading == number) {
      ++reading;
      const auto version = facts.number(number, "version");
      if (version > known[process]) {
        const auto made = std::find_if(completes.begin(), completes.end(), [&](EventNumber proof) {
          return facts.number(proof, "version") == version;
        });
        const EventNumber maker = made == completes.end() ? 0 : *made;
        findings.missing(!facts.has_gaps(), std::min(maker, number), std::max(maker, number),
                         fmt::format("{} reads version {} of the weights while version {} is the "
                                     "last that is known to be complete",
                                     facts.actor_kind(number), version, known[process]));
      }
    }
  }
}

// -- the run
// ---------------------------------------------------------------------------------------

void check_lifecycle_transitions(const TraceFacts& facts, Findings& findings) {
  // As lifecycle.hpp draws them.
  using Step = std::pair<std::string_view, std::string_view>;
  constexpr std::array<Step, 10> allowed = {{{"idle", "training"},
                                             {"training", "quiescent"},
                                             {"quiescent", "training"},
                                             {"training", "failed"},
                                             {"idle", "draining"},
                                             {"training", "draining"},
                                             {"quiescent", "draining"},
                                             {"failed", "draining"},
                                             {"draining", "stopped"},
                                             {"", "idle"}}};
  std::map<std::uint32_t, EventNumber> states;  // by actor
  const Trace& trace = facts.trace();
  for (EventNumber number = 1; number <= trace.events.size(); ++number) {
    const Event& event = trace.event(number);
    if (event.kind != Kind::state || facts.actor_kind(number) != "lifecycle") {
      continue;
    }
    const EventNumber before = std::exchange(states[event.actor], number);
    if (before == 0 && !facts.knows_the_past()) {
      continue;
    }
    const auto from = before == 0 ? std::string_view() : facts.type(before);
    if (std::ranges::find(allowed, Step{from, facts.type(number)}) == allowed.end()) {
      findings.missing(!facts.has_gaps(), before, number,
                       fmt::format("the lifecycle went from {} to {}",
                                   before == 0 ? "its spawn" : from, facts.type(number)));
    }
  }
}

void check_requests_answered(const TraceFacts& facts, Findings& findings) {
  const Trace& trace = facts.trace();
  // When a run that did not fail has said its last word, nothing is left to wait for. One that
  // fails may leave work of the abandoned step on a lane. There, and without a last word, whoever
  // has ended may have been ended with requests open.
  const auto ends = facts.sends({"run_ended"});
  const bool was_awaited = !ends.empty() && facts.number(ends.back(), "code") == 0;
  const EventNumber end = was_awaited ? ends.back() : 0xffffffff;
  const HostActors hosts(trace);
  // Of a step that went on without what a machine had not finished, some work may be left as well.
  std::set<std::pair<std::uint64_t, std::uint64_t>> abandoned;
  const auto place = [&](EventNumber number) {
    return std::pair{facts.number(number, "epoch"), facts.number(number, "step")};
  };
  for (const auto number : facts.sends({"abandon"})) {
    if (facts.actor_kind(number) == "exchange") {
      abandoned.insert(place(number));
    }
  }
  const auto work = facts.sends({"compute", "sum_shard"});
  for (const auto& message : trace.messages) {
    if (message.sent == 0 || message.response != 0 || message.sent > end) {
      continue;
    }
    const Event& request = trace.event(message.sent);
    const auto exited = trace.actors[request.actor].exited;
    // A host may be sent away while it applies the last step.
    const bool has_ended = exited != 0 && (exited <= end || hosts.contains(request.actor));
    const bool is_open = (request.detail & runtime::trace::is_request) != 0 &&
                         (request.detail & runtime::trace::is_forwarded) == 0 &&
                         request.actor != 0 && !has_ended;
    if (is_open && !(std::ranges::binary_search(work, message.sent) &&
                     abandoned.contains(place(message.sent)))) {
      findings.missing(facts.knows_the_end(), message.sent,
                       message.begun != 0 ? message.begun : message.sent,
                       fmt::format("{} was never answered by {}", trace.name(request.type),
                                   trace.actor_name(request.peer)));
    }
  }
}

}  // namespace

std::span<const TraceRule> trace_rules() {
  static constexpr std::array<TraceRule, 9> rules = {{
      {"epoch-done-after-last-step",
       "An epoch is answered with epoch_done only after the optimizer has completed its last step",
       check_epoch_done_after_last_step},
      {"epoch-done-once", "An epoch is answered with epoch_done at most once",
       check_epoch_done_once},
      {"conservation",
       "Every micro-batch of a step is delivered exactly once by the sphere that it was assigned "
       "to, and is in the step's sum exactly once",
       check_conservation},
      {"one-report", "Each child closes each step with exactly one report", check_one_report},
      {"no-older-epoch", "No message of an older epoch is handled as one of the current epoch",
       check_no_older_epoch},
      {"versions-rise-by-one", "Each applied step raises the version of the weights by one",
       check_versions_rise},
      {"inference-reads-complete-versions",
       "Inference reads only versions of the weights that the optimizer has completed",
       check_inference_reads_complete_versions},
      {"lifecycle-transitions", "The lifecycle makes only the transitions that it may make",
       check_lifecycle_transitions},
      {"requests-answered", "Every request is answered", check_requests_answered},
  }};
  return rules;
}

TraceVerdict check_trace(const Trace& trace) {
  const TraceFacts facts(trace);
  TraceVerdict verdict;
  for (const auto& rule : trace_rules()) {
    const std::size_t before = verdict.violations.size();
    Findings findings(rule.name, verdict.violations);
    rule.check(facts, findings);
    std::stable_sort(verdict.violations.begin() + static_cast<std::ptrdiff_t>(before),
                     verdict.violations.end(),
                     [](const auto& a, const auto& b) { return a.second < b.second; });
    if (!findings.reason_undecided().empty()) {
      verdict.undecided.push_back({std::string(rule.name), findings.reason_undecided()});
    }
  }
  return verdict;
}

}  // namespace nodezero::actors
