// SPDX-License-Identifier: BSD-3-Clause

// How many schedules of 13 small actors the explorer runs per second of CPU time: a root, three
// parents and nine leaves, fresh in every schedule, 25 messages.

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "nodezero/explore/explore.hpp"

namespace {

using namespace nodezero::explore;

using work = caf::atom_constant<caf::atom("work")>;
using done = caf::atom_constant<caf::atom("done")>;

struct tree_state {
  int missing = 3;
  static inline const char* name = "parent";
};
struct leaf_state {
  static inline const char* name = "leaf";
};

caf::behavior leaf(caf::stateful_actor<leaf_state>* self) {
  return {[self](work) {
    self->send(caf::actor_cast<caf::actor>(self->current_sender()), done::value);
  }};
}

caf::behavior parent(caf::stateful_actor<tree_state>* self, std::vector<caf::actor> children) {
  auto above = std::make_shared<caf::actor_addr>();
  return {
      [=](work) {
        *above = caf::actor_cast<caf::actor_addr>(self->current_sender());
        for (const auto& child : children) {
          self->send(child, work::value);
        }
      },
      [=](done) {
        if (--self->state.missing == 0) {
          if (const auto to = caf::actor_cast<caf::actor>(*above)) {
            self->send(to, done::value);
          }
        }
      },
  };
}

void build(World& world) {
  std::vector<caf::actor> parents;
  for (int i = 0; i < 3; ++i) {
    std::vector<caf::actor> leaves;
    for (int k = 0; k < 3; ++k) {
      leaves.push_back(world.spawn(leaf));
    }
    parents.push_back(world.spawn(parent, leaves));
  }
  const auto root = world.spawn(parent, parents);
  world.send(root, work::value);
  world.at_end("all leaves have worked",
               [&world, root] { return world.state<tree_state>(root).missing == 0; });
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void measure(const char* name, Search search, std::uint64_t schedules, bool all_dependent = false) {
  Options options;
  options.search = search;
  options.schedules = schedules;
  options.states = schedules;
  options.all_dependent = all_dependent;
  const double begin = cpu_seconds();
  const auto result = explore(build, options);
  const double seconds = cpu_seconds() - begin;
  if (!result.ok()) {
    std::fputs(to_string(result).c_str(), stderr);
    std::exit(1);
  }
  std::printf(
      "%-12s %9.0f schedules/s  %8llu schedules, %llu runs, %llu states, %.2f s%s\n", name,
      static_cast<double>(result.runs) / seconds, static_cast<unsigned long long>(result.schedules),
      static_cast<unsigned long long>(result.runs), static_cast<unsigned long long>(result.states),
      seconds, result.complete ? ", complete" : "");
}

}  // namespace

int main(int argc, char** argv) {
  const auto schedules = static_cast<std::uint64_t>(argc > 1 ? std::atoll(argv[1]) : 50'000);
  measure("random", Search::random, schedules);
  measure("priorities", Search::priorities, schedules);
  measure("orders", Search::orders, schedules);
  measure("states", Search::states, schedules);
  measure("all states", Search::states, schedules, true);
}
