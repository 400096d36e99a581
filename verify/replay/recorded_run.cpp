// SPDX-License-Identifier: BSD-3-Clause
#include "verify/replay/recorded_run.hpp"

#include <algorithm>
#include <functional>
#include <future>
#include <map>
#include <stdexcept>

#include <fmt/format.h>

#include "actors/laws/trace_catalogue.hpp"
#include "actors/laws/trace_phrases.hpp"
#include "actors/run/assembly.hpp"
#include "runtime/actor_trace.hpp"
#include "runtime/ask.hpp"
#include "runtime/inspect/words.hpp"
#include "runtime/trace/trace_file.hpp"
#include "verify/scenarios/message_digests.hpp"
#include "verify/scenarios/temporary_file.hpp"

namespace nodezero::verify {
namespace {

using actors::run_ended;
using trace::Event;
using trace::Kind;
using trace::Recorder;
using trace::Trace;

struct Config : caf::actor_system_config {
  explicit Config(Recorder& recorder) {
    runtime::configure(*this, runtime::Scheduling::testing);
    runtime::attach_recorder(*this, recorder);
  }
};

std::uint32_t count_actors(const Trace& recorded, std::string_view name) {
  return static_cast<std::uint32_t>(std::ranges::count(recorded.actors, name, &trace::Actor::name));
}

/// What a host asked to be generated, from the payload of its request.
actors::generate read_generate(const Trace& recorded, const Event& send) {
  actors::generate request;
  std::vector<std::uint32_t> prompt;
  std::uint64_t tokens = 0, top_k = 0;
  const bool is_whole = recorded.numbers(send, "prompt", prompt) &&
                        recorded.number(send, "tokens", tokens) &&
                        recorded.real(send, "temperature", request.sampling.temperature) &&
                        recorded.number(send, "top_k", top_k) &&
                        recorded.real(send, "top_p", request.sampling.top_p) &&
                        recorded.number(send, "seed", request.sampling.seed);
  if (!is_whole || prompt.empty()) {
    throw std::invalid_argument("the trace does not say what a request asked to be generated");
  }
  request.prompt.assign(prompt.begin(), prompt.end());
  request.tokens = static_cast<std::int64_t>(tokens);
  request.sampling.top_k = static_cast<std::int64_t>(top_k);
  return request;
}

/// A message that came from outside of all actors.
std::optional<caf::message> from_outside(const Trace& recorded, std::uint32_t number) {
  const Event& send = recorded.event(number);
  const auto type = recorded.name(send.type);
  if (type == "stop") {
    return caf::make_message(actors::stop{});
  }
  if (type == "generate") {
    return caf::make_message(read_generate(recorded, send));
  }
  std::uint64_t code = 0;
  if (type == "exit" && recorded.number(send, "code", code)) {
    return caf::make_message(caf::exit_msg{{}, static_cast<caf::exit_reason>(code)});
  }
  return std::nullopt;
}

/// The event before which the host ended the actors; the trace's last one if it did not.
std::uint32_t last_event_of_run(const Trace& recorded) {
  for (std::uint32_t number = 1; number <= recorded.events.size(); ++number) {
    const Event& event = recorded.event(number);
    if (event.kind == Kind::send && event.actor == 0 && recorded.name(event.type) == "exit" &&
        recorded.actors[event.peer].name == "driver") {
      return number - 1;
    }
  }
  return static_cast<std::uint32_t>(recorded.events.size());
}

class Replay {
 public:
  Replay(actors::RunSettings settings, const Trace& recorded)
      : recorded_(recorded), settings_(std::move(settings)) {
    auto made = Recorder::make({.file = file_.path(),
                                .when_full = Recorder::WhenFull::wait,
                                .clock = Recorder::Clock::logical,
                                .flush_interval = std::chrono::milliseconds(0),
                                .catalogue = actors::trace_catalogue(),
                                .about = {},
                                .warn = {}});
    if (!made) {
      throw std::invalid_argument(made.error().message);
    }
    recorder_ = std::move(*made);
    settings_.recorder = nullptr;  // the system below has it
    settings_.folder.clear();
    settings_.lane_times = nullptr;
    settings_.threads = count_actors(recorded, "lane");
  }

  Replayed run(std::uint32_t until) {
    Replayed result;
    std::vector<std::uint32_t> handled;
    std::uint32_t missing = 0;
    const auto last = std::min(until, last_event_of_run(recorded_));
    std::string in_flight;
    {
      Config config(*recorder_);
      caf::actor_system system(config);
      explore::Network network(system);
      network.begin();
      auto run = actors::spawn_run(system, runtime::Scheduling::testing, settings_, nobody_);
      settings_.initial_weights.reset();
      settings_.resume.reset();
      std::optional<std::future<Result<run_ended>>> end;
      ask_again(system, run, end);
      network.settle();
      const auto catalogue = actors::trace_catalogue();
      Redelivery redelivery(
          network, recorded_,
          [&](const std::type_info& type) {
            const auto* known = catalogue.find(type);
            return known ? known->name : trace::readable_name(type);
          },
          [&](std::uint32_t send) { return from_outside(recorded_, send); });
      redelivery.run(last);
      handled = redelivery.handled();
      missing = redelivery.missing();
      result.actors = states(network, redelivery, handled);
      if (missing != 0) {
        in_flight = describe_in_flight(network, redelivery.here(recorded_.event(missing).actor));
      }
      if (end && end->wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
        if (const auto answer = end->get()) {
          result.end = answer->checkpoint;
        }
      }
      run = {};
      network.end();
    }
    result.messages = handled.size();
    for (const Event& event : recorded_.events) {
      const auto number = static_cast<std::uint32_t>(&event - recorded_.events.data()) + 1;
      result.recorded += event.kind == Kind::begin && number <= last;
    }
    compare(handled, missing, in_flight, result);
    return result;
  }

 private:
  /// What the host asked then.
  void ask_again(caf::actor_system& system, const actors::RunActors& run,
                 std::optional<std::future<Result<run_ended>>>& end) {
    for (std::uint32_t actor = 1; actor < recorded_.actors.size(); ++actor) {
      if (recorded_.actors[actor].parent != 0 || recorded_.actors[actor].name != "asker") {
        continue;
      }
      const auto asks = std::ranges::find_if(recorded_.events, [&](const Event& event) {
        return event.kind == Kind::send && event.actor == actor;
      });
      const auto type = asks == recorded_.events.end() ? "" : recorded_.name(asks->type);
      if (type == "run_all") {
        end = runtime::ask<run_ended>(system, run.driver, actors::run_all{});
      } else if (type == "generate") {
        runtime::ask<actors::generated>(system, run.lifecycle, read_generate(recorded_, *asks));
      } else {
        throw std::invalid_argument(
            fmt::format("a host asked '{}', which cannot be asked again", type));
      }
    }
  }

  static std::vector<std::string> waiting(explore::Network& network, explore::NodeIndex node) {
    std::vector<std::string> messages;
    network.bring_forward(node, [&](const explore::Delivery& delivery) {
      messages.push_back(
          fmt::format("{} from {}", describe_message(delivery), delivery.sender_name));
      return false;
    });
    return messages;
  }

  static std::string describe_in_flight(explore::Network& network, explore::NodeIndex node) {
    if (node == 0) {
      return "there is no such actor";
    }
    const auto messages = waiting(network, node);
    return messages.empty() ? "nothing is on its way to it"
                            : fmt::format("on its way to it: {}", fmt::join(messages, "; "));
  }

  std::vector<ActorState> states(explore::Network& network, const Redelivery& redelivery,
                                 const std::vector<std::uint32_t>& handled) const {
    std::map<std::uint32_t, std::uint64_t> counts;
    for (const auto begin : handled) {
      ++counts[recorded_.event(begin).actor];
    }
    std::vector<ActorState> result;
    for (std::uint32_t actor = 1; actor < recorded_.actors.size(); ++actor) {
      const auto node = redelivery.here(actor);
      if (node == 0 || !network.is_alive(node)) {
        continue;
      }
      result.push_back({recorded_.actor_name(actor), network.state(node),
                        network.state_digest(node), counts[actor], waiting(network, node)});
    }
    return result;
  }

  void compare(const std::vector<std::uint32_t>& handled, std::uint32_t missing,
               const std::string& in_flight, Replayed& result) {
    if (const auto closed = recorder_->close(); !closed) {
      throw std::invalid_argument(closed.error().message);
    }
    const auto happening = trace::read_trace(file_.path());
    if (!happening) {
      throw std::invalid_argument(happening.error().message);
    }
    const auto say = [](const Trace& in, std::uint32_t event) {
      return event == 0 ? std::string("nothing more in this handling")
                        : runtime::inspect::in_words(in, event, {});
    };
    if (const auto found = first_divergence(recorded_, *happening, handled)) {
      result.difference = {found->recorded, say(recorded_, found->recorded),
                           say(*happening, found->happening)};
    } else if (missing != 0) {
      result.difference = {missing, say(recorded_, missing), in_flight};
    }
  }

  const Trace& recorded_;
  actors::RunSettings settings_;
  actors::Observer nobody_;
  TemporaryFile file_;
  std::unique_ptr<Recorder> recorder_;
};

/// A trace may lack blocks without saying so, or what other machines have sent: that cannot be sent
/// again.
void refuse_gaps(const Trace& recorded) {
  for (std::uint32_t number = 1; number <= recorded.events.size(); ++number) {
    const Event& event = recorded.event(number);
    if (event.kind == Kind::begin && recorded.message_of(event)->sent == 0) {
      throw std::invalid_argument(
          fmt::format("the trace lacks the sending of the message that event {} handles, so it "
                      "cannot be replayed: copy it again",
                      number));
    }
  }
  if (count_actors(recorded, "exchange") > 0) {
    throw std::invalid_argument(
        "the trace is of a run on several machines, which cannot be replayed on one");
  }
  if (count_actors(recorded, "lane") == 0) {
    throw std::invalid_argument("the trace has no lane, so nothing can compute what it did");
  }
}

}  // namespace

void refuse_incomplete(const Trace& recorded) {
  const auto& completeness = recorded.completeness;
  if (completeness.ring) {
    throw std::invalid_argument(
        "the trace has only the last seconds of a run, which cannot be replayed; record a whole "
        "run");
  }
  if (completeness.lost_records > 0) {
    throw std::invalid_argument(
        fmt::format("the trace has lost {} records and cannot be replayed: record it on a faster "
                    "disk",
                    completeness.lost_records));
  }
  if (completeness.cut_off) {
    throw std::invalid_argument(
        "the trace ends in the middle, because the program was killed: it cannot be replayed");
  }
}

Replayed replay_recorded(actors::RunSettings settings, const Trace& recorded, std::uint32_t until) {
  refuse_incomplete(recorded);
  refuse_gaps(recorded);
  return Replay(std::move(settings), recorded).run(until);
}

}  // namespace nodezero::verify
