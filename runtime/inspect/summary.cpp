// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/summary.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "runtime/inspect/critical_path.hpp"
#include "runtime/inspect/words.hpp"

namespace nodezero::runtime::inspect {

Distribution distribution_of(std::vector<std::int64_t> values) {
  Distribution found;
  if (values.empty()) {
    return found;
  }
  const auto at = [&](std::size_t index) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index),
                     values.end());
    return values[index];
  };
  found.count = values.size();
  found.total = std::accumulate(values.begin(), values.end(), std::int64_t{0});
  found.median = at((values.size() - 1) / 2);
  found.percentile_99 = at((values.size() - 1) * 99 / 100);
  found.maximum = *std::max_element(values.begin(), values.end());
  return found;
}

namespace {

/// Adds up times by what they go to: (actors' name, message type, on its way or handled).
class Shares {
 public:
  explicit Shares(const Trace& trace, const Handlings& handlings)
      : trace_(trace), handlings_(handlings) {}

  void add(const PathPiece& piece) {
    const Event& begin = trace_.event(handlings_[piece.handling].begin);
    auto& share = shares_[{trace_.actors[begin.actor].name, begin.type, piece.on_its_way}];
    ++share.times;
    share.time += piece.time();
  }

  std::vector<Share> sorted() const {
    std::vector<Share> all;
    for (const auto& [key, share] : shares_) {
      const auto& [actor, type, on_its_way] = key;
      all.push_back({on_its_way ? fmt::format("{} on its way to {}", trace_.name(type), actor)
                                : fmt::format("{} handles {}", actor, trace_.name(type)),
                     share.times, share.time});
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Share& a, const Share& b) { return a.time > b.time; });
    return all;
  }

 private:
  const Trace& trace_;
  const Handlings& handlings_;
  std::map<std::tuple<std::string_view, std::uint16_t, bool>, Share> shares_;
};

std::vector<TypeSummary> summarize_types(const Trace& trace, const Handlings& handlings) {
  std::vector<TypeSummary> types(trace.names.size());
  std::vector<std::vector<std::int64_t>> waiting(types.size()), handling(types.size());
  for (const auto& message : trace.messages) {
    const EventNumber first = std::max({message.sent, message.begun, message.dropped});
    if (first == 0) {
      continue;
    }
    TypeSummary& type = types[trace.event(message.sent != 0 ? message.sent : first).type];
    type.sent += message.sent != 0;
    type.dropped += message.dropped != 0;
    type.handled += message.begun != 0;
    type.pending += message.begun == 0 && message.dropped == 0;
  }
  for (const auto& one : handlings.all()) {
    const std::uint16_t type = trace.event(one.begin).type;
    handling[type].push_back(one.time());
    if (one.waited >= 0) {
      waiting[type].push_back(one.waited);
    }
  }
  std::vector<TypeSummary> found;
  for (std::size_t type = 0; type < types.size(); ++type) {
    if (types[type].sent + types[type].handled + types[type].dropped > 0) {
      types[type].type = trace.names[type].text;
      types[type].waiting = distribution_of(std::move(waiting[type]));
      types[type].handling = distribution_of(std::move(handling[type]));
      found.push_back(std::move(types[type]));
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const TypeSummary& a, const TypeSummary& b) {
    return a.sent + a.handled > b.sent + b.handled;
  });
  return found;
}

std::vector<ActorSummary> summarize_actors(const Trace& trace, const Handlings& handlings) {
  std::map<std::string_view, ActorSummary> by_name;
  std::vector<ActorSummary*> of_actor(trace.actors.size());
  std::map<const ActorSummary*, std::vector<std::int64_t>> depths;
  for (std::size_t actor = 1; actor < trace.actors.size(); ++actor) {
    auto& summary = by_name[trace.actors[actor].name];
    ++summary.actors;
    of_actor[actor] = &summary;
  }
  for (const Event& event : trace.events) {
    if (event.kind == Kind::send && event.actor != 0) {
      ++of_actor[event.actor]->sent;
    }
  }
  for (const auto& one : handlings.all()) {
    const Event& begin = trace.event(one.begin);
    if (auto* summary = of_actor[begin.actor]) {
      ++summary->handled;
      summary->busy += one.time();
      depths[summary].push_back(begin.argument);
    }
  }
  std::vector<ActorSummary> found;
  for (auto& [name, summary] : by_name) {
    summary.name = name;
    summary.mailbox = distribution_of(std::move(depths[&summary]));
    found.push_back(summary);
  }
  return found;
}

void summarize_busy(const Trace& trace, const Handlings& handlings, const std::string& name,
                    Summary& summary) {
  std::vector<std::uint32_t> row(trace.actors.size());
  for (std::uint32_t actor = 1; actor < trace.actors.size(); ++actor) {
    if (trace.actors[actor].name == name) {
      summary.busy.push_back({trace.actor_name(actor), 0, 0});
      row[actor] = static_cast<std::uint32_t>(summary.busy.size());
    }
  }
  Shares idle(trace, handlings);
  for (const auto& one : handlings.all()) {
    const Event& begin = trace.event(one.begin);
    if (row[begin.actor] == 0) {
      continue;
    }
    auto& busy = summary.busy[row[begin.actor] - 1];
    ++busy.handled;
    busy.busy += one.time();
    if (one.previous != 0) {
      for (const auto& piece :
           critical_path(trace, handlings, one.begin, handlings[one.previous - 1].to)) {
        idle.add(piece);
      }
    }
  }
  summary.idle = idle.sorted();
}

std::vector<Span> find_spans(const Trace& trace, const Handlings& handlings,
                             const std::string& type) {
  std::vector<Span> spans;
  for (const auto& message : trace.messages) {
    if (message.response == 0 || message.begun == 0 ||
        trace.name(trace.event(message.begun).type) != type) {
      continue;
    }
    Span span;
    span.first = message.begun;
    span.last = trace.messages[message.response - 1].sent;
    if (span.last == 0) {
      continue;
    }
    span.what = message_in_words(trace, trace.event(message.begun));
    const std::int64_t from = trace.event(span.first).time;
    span.time = trace.event(span.last).time - from;
    Shares shares(trace, handlings);
    for (const auto& piece : critical_path(trace, handlings, span.last, from)) {
      shares.add(piece);
    }
    span.critical_path = shares.sorted();
    spans.push_back(std::move(span));
  }
  return spans;
}

std::string share_lines(const std::vector<Share>& shares, std::int64_t whole, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(most, shares.size()); ++i) {
    text += fmt::format("    {:>12}  {:>5.1f} %  {:>8} times  {}\n", time_in_words(shares[i].time),
                        100.0 * static_cast<double>(shares[i].time) /
                            static_cast<double>(std::max<std::int64_t>(whole, 1)),
                        shares[i].times, shares[i].what);
  }
  if (shares.size() > most) {
    text += fmt::format("    and {} more\n", shares.size() - most);
  }
  return text;
}

}  // namespace

Summary summarize(const Trace& trace, const Handlings& handlings, const SummaryOptions& options) {
  Summary summary;
  summary.events = trace.events.size();
  summary.messages = trace.messages.size();
  summary.actors = trace.actors.empty() ? 0 : trace.actors.size() - 1;
  std::int64_t first = 0, last = 0;
  for (const Event& event : trace.events) {
    summary.threads = std::max<std::uint64_t>(summary.threads, event.thread + 1);
    last = std::max(last, event.time);
    first = &event == &trace.events.front() ? event.time : std::min(first, event.time);
  }
  summary.time = last - first;
  summary.types = summarize_types(trace, handlings);
  summary.by_name = summarize_actors(trace, handlings);
  summarize_busy(trace, handlings, options.busy_actor, summary);
  summary.spans = find_spans(trace, handlings, options.span);
  return summary;
}

std::string summary_as_text(const Summary& summary, const SummaryOptions& options,
                            std::size_t most) {
  std::string text =
      fmt::format("{}, {}, {}, {}, {}\n", counted(summary.events, "event"),
                  counted(summary.messages, "message"), counted(summary.actors, "actor"),
                  counted(summary.threads, "thread"), time_in_words(summary.time));
  const auto lay = [](const Distribution& d) {
    return fmt::format("{:>11} {:>11} {:>11}", time_in_words(d.median),
                       time_in_words(d.percentile_99), time_in_words(d.maximum));
  };
  text +=
      fmt::format("\n{:<24}{:>9}{:>9}{:>8}{:>8}  {:<36}{}\n", "messages", "sent", "handled",
                  "dropped", "pending", "wait: median, 99 %, max", "handling: median, 99 %, max");
  for (const auto& type : summary.types) {
    text += fmt::format("{:<24}{:>9}{:>9}{:>8}{:>8} {} {}\n", type.type, type.sent, type.handled,
                        type.dropped, type.pending, lay(type.waiting), lay(type.handling));
  }
  text += fmt::format("\n{:<24}{:>8}{:>10}{:>10}{:>13}  {}\n", "actors", "number", "handled",
                      "sent", "busy", "mailbox: median, 99 %, max");
  for (const auto& actor : summary.by_name) {
    text += fmt::format("{:<24}{:>8}{:>10}{:>10}{:>13}  {} {} {}\n", actor.name, actor.actors,
                        actor.handled, actor.sent, time_in_words(actor.busy), actor.mailbox.median,
                        actor.mailbox.percentile_99, actor.mailbox.maximum);
  }
  if (!summary.busy.empty()) {
    text += fmt::format("\nutilisation of each {}\n", options.busy_actor);
    for (const auto& busy : summary.busy) {
      text += fmt::format("    {:<16}{:>5.1f} %  {:>12} in {}\n", busy.actor,
                          100.0 * static_cast<double>(busy.busy) /
                              static_cast<double>(std::max<std::int64_t>(summary.time, 1)),
                          time_in_words(busy.busy), counted(busy.handled, "message"));
    }
    std::int64_t idle = 0;
    for (const auto& share : summary.idle) {
      idle += share.time;
    }
    text += fmt::format("\nwhat they waited for between messages, {} in total\n{}",
                        time_in_words(idle), share_lines(summary.idle, idle, most));
  }
  for (const auto& span : summary.spans) {
    text += fmt::format("\ncritical path of {}, events {} to {}, {}\n{}", span.what, span.first,
                        span.last, time_in_words(span.time),
                        share_lines(span.critical_path, span.time, most));
  }
  return text;
}

}  // namespace nodezero::runtime::inspect
