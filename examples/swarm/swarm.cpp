// SPDX-License-Identifier: BSD-3-Clause

// A simulation that is made of actors: ten thousand agents that fly about, each an actor of CAF
// that sees its own state alone. A learner in the same actor system hears from them how they
// move and learns it; one trace has their messages and its own.
//
//   swarm [TRACE [AGENTS]]

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "nodezero/caf.hpp"
#include "nodezero/multilayer_perceptron.hpp"

struct tick {
  int time = 0;
};
struct moved {};
struct begin_flight {};
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(moved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(begin_flight)

namespace {

constexpr int flight_time = 60;
constexpr int moves_in_a_batch = 10;

struct State {
  float x, y, vx, vy;
};

/// Everybody is drawn to a ring around the origin and turns to the left.
State next(const State& s) {
  const float radius = std::sqrt(s.x * s.x + s.y * s.y) + 0.01f;
  const float pull = 0.1f * (1 - radius) / radius;
  State n = s;
  n.vx = 0.98f * (s.vx - 0.08f * s.vy) + pull * s.x;
  n.vy = 0.98f * (s.vy + 0.08f * s.vx) + pull * s.y;
  n.x += 0.2f * n.vx;
  n.y += 0.2f * n.vy;
  return n;
}

void append(const State& s, std::vector<float>& out) {
  out.insert(out.end(), {s.x, s.y, s.vx, s.vy});
}

/// The change of a state, as numbers of about 1.
void append_change(const State& before, const State& after, std::vector<float>& out) {
  constexpr float scale = 5;
  out.insert(out.end(), {scale * (after.x - before.x), scale * (after.y - before.y),
                         scale * (after.vx - before.vx), scale * (after.vy - before.vy)});
}

/// A number in [-1, 1) for each index.
float noise(unsigned index) {
  index = (index ^ index >> 16U) * 0x45d9f3bU;
  index = (index ^ index >> 16U) * 0x45d9f3bU;
  return static_cast<float>((index ^ index >> 16U) % 2000U) / 1000 - 1;
}

class agent : public nodezero::recorded<caf::event_based_actor> {
 public:
  agent(caf::actor_config& config, unsigned number, nodezero::learner_actor learner)
      : recorded(config),
        state_{1.5f * noise(4 * number), 1.5f * noise(4 * number + 1), noise(4 * number + 2),
               noise(4 * number + 3)},
        learner_(std::move(learner)) {}

  const char* name() const override { return "agent"; }

  caf::behavior make_behavior() override {
    return {[this](const tick&) {
      const State before = state_;
      state_ = next(before);
      append(before, moves_.inputs);
      append_change(before, state_, moves_.targets);
      if (moves_.inputs.size() == 4 * moves_in_a_batch) {
        request(learner_, std::chrono::seconds(60),
                nodezero::submit_batch{nodezero::AnyValue::of(std::exchange(moves_, {}))})
            .then([](const nodezero::batch_taken&) {}, [](const caf::error&) {});
      }
      return moved{};
    }};
  }

 private:
  State state_;
  nodezero::learner_actor learner_;
  nodezero::Examples moves_;
};

/// Has all agents move once, then all again.
class world : public nodezero::recorded<caf::event_based_actor> {
 public:
  world(caf::actor_config& config, std::vector<caf::actor> agents)
      : recorded(config), agents_(std::move(agents)) {}

  const char* name() const override { return "world"; }

  caf::behavior make_behavior() override {
    return {[this](const begin_flight&) {
      done_ = make_response_promise();
      move_all();
      return done_;
    }};
  }

 private:
  void move_all() {
    waiting_for_ = agents_.size();
    for (const auto& one : agents_) {
      request(one, std::chrono::seconds(600), tick{time_}).then([this](const moved&) {
        if (--waiting_for_ > 0) {
          return;
        }
        if (++time_ < flight_time) {
          move_all();
          return;
        }
        for (const auto& each : agents_) {
          send_exit(each, caf::exit_reason::user_shutdown);
        }
        agents_.clear();
        done_.deliver(moved{});
        quit();
      });
    }
  }

  std::vector<caf::actor> agents_;
  caf::response_promise done_;
  std::size_t waiting_for_ = 0;
  int time_ = 0;
};

/// Waits for the answer to a message; exits where there is none.
template <class Answer, class Handle, class Message>
Answer ask(caf::scoped_actor& self, const Handle& handle, Message message) {
  Answer result;
  self->request(handle, std::chrono::seconds(600), std::move(message))
      .receive([&](const Answer& answer) { result = answer; },
               [&](const caf::error& error) {
                 std::fprintf(stderr, "swarm: %s\n", self->system().render(error).c_str());
                 std::exit(1);
               });
  return result;
}

/// How far predictions are from what happens, as a part of how far it moves.
double error_of(caf::scoped_actor& self, const nodezero::learner_actor& learner) {
  std::vector<float> inputs, changes;
  for (unsigned i = 0; i < 500; ++i) {
    const unsigned key = 1'000'000 + 4 * i;
    const State state{noise(key), noise(key + 1), noise(key + 2), noise(key + 3)};
    append(state, inputs);
    append_change(state, next(state), changes);
  }
  const auto answer = ask<nodezero::model_answer>(
      self, learner, nodezero::ask_model{nodezero::AnyValue::of(inputs)});
  const auto& predicted = *static_cast<const std::vector<float>*>(answer.output.value.get());
  double error = 0, change = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    error += std::pow(predicted[i] - changes[i], 2);
    change += std::pow(changes[i], 2);
  }
  return std::sqrt(error / change);
}

int fly(caf::actor_system& system, unsigned count) {
  nodezero::TrainerOptions options;
  options.micro_batches = 20;
  options.spheres = 12;
  options.queue_bound = 100'000;
  options.optimizer.learning_rate = 8e-3;
  options.total_steps = std::max(1U, count * flight_time / moves_in_a_batch / 20);
  const auto learner = nodezero::spawn_learner(
      system, nodezero::make_trainable(nodezero::MultilayerPerceptron({4, 32, 32, 4})), options);
  if (!learner) {
    std::fprintf(stderr, "swarm: %s\n", learner.error().message.c_str());
    return 1;
  }
  std::vector<caf::actor> agents;
  for (unsigned i = 0; i < count; ++i) {
    agents.push_back(system.spawn<agent>(i, *learner));
  }
  caf::scoped_actor self(system);
  const double before = error_of(self, *learner);
  ask<moved>(self, system.spawn<world>(std::move(agents)), begin_flight{});
  nodezero::Status status;
  do {  // until all has been learned that the agents have told
    status = ask<nodezero::Status>(self, *learner, nodezero::ask_status{});
  } while (status.progress == nodezero::Progress::working);
  const double after = error_of(self, *learner);
  std::printf("%u agents, %d moves each: %llu steps, error %.3f before and %.3f after\n", count,
              flight_time, static_cast<unsigned long long>(status.steps), before, after);
  caf::anon_send_exit(*learner, caf::exit_reason::user_shutdown);
  return after < 0.1 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const char* path = argc > 1 ? argv[1] : "swarm.nztrace";
  auto trace = nodezero::TraceFile::create(path);
  if (!trace) {
    std::fprintf(stderr, "swarm: %s\n", trace.error().message.c_str());
    return 1;
  }
  caf::actor_system_config config;
  nodezero::configure(config, &*trace);
  std::printf("the messages go to %s, which `nodezero trace` reads\n", path);
  caf::actor_system system(config);
  return fly(system, argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 10'000);
}
