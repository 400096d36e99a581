// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/trace/trace_json.hpp"

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/laws/trace_phrases.hpp"
#include "runtime/inspect/words.hpp"

namespace nodezero::apps {

namespace {

namespace inspect = runtime::inspect;
using nlohmann::ordered_json;
using runtime::trace::Trace;

/// The words of whoever did not find the trace whole, or null.
ordered_json incompleteness_of(const Trace& trace) {
  const auto text = inspect::incompleteness(trace.completeness);
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json distribution(const inspect::Distribution& of) {
  return {{"count", of.count},
          {"total", of.total},
          {"median", of.median},
          {"percentile_99", of.percentile_99},
          {"maximum", of.maximum}};
}

ordered_json shares(const std::vector<inspect::Share>& of) {
  auto list = ordered_json::array();
  for (const auto& share : of) {
    list.push_back({{"what", share.what}, {"times", share.times}, {"time_ns", share.time}});
  }
  return list;
}

ordered_json events_of(const Trace& trace, const std::vector<inspect::EventNumber>& events) {
  auto list = ordered_json::array();
  for (const auto event : events) {
    list.push_back(event_as_json(trace, event));
  }
  return list;
}

std::string_view kind_of(actors::RunDifference::Kind kind) {
  switch (kind) {
    case actors::RunDifference::Kind::only_left:
      return "only_a";
    case actors::RunDifference::Kind::only_right:
      return "only_b";
    case actors::RunDifference::Kind::value:
      return "value";
    case actors::RunDifference::Kind::cause:
      return "cause";
  }
  return "";
}

/// An event and what led to it, message by message.
ordered_json chain_to(const Trace& trace, inspect::EventNumber event) {
  constexpr std::size_t most = 50;
  auto chain = ordered_json::array();
  if (event == 0) {
    return chain;
  }
  chain.push_back(event_as_json(trace, event));
  for (const auto& reason : inspect::reasons_for(trace, inspect::Handlings(trace), event)) {
    if (chain.size() == most) {
      break;
    }
    chain.push_back(event_as_json(trace, reason.event));
  }
  return chain;
}

}  // namespace

ordered_json event_as_json(const Trace& trace, inspect::EventNumber event) {
  if (event == 0) {
    return nullptr;
  }
  const auto& what = trace.event(event);
  return {{"event", event},
          {"time_ns", what.time},
          {"kind", inspect::kind_name(what.kind)},
          {"actor", trace.actor_name(what.actor)},
          {"peer", trace.actor_name(what.peer)},
          {"type", trace.name(what.type)},
          {"words", inspect::in_words(trace, event, actors::trace_phrases())}};
}

ordered_json summary_as_json(const Trace& trace, const inspect::Summary& summary,
                             const JsonOptions& options) {
  auto answer = json_answer("trace summary");
  answer["incomplete"] = incompleteness_of(trace);
  answer["events"] = summary.events;
  answer["messages"] = summary.messages;
  answer["actors"] = summary.actors;
  answer["threads"] = summary.threads;
  answer["time_ns"] = summary.time;
  auto& types = answer["types"] = ordered_json::array();
  for (const auto& type : summary.types) {
    types.push_back({{"type", type.type},
                     {"sent", type.sent},
                     {"handled", type.handled},
                     {"dropped", type.dropped},
                     {"pending", type.pending},
                     {"waiting_ns", distribution(type.waiting)},
                     {"handling_ns", distribution(type.handling)}});
  }
  auto& names = answer["actors_by_name"] = ordered_json::array();
  for (const auto& actor : summary.by_name) {
    names.push_back({{"name", actor.name},
                     {"actors", actor.actors},
                     {"handled", actor.handled},
                     {"sent", actor.sent},
                     {"busy_ns", actor.busy},
                     {"mailbox", distribution(actor.mailbox)}});
  }
  auto& lanes = answer["lanes"] = ordered_json::array();
  for (const auto& lane : summary.busy) {
    lanes.push_back({{"actor", lane.actor}, {"handled", lane.handled}, {"busy_ns", lane.busy}});
  }
  answer["idle"] = shares(summary.idle);
  auto epochs = ordered_json::array();
  for (const auto& span : summary.spans) {
    epochs.push_back({{"what", span.what},
                      {"first", span.first},
                      {"last", span.last},
                      {"time_ns", span.time},
                      {"critical_path", shares(span.critical_path)}});
  }
  add_page(answer, "epochs", std::move(epochs), options);
  return answer;
}

ordered_json reasons_as_json(const Trace& trace, inspect::EventNumber event,
                             const std::vector<inspect::Reason>& reasons,
                             const JsonOptions& options) {
  auto answer = json_answer("trace why");
  answer["incomplete"] = incompleteness_of(trace);
  answer.update(event_as_json(trace, event));
  auto list = ordered_json::array();
  for (const auto& reason : reasons) {
    auto one = event_as_json(trace, reason.event);
    one["handled"] = reason.handled;
    one["answers"] = reason.answers;
    one["gathered"] = reason.gathered;
    list.push_back(std::move(one));
  }
  add_page(answer, "reasons", std::move(list), options);
  return answer;
}

ordered_json verdict_as_json(const Trace& trace, const inspect::CausalOrder& order,
                             const actors::TraceVerdict& verdict, const JsonOptions& options) {
  auto answer = json_answer("trace check");
  answer["incomplete"] = incompleteness_of(trace);
  answer["events"] = trace.events.size();
  std::set<std::string_view> broken;
  auto violations = ordered_json::array();
  for (const auto& violation : verdict.violations) {
    broken.insert(violation.rule);
    std::vector<inspect::EventNumber> chain;
    if (violation.first != 0 && violation.first != violation.second) {
      for (const auto& hop : order.chain(violation.first, violation.second)) {
        chain.insert(chain.end(), {hop.from, hop.to});
      }
    }
    violations.push_back({{"rule", violation.rule},
                          {"found", violation.what},
                          {"first", event_as_json(trace, violation.first)},
                          {"second", event_as_json(trace, violation.second)},
                          {"chain", events_of(trace, chain)}});
  }
  auto& rules = answer["rules"] = ordered_json::array();
  for (const auto& rule : actors::trace_rules()) {
    ordered_json one = {{"name", rule.name}, {"sentence", rule.sentence}, {"verdict", "holds"}};
    if (broken.contains(rule.name)) {
      one["verdict"] = "violated";
    }
    for (const auto& undecided : verdict.undecided) {
      if (undecided.rule == rule.name && !broken.contains(rule.name)) {
        one["verdict"] = "not decidable";
        one["reason"] = undecided.reason;
      }
    }
    rules.push_back(std::move(one));
  }
  add_page(answer, "violations", std::move(violations), options);
  return answer;
}

ordered_json comparison_as_json(const Trace& left, const Trace& right,
                                const actors::RunComparison& comparison,
                                const JsonOptions& options) {
  auto answer = json_answer("trace diff");
  const auto& differences = comparison.differences;
  answer["equal"] = differences.empty();
  answer["facts"] = comparison.facts;
  answer["restriction"] =
      comparison.restriction.empty() ? ordered_json(nullptr) : ordered_json(comparison.restriction);
  answer["first"] = nullptr;
  if (!differences.empty()) {
    const auto& first = differences.front();
    answer["first"] = {{"sentence", first.sentence},
                       {"a", chain_to(left, first.left)},
                       {"b", chain_to(right, first.right)}};
  }
  auto list = ordered_json::array();
  for (const auto& difference : differences) {
    const auto or_null = [](std::uint64_t number) {
      return number == 0xffffffffffffffff ? ordered_json(nullptr) : ordered_json(number);
    };
    list.push_back({{"kind", kind_of(difference.kind)},
                    {"epoch", or_null(difference.key.epoch)},
                    {"step", or_null(difference.key.step)},
                    {"sentence", difference.sentence},
                    {"a", event_as_json(left, difference.left)},
                    {"b", event_as_json(right, difference.right)}});
  }
  add_page(answer, "differences", std::move(list), options);
  return answer;
}

}  // namespace nodezero::apps
