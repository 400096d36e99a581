// SPDX-License-Identifier: BSD-3-Clause

// Dining philosophers: each takes the fork on the left, then the one on the right, and puts both
// back. If all have taken one, all wait for ever. The fix has one of them begin on the right.

#include <deque>
#include <iostream>
#include <nodezero/explore/explore.hpp>
#include <vector>

namespace {

using namespace nodezero::explore;

using take = caf::atom_constant<caf::atom("take")>;
using put_back = caf::atom_constant<caf::atom("put")>;

struct fork_state {
  bool taken = false;
  std::deque<caf::typed_response_promise<bool>> waiting;
  static inline const char* name = "fork";
};

caf::behavior fork_actor(caf::stateful_actor<fork_state>* self) {
  return {
      [self](take) {
        auto promise = self->make_response_promise<bool>();
        if (self->state.taken) {
          self->state.waiting.push_back(promise);
        } else {
          self->state.taken = true;
          promise.deliver(true);
        }
        return promise;
      },
      [self](put_back) {
        auto& [taken, waiting] = self->state;
        if (waiting.empty()) {
          taken = false;
        } else {
          waiting.front().deliver(true);
          waiting.pop_front();
        }
      },
  };
}

struct philosopher_state {
  int forks = 0;
  static inline const char* name = "philosopher";
};

void philosopher(caf::stateful_actor<philosopher_state>* self, caf::actor first,
                 caf::actor second) {
  self->request(first, caf::infinite, take::value).then([=](bool) {
    self->state.forks = 1;
    self->request(second, caf::infinite, take::value).then([=](bool) {
      self->state.forks = 2;
      self->send(first, put_back::value);
      self->send(second, put_back::value);
    });
  });
}

Scenario table(std::size_t seats, bool one_begins_on_the_right) {
  return [=](World& world) {
    std::vector<caf::actor> forks;
    for (std::size_t i = 0; i < seats; ++i) {
      forks.push_back(world.spawn(fork_actor));
    }
    for (std::size_t i = 0; i < seats; ++i) {
      const auto left = forks[i];
      const auto right = forks[(i + 1) % seats];
      if (i == 0 && one_begins_on_the_right) {
        world.spawn(philosopher, right, left);
      } else {
        world.spawn(philosopher, left, right);
      }
    }
  };
}

}  // namespace

int main() {
  const auto broken = explore(table(4, false));
  std::cout << broken << "\n";
  const auto fixed = explore(table(4, true));
  std::cout << fixed;
  return !broken.ok() && fixed.ok() && fixed.complete ? 0 : 1;
}
