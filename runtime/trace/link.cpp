// SPDX-License-Identifier: BSD-3-Clause
#include <unordered_map>

#include "runtime/trace/trace.hpp"

namespace nodezero::runtime::trace {
namespace {

/// Goes through the events once, in their order.
class Linker {
 public:
  explicit Linker(Trace& trace) : trace_(trace) {
    trace.messages.clear();
    lives_.reserve(trace.events.size() / 3);
    if (trace.actors.empty()) {
      trace.actors.emplace_back();
    }
    for (auto& actor : trace.actors) {
      actor.spawned = actor.exited = 0;
    }
  }

  void take(std::uint32_t number) {
    Event& event = trace_.events[number - 1];
    if (event.thread >= handling_.size()) {
      handling_.resize(event.thread + 1);
    }
    event.handling = handling_[event.thread];
    event.life = event.message == 0 ? 0 : life_of(event.message, event.kind == Kind::send);
    switch (event.life == 0 && is_about_a_message(event.kind) ? Kind::none : event.kind) {
      case Kind::spawn:
        trace_.actors[event.actor].spawned = number;
        break;
      case Kind::exit:
        trace_.actors[event.actor].exited = number;
        break;
      case Kind::send:
        message(event).sent = number;
        pair_up(event);
        break;
      case Kind::begin:
        begin(event, number);
        break;
      case Kind::end:
        message(event).ended = number;
        // The end lies in the handling that it ends; what encloses that goes on.
        event.handling = message(event).begun;
        handling_[event.thread] = event.handling == 0 ? 0 : trace_.event(event.handling).handling;
        break;
      case Kind::drop:
        message(event).dropped = number;
        break;
      default:
        break;
    }
  }

 private:
  static bool is_about_a_message(Kind kind) {
    return kind == Kind::send || kind == Kind::begin || kind == Kind::end || kind == Kind::drop;
  }

  /// A broken trace may send a message twice, or after its handling: the sending begins another
  /// life, so that nothing is handled before it was sent.
  std::uint32_t life_of(std::uint64_t id, bool is_sent) {
    const auto next = static_cast<std::uint32_t>(trace_.messages.size() + 1);
    const auto [found, is_new] = lives_.try_emplace(id, next);
    if (is_new || is_sent) {
      found->second = next;
      trace_.messages.push_back({.id = id});
    }
    return found->second;
  }

  Message& message(const Event& event) { return trace_.messages[event.life - 1]; }

  void begin(Event& event, std::uint32_t number) {
    Message& life = message(event);
    life.begun = number;
    life.ended = 0;
    if (life.sent != 0) {
      const Event& send = trace_.event(life.sent);
      event.type = event.type == 0 ? send.type : event.type;
      if ((send.detail & is_request) && (send.detail & is_forwarded) && event.peer != 0) {
        requests_[key(event.peer, send.argument)].push_back(event.life);
      }
    }
    handling_[event.thread] = number;
  }

  static std::uint64_t key(std::uint32_t requester, std::uint32_t number) {
    return static_cast<std::uint64_t>(requester) << 32 | number;
  }

  /// A forwarded request keeps the number that its first sender gave it, so that one response
  /// answers the whole chain; its `request` is the chain's first message. Who asked shows when
  /// a forwarded request is handled.
  void pair_up(const Event& event) {
    if (event.detail & is_request) {
      if (!(event.detail & is_forwarded)) {
        requests_[key(event.actor, event.argument)].push_back(event.life);
      }
    } else if (event.detail & is_response) {
      const auto found = requests_.find(key(event.peer, event.argument));
      if (found != requests_.end()) {
        message(event).request = found->second.front();
        for (const auto request : found->second) {
          auto& response = trace_.messages[request - 1].response;
          response = response == 0 ? event.life : response;
        }
      }
    }
  }

  Trace& trace_;
  std::unordered_map<std::uint64_t, std::uint32_t> lives_;                  ///< by message id
  std::vector<std::uint32_t> handling_;                                     ///< by thread
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> requests_;  ///< by key
};

}  // namespace

void Trace::link() {
  Linker linker(*this);
  for (std::uint32_t number = 1; number <= events.size(); ++number) {
    linker.take(number);
  }
}

}  // namespace nodezero::runtime::trace
