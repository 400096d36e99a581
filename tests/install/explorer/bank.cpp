// SPDX-License-Identifier: BSD-3-Clause

// A program with actors of its own and a message type of its own.

#include <iostream>
#include <nodezero/explore/explore.hpp>

namespace {

struct deposit {
  int amount = 0;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, deposit& x) {
  return f(caf::meta::type_name("deposit"), x.amount);
}

struct account_state {
  int balance = 0;
  static inline const char* name = "account";
};

caf::behavior account(caf::stateful_actor<account_state>* self) {
  return {[self](const deposit& x) { self->state.balance += x.amount; },
          [self](caf::get_atom) { return self->state.balance; }};
}

}  // namespace

int main() {
  using namespace nodezero::explore;
  caf::actor_system_config config;
  config.add_message_type<deposit>("deposit");
  const auto late = explore(config, [](World& world) {
    const auto target = world.spawn(account);
    world.send(target, deposit{10});
    const auto seen = world.ask<int>(target, caf::get_atom::value);
    world.at_end("the deposit is seen", [seen] { return seen.value() == 10; });
  });
  const auto whole = explore(config, [](World& world) {
    const auto target = world.spawn(account);
    world.send(target, deposit{10});
    world.send(target, deposit{20});
    world.at_end("both are there",
                 [&world, target] { return world.state<account_state>(target).balance == 30; });
  });
  std::cout << late << whole;
  return !late.ok() && whole.ok() && whole.complete && whole.states == 4 ? 0 : 1;
}
