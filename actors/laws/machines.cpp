// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/machines.hpp"

#include <algorithm>

#include "actors/laws/fact_sources.hpp"
#include "runtime/trace/elsewhere.hpp"

namespace nodezero::actors {

using runtime::trace::Event;
using runtime::trace::Kind;
using runtime::trace::Trace;

HostActors::HostActors(const Trace& trace) : is_on_host_(trace.actors.size()) {
  const auto node_zero = std::ranges::find(trace.actors, "node_zero", &runtime::trace::Actor::name);
  if (node_zero == trace.actors.end()) {
    return;
  }
  const auto root = machine_of(trace, static_cast<std::uint32_t>(node_zero - trace.actors.begin()));
  for (std::uint32_t actor = 1; root != 0 && actor < trace.actors.size(); ++actor) {
    const auto machine = machine_of(trace, actor);
    is_on_host_[actor] = machine != 0 && machine != root;
  }
}

std::optional<SumsBetweenMachines::Added> SumsBetweenMachines::take(const Event& event) {
  const auto number = [&](std::string_view field) {
    std::uint64_t value = 0;
    trace_.number(event, field, value);
    return value;
  };
  const bool is_own_sum =
      event.kind == Kind::begin && trace_.actors[event.actor].name == "exchange";
  if (event.kind != Kind::send && !is_own_sum) {
    return std::nullopt;
  }
  const auto type = trace_.name(event.type);
  if (is_own_sum) {
    constexpr std::uint64_t for_training = 0;
    if (type == "gradient" && number("purpose") == for_training) {
      steps_[{number("epoch"), number("step")}].own.push_back(
          {static_cast<std::uint32_t>(number("first")),
           static_cast<std::uint32_t>(number("last"))});
    }
  } else if (type == "plan") {
    const Place place{number("epoch"), number("step")};
    terms_[number("term")] = place;
    steps_[place].positions =
        static_cast<std::uint32_t>(std::min(number("positions"), most_positions));
  } else if (type == "sum") {
    const auto term = terms_.find(number("term"));
    if (term == terms_.end() || std::exchange(steps_[term->second].is_added, true)) {
      return std::nullopt;
    }
    const Step& step = steps_[term->second];
    Added added{term->second, {}};
    for (std::uint64_t half = 1; half < step.positions; half *= 2) {
      for (std::uint64_t first = 0; first + half < step.positions; first += 2 * half) {
        const PositionRange node{
            static_cast<std::uint32_t>(first),
            static_cast<std::uint32_t>(std::min<std::uint64_t>(first + 2 * half, step.positions))};
        if (std::ranges::none_of(step.own, [&](const PositionRange& own) {
              return own.first <= node.first && node.last <= own.last;
            })) {
          added.sums.push_back(node);
        }
      }
    }
    return added;
  }
  return std::nullopt;
}

}  // namespace nodezero::actors
