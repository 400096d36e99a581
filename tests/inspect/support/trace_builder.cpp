// SPDX-License-Identifier: BSD-3-Clause
#include "support/trace_builder.hpp"

#include <deque>
#include <random>

namespace nodezero::runtime::inspect::testing {

std::uint16_t TraceBuilder::name(const std::string& text) {
  const auto [found, is_new] =
      names_.try_emplace(text, static_cast<std::uint16_t>(trace_.names.size()));
  if (is_new) {
    trace_.names.push_back({text, {}});
  }
  return found->second;
}

Event& TraceBuilder::add(Kind kind, std::uint32_t actor, std::uint32_t peer, std::uint32_t thread) {
  Event event;
  event.time = time_ += 1000;
  event.kind = kind;
  event.actor = actor;
  event.peer = peer;
  event.thread = thread;
  trace_.events.push_back(event);
  return trace_.events.back();
}

void TraceBuilder::fields(const std::string& type, const std::vector<std::string>& names) {
  auto& known = trace_.names[name(type)].fields;
  for (const auto& field : names) {
    known.push_back({field, trace::FieldKind::number});
  }
}

std::uint32_t TraceBuilder::spawn(const std::string& actor, std::uint32_t number,
                                  std::uint32_t parent) {
  trace_.actors.push_back({actor, number, parent, 0, 0});
  const auto id = static_cast<std::uint32_t>(trace_.actors.size() - 1);
  const auto type = name(actor);
  add(Kind::spawn, id, parent, parent).type = type;
  return id;
}

std::uint64_t TraceBuilder::send(std::uint32_t from, std::uint32_t to, const std::string& type,
                                 const std::vector<std::uint64_t>& payload, std::uint8_t flags,
                                 std::uint32_t request) {
  const std::uint64_t id = sent_.size() + 1;
  const auto type_number = name(type);
  Event& event = add(Kind::send, from, to, from);
  event.message = id;
  event.type = type_number;
  event.detail = flags;
  event.argument = request;
  event.first_word = static_cast<std::uint32_t>(trace_.words.size());
  event.word_count = static_cast<std::uint32_t>(payload.size());
  trace_.words.insert(trace_.words.end(), payload.begin(), payload.end());
  sent_[id] = {from, to, type_number};
  return id;
}

void TraceBuilder::begin(std::uint64_t message, std::uint32_t waiting) {
  const Sent& sent = sent_.at(message);
  Event& event = add(Kind::begin, sent.to, sent.from, sent.to);
  event.message = message;
  event.type = sent.type;
  event.argument = waiting;
}

void TraceBuilder::end(std::uint64_t message, trace::HandlingResult result) {
  const Sent& sent = sent_.at(message);
  Event& event = add(Kind::end, sent.to, sent.from, sent.to);
  event.message = message;
  event.type = sent.type;
  event.detail = static_cast<std::uint8_t>(result);
}

void TraceBuilder::drop(std::uint64_t message) {
  const Sent& sent = sent_.at(message);
  Event& event = add(Kind::drop, sent.to, sent.from, sent.from);
  event.message = message;
  event.type = sent.type;
}

void TraceBuilder::state(std::uint32_t actor, const std::string& state) {
  const auto type = name(state);
  add(Kind::state, actor, 0, actor).type = type;
}

void TraceBuilder::exit(std::uint32_t actor, const std::string& reason) {
  const auto type = name(reason);
  add(Kind::exit, actor, 0, actor).type = type;
}

Trace TraceBuilder::build() {
  Trace trace = trace_;
  trace.link();
  return trace;
}

Trace random_trace(std::uint32_t seed, std::uint32_t actors, std::uint32_t events) {
  std::mt19937 random(seed);
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  TraceBuilder builder;
  for (const auto* type : {"ask", "tell", "answer"}) {
    builder.fields(type, {"epoch", "step"});
  }
  std::vector<std::deque<std::uint64_t>> mailboxes(1);
  std::vector<std::uint64_t> open(1);  // by actor: the message that it handles
  const auto spawn = [&](std::uint32_t parent) {
    builder.spawn("actor", static_cast<std::uint32_t>(mailboxes.size()), parent);
    mailboxes.emplace_back();
    open.push_back(0);
  };
  for (std::uint32_t i = 0; i < actors; ++i) {
    spawn(0);
  }
  std::uint32_t requests = 0;
  while (builder.last() < events) {
    const std::uint32_t actor = below(static_cast<std::uint32_t>(mailboxes.size()));
    const std::uint32_t other = 1 + below(static_cast<std::uint32_t>(mailboxes.size()) - 1);
    const std::uint64_t step = builder.last() / 50;
    if (actor != 0 && open[actor] == 0 && !mailboxes[actor].empty()) {
      open[actor] = mailboxes[actor].front();
      mailboxes[actor].pop_front();
      builder.begin(open[actor], static_cast<std::uint32_t>(mailboxes[actor].size()));
    } else if (open[actor] != 0 && below(3) == 0) {
      const bool puts_back = below(20) == 0;
      builder.end(open[actor],
                  puts_back ? trace::HandlingResult::skipped : trace::HandlingResult::consumed);
      if (puts_back) {
        mailboxes[actor].push_back(open[actor]);
      }
      open[actor] = 0;
    } else if (open[actor] != 0 && below(40) == 0 && mailboxes.size() < 2 * actors) {
      spawn(actor);
    } else if (open[actor] != 0 || (actor == 0 && below(4) == 0)) {
      const bool asks = actor != 0 && below(4) == 0;
      const auto message =
          builder.send(actor, other, asks ? "ask" : "tell", {step / 10, step},
                       asks ? static_cast<std::uint8_t>(trace::is_request) : std::uint8_t{0},
                       asks ? ++requests : 0);
      if (below(30) == 0) {
        builder.drop(message);
      } else {
        mailboxes[other].push_back(message);
      }
    }
  }
  return builder.build();
}

}  // namespace nodezero::runtime::inspect::testing
