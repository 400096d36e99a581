// SPDX-License-Identifier: BSD-3-Clause

// The explorer beside what else one could use. `explore_compare commit N`: a two-phase commit of N
// participants, whose states scripts/compare-spin.sh has Spin count. `explore_compare delays
// SECONDS`: how soon random delays under CAF's ordinary scheduler show faults.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

#include "nodezero/explore/explore.hpp"

namespace {

using namespace nodezero::explore;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Called by every handler: nothing in the explorer, a random sleep under the ordinary scheduler.
using Delay = void (*)();

void no_delay() {}

void random_delay() {
  thread_local std::mt19937 random{std::random_device{}()};
  std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
}

// -- two-phase commit
// ------------------------------------------------------------------------------

using prepare = caf::atom_constant<caf::atom("prepare")>;
using finish = caf::atom_constant<caf::atom("finish")>;
using ask = caf::atom_constant<caf::atom("ask")>;

struct participant_state {
  int decided = 0;  ///< 1: commit, 2: abort
  static inline const char* name = "participant";
};

caf::behavior participant(caf::stateful_actor<participant_state>* self, bool vote, Delay delay) {
  return {
      [=](prepare) {
        delay();
        self->state.decided = vote ? 0 : 2;
        return vote;
      },
      [=](finish, bool commit) {
        delay();
        if (self->state.decided == 0) {
          self->state.decided = commit ? 1 : 2;
        }
      },
      [=](ask) { return self->state.decided; },
  };
}

struct coordinator_state {
  std::size_t yes = 0;
  bool decided = false;
  static inline const char* name = "coordinator";
};

void coordinator(caf::stateful_actor<coordinator_state>* self, std::vector<caf::actor> participants,
                 std::size_t enough) {
  const auto decide = [=](bool commit) {
    if (!self->state.decided) {
      self->state.decided = true;
      for (const auto& one : participants) {
        self->send(one, finish::value, commit);
      }
    }
  };
  for (const auto& one : participants) {
    self->request(one, caf::infinite, prepare::value).then([=](bool vote) {
      self->state.yes += vote ? 1 : 0;
      if (!vote || self->state.yes == enough) {
        decide(vote);
      }
    });
  }
}

void count_states(std::size_t count) {
  for (const bool reduced : {false, true}) {
    Options options;
    options.search = Search::states;
    options.all_dependent = !reduced;
    options.network = true;
    const auto result = explore(
        [count](World& world) {
          std::vector<caf::actor> participants;
          for (std::size_t i = 0; i < count; ++i) {
            participants.push_back(world.spawn(participant, i + 1 < count, &no_delay));
          }
          world.spawn(coordinator, participants, count);
          world.always("all decide the same", [&world, participants] {
            int decided = 0;
            for (const auto& one : participants) {
              decided |= world.state<participant_state>(one).decided;
            }
            return decided != 3;
          });
        },
        options);
    std::printf("%2zu participants  explorer %-6s %9llu states  %.3f s%s\n", count,
                reduced ? "" : "all", static_cast<unsigned long long>(result.states),
                result.cpu_seconds, result.ok() && result.complete ? "" : "  INCOMPLETE");
  }
}

/// One transaction of eight, of which the last votes no, with a coordinator that needs seven.
bool decides_differently(caf::actor_system& system) {
  constexpr std::size_t count = 8;
  std::vector<caf::actor> participants;
  for (std::size_t i = 0; i < count; ++i) {
    participants.push_back(system.spawn(participant, i + 1 < count, &random_delay));
  }
  const auto all = system.spawn(coordinator, participants, count - 1);
  caf::scoped_actor self(system);
  self->wait_for(all);
  int decided = 0;
  for (const auto& one : participants) {
    self->request(one, caf::infinite, ask::value)
        .receive([&](int what) { decided |= what; }, [](caf::error&) {});
    caf::anon_send_exit(one, caf::exit_reason::kill);
  }
  return decided == 3;
}

// -- dining philosophers
// ---------------------------------------------------------------------------

using take = caf::atom_constant<caf::atom("take")>;
using put_back = caf::atom_constant<caf::atom("put")>;

caf::behavior fork_actor(caf::event_based_actor* self, Delay delay) {
  auto taken = std::make_shared<bool>(false);
  auto waiting = std::make_shared<std::deque<caf::typed_response_promise<bool>>>();
  return {
      [=](take) {
        delay();
        auto promise = self->make_response_promise<bool>();
        if (*taken) {
          waiting->push_back(promise);
        } else {
          *taken = true;
          promise.deliver(true);
        }
        return promise;
      },
      [=](put_back) {
        if (waiting->empty()) {
          *taken = false;
        } else {
          waiting->front().deliver(true);
          waiting->pop_front();
        }
      },
  };
}

void philosopher(caf::event_based_actor* self, caf::actor first, caf::actor second, Delay delay) {
  delay();
  self->request(first, caf::infinite, take::value).then([=](bool) {
    self->request(second, caf::infinite, take::value).then([=](bool) {
      self->send(first, put_back::value);
      self->send(second, put_back::value);
    });
  });
}

/// One dinner of five; true if it has not ended after a while.
bool waits_for_ever(caf::actor_system& system) {
  std::vector<caf::actor> forks;
  for (std::size_t i = 0; i < 5; ++i) {
    forks.push_back(system.spawn(fork_actor, &random_delay));
  }
  caf::scoped_actor self(system);
  std::vector<caf::actor> all;
  for (std::size_t i = 0; i < 5; ++i) {
    all.push_back(
        self->spawn<caf::monitored>(philosopher, forks[i], forks[(i + 1) % 5], &random_delay));
  }
  bool stuck = false;
  for (std::size_t ended = 0; ended < 5 && !stuck; ++ended) {
    self->receive([](caf::down_msg&) {},
                  caf::after(std::chrono::seconds(1)) >> [&] { stuck = true; });
  }
  for (const auto* group : {&forks, &all}) {
    for (const auto& one : *group) {
      caf::anon_send_exit(one, caf::exit_reason::kill);
    }
  }
  return stuck;
}

void with_delays(const char* name, double most_seconds, bool (*fails)(caf::actor_system&)) {
  caf::actor_system_config config;
  config.set("scheduler.max-threads", std::size_t{4});
  caf::actor_system system(config);
  const auto begin = Clock::now();
  std::size_t runs = 1;
  while (!fails(system) && seconds_since(begin) < most_seconds) {
    ++runs;
  }
  const bool found = seconds_since(begin) < most_seconds;
  std::printf("%-22s %s run %zu, after %.2f s\n", name, found ? "found in" : "not found by", runs,
              seconds_since(begin));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "commit" && argc == 3) {
    count_states(static_cast<std::size_t>(std::atoi(argv[2])));
  } else if (what == "delays" && argc == 3) {
    with_delays("two-phase commit of 8", std::atof(argv[2]), decides_differently);
    with_delays("5 philosophers", std::atof(argv[2]), waits_for_ever);
  } else {
    std::fputs("explore_compare commit PARTICIPANTS | explore_compare delays SECONDS\n", stderr);
    return 2;
  }
}
