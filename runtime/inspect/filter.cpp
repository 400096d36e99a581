// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/filter.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace nodezero::runtime::inspect {
namespace {

using Chosen = std::vector<bool>;

/// The first names of a set, for a message.
std::string some_of(const std::set<std::string>& names) {
  constexpr std::size_t most = 12;
  std::vector<std::string> first(
      names.begin(),
      std::next(names.begin(), static_cast<std::ptrdiff_t>(std::min(most, names.size()))));
  return fmt::format("{}{}", fmt::join(first, ", "), names.size() > most ? ", ..." : "");
}

Result<Chosen> choose_actors(const Trace& trace, const std::vector<std::string>& wanted) {
  Chosen chosen(trace.actors.size(), wanted.empty());
  for (const auto& name : wanted) {
    bool found = false;
    for (std::uint32_t actor = 0; actor < trace.actors.size(); ++actor) {
      if (trace.actor_name(actor) == name || (actor > 0 && trace.actors[actor].name == name)) {
        chosen[actor] = found = true;
      }
    }
    if (!found) {
      std::set<std::string> names;
      for (std::uint32_t actor = 1; actor < trace.actors.size(); ++actor) {
        names.insert(trace.actors[actor].name);
      }
      return fail(ErrorCode::not_found,
                  fmt::format("the trace has no actor '{}'; choose from {}", name, some_of(names)));
    }
  }
  return chosen;
}

Result<Chosen> choose_types(const Trace& trace, const std::vector<std::string>& wanted) {
  Chosen chosen(trace.names.size(), wanted.empty());
  for (const auto& name : wanted) {
    bool found = false;
    for (std::size_t type = 1; type < trace.names.size(); ++type) {
      if (trace.names[type].text == name) {
        chosen[type] = found = true;
      }
    }
    if (!found) {
      std::set<std::string> names;
      for (const Event& event : trace.events) {
        if (event.kind == Kind::send || event.kind == Kind::begin) {
          names.emplace(trace.name(event.type));
        }
      }
      return fail(ErrorCode::not_found,
                  fmt::format("the trace has no message of type '{}'; choose from {}", name,
                              some_of(names)));
    }
  }
  return chosen;
}

bool concerns(const Event& event, const Chosen& actors) {
  const bool to_peer = event.kind == Kind::send && event.peer < actors.size();
  return (event.actor < actors.size() && actors[event.actor]) || (to_peer && actors[event.peer]);
}

}  // namespace

std::optional<std::uint64_t> number_around(const Trace& trace, const Event& event,
                                           std::string_view field) {
  std::uint64_t value = 0;
  const Event* at = &event;
  while (!trace.number(*at, field, value)) {
    if (at->handling == 0) {
      return std::nullopt;
    }
    at = &trace.event(at->handling);
  }
  return value;
}

std::optional<std::string> missing_event(const Trace& trace, std::uint64_t number) {
  if (number >= 1 && number <= trace.events.size()) {
    return std::nullopt;
  }
  return fmt::format("there is no event {}; the trace has {}", number,
                     trace.events.empty() ? std::string("none")
                                          : fmt::format("events 1 to {}", trace.events.size()));
}

Result<std::vector<EventNumber>> select(const Trace& trace, const Filter& filter) {
  const auto actors = choose_actors(trace, filter.actors);
  if (!actors) {
    return fail(actors.error());
  }
  const auto types = choose_types(trace, filter.types);
  if (!types) {
    return fail(types.error());
  }
  EventNumber first = 1;
  auto last = static_cast<EventNumber>(trace.events.size());
  if (filter.between) {
    for (const auto number : {filter.between->first, filter.between->second}) {
      if (const auto missing = missing_event(trace, number)) {
        return fail(ErrorCode::not_found, *missing);
      }
    }
    std::tie(first, last) = std::minmax(filter.between->first, filter.between->second);
  }
  const auto matches = [&](const Event& event, std::string_view field,
                           const std::optional<std::uint64_t>& wanted) {
    return !wanted || number_around(trace, event, field) == wanted;
  };
  std::vector<EventNumber> selected;
  for (EventNumber number = first; number <= last; ++number) {
    const Event& event = trace.event(number);
    if (concerns(event, *actors) && (*types)[event.type] && matches(event, "epoch", filter.epoch) &&
        matches(event, "step", filter.step)) {
      selected.push_back(number);
    }
  }
  return selected;
}

}  // namespace nodezero::runtime::inspect
