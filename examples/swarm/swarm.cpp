// SPDX-License-Identifier: BSD-3-Clause

// A simulation that is made of actors: ten thousand agents that fly about, each an actor of CAF
// that sees its own state alone. A learner in the same actor system hears from them how they
// move and learns it; one trace has their messages and its own.
//
//   swarm [TRACE [AGENTS]]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "nodezero/caf.hpp"
#include "nodezero/eigen.hpp"

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

namespace nz = nodezero::eigen;

using State = Eigen::RowVector4f;  ///< where it is, and its velocity

/// What a move changes. Everybody is drawn to a ring around the origin and turns to the left.
State change(const State& s) {
  const auto place = s.head<2>(), velocity = s.tail<2>();
  const Eigen::RowVector2f left(-velocity.y(), velocity.x());
  const float radius = place.norm() + 0.01f;
  State result;
  result.tail<2>() =
      0.98f * (velocity + 0.08f * left) + 0.1f * (1 - radius) / radius * place - velocity;
  result.head<2>() = 0.2f * (velocity + result.tail<2>());
  return result;
}

/// Room for states and what a move changes of them, the changes as numbers of about 1.
nz::Examples moves(Eigen::Index count) {
  return {nz::Matrix(count, 4), nz::Matrix(count, 4)};
}

/// Notes a move in a row, and returns the state after it.
State note_move(const State& before, nz::Examples& moves, Eigen::Index row) {
  const State its_change = change(before);
  moves.inputs.row(row) = before;
  moves.targets.row(row) = 5 * its_change;
  return before + its_change;
}

class agent : public nodezero::recorded<caf::event_based_actor> {
 public:
  agent(caf::actor_config& config, nodezero::learner_actor learner)
      : recorded(config), learner_(std::move(learner)) {}

  const char* name() const override { return "agent"; }

  caf::behavior make_behavior() override {
    return {[this](const tick&) {
      state_ = note_move(state_, moves_, moved_++);
      if (moved_ == moves_in_a_batch) {
        request(
            learner_, std::chrono::seconds(60),
            nodezero::submit_batch{nodezero::AnyValue::of(std::exchange(moves_, moves(moved_)))})
            .then([](const nodezero::batch_taken&) {}, [](const caf::error&) {});
        moved_ = 0;
      }
      return moved{};
    }};
  }

 private:
  State state_ = State::Random();
  nodezero::learner_actor learner_;
  nz::Examples moves_ = moves(moves_in_a_batch);
  Eigen::Index moved_ = 0;
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
float error_of(caf::scoped_actor& self, const nodezero::learner_actor& learner) {
  nz::Examples test = moves(500);
  for (int i = 0; i < 500; ++i) {
    note_move(State::Random(), test, i);
  }
  const auto answer = ask<nodezero::model_answer>(
      self, learner, nodezero::ask_model{nodezero::AnyValue::of(std::move(test.inputs))});
  return (*answer.output.as<nz::Matrix>() - test.targets).norm() / test.targets.norm();
}

int fly(caf::actor_system& system, unsigned count) {
  nodezero::TrainerOptions options;
  options.micro_batches = 20;
  options.spheres = 12;
  options.queue_bound = 100'000;
  options.optimizer.learning_rate = 8e-3;
  options.total_steps = std::max(1U, count * flight_time / moves_in_a_batch / 20);
  const auto learner = nodezero::spawn_learner(
      system, nodezero::make_trainable(nz::MultilayerPerceptron({4, 32, 32, 4})), options);
  if (!learner) {
    std::fprintf(stderr, "swarm: %s\n", learner.error().message.c_str());
    return 1;
  }
  std::vector<caf::actor> agents;
  for (unsigned i = 0; i < count; ++i) {
    agents.push_back(system.spawn<agent>(*learner));
  }
  caf::scoped_actor self(system);
  const float before = error_of(self, *learner);
  ask<moved>(self, system.spawn<world>(std::move(agents)), begin_flight{});
  nodezero::Status status;
  do {  // until all has been learned that the agents have told
    status = ask<nodezero::Status>(self, *learner, nodezero::ask_status{});
  } while (status.progress == nodezero::Progress::working);
  const float after = error_of(self, *learner);
  std::printf("%u agents, %d moves each: %llu steps, error %.3f before and %.3f after\n", count,
              flight_time, static_cast<unsigned long long>(status.steps),
              static_cast<double>(before), static_cast<double>(after));
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
