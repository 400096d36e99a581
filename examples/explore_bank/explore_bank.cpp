// SPDX-License-Identifier: BSD-3-Clause

// A bank account: two clients read the balance, add to it and write it back. If both read before
// either writes, one deposit is lost. The fix lets the account do the sum.

#include <iostream>
#include <nodezero/explore/explore.hpp>

namespace {

using namespace nodezero::explore;

using get = caf::atom_constant<caf::atom("get")>;
using set = caf::atom_constant<caf::atom("set")>;
using deposit = caf::atom_constant<caf::atom("deposit")>;

struct account_state {
  int balance = 100;
  static inline const char* name = "account";
};
using account_actor = caf::typed_actor<caf::replies_to<get>::with<int>, caf::reacts_to<set, int>,
                                       caf::replies_to<deposit, int>::with<int>>;

account_actor::behavior_type account(account_actor::stateful_pointer<account_state> self) {
  return {
      [self](get) { return self->state.balance; },
      [self](set, int balance) { self->state.balance = balance; },
      [self](deposit, int amount) { return self->state.balance += amount; },
  };
}

struct client_state {
  static inline const char* name = "client";
};
using client_actor = caf::stateful_actor<client_state>;

void reads_and_writes(client_actor* self, account_actor account, int amount) {
  self->request(account, caf::infinite, get::value).then([=](int balance) {
    self->send(account, set::value, balance + amount);
  });
}
void deposits(client_actor* self, account_actor account, int amount) {
  self->request(account, caf::infinite, deposit::value, amount).then([](int) {});
}

template <class Client>
Scenario bank(Client client) {
  return [client](World& world) {
    const auto target = world.spawn(account);
    world.spawn(client, target, 10);
    world.spawn(client, target, 20);
    world.at_end("both deposits are there",
                 [&world, target] { return world.state<account_state>(target).balance == 130; });
  };
}

}  // namespace

int main() {
  const auto broken = explore(bank(reads_and_writes));
  std::cout << broken << "\n" << broken.diagram << "\n";
  const auto fixed = explore(bank(deposits));
  std::cout << fixed;
  return broken.problem == "both deposits are there" && fixed.ok() && fixed.complete ? 0 : 1;
}
