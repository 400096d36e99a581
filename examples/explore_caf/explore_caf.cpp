// SPDX-License-Identifier: BSD-3-Clause

// Three designs that CAF's own examples show, written anew, and what can go wrong with them: a cell
// that is read and written, a stack of a fixed size, and a client that gives its task to another
// server when the first one is gone.

#include <iostream>
#include <nodezero/explore/explore.hpp>
#include <vector>

namespace {

using namespace nodezero::explore;

using get = caf::atom_constant<caf::atom("get")>;
using put = caf::atom_constant<caf::atom("put")>;
using push = caf::atom_constant<caf::atom("push")>;
using pop = caf::atom_constant<caf::atom("pop")>;
using work = caf::atom_constant<caf::atom("work")>;

// -- a cell: who has written need not read it
// ------------------------------------------------------

struct cell_state {
  int value = 0;
  static inline const char* name = "cell";
};

caf::behavior cell(caf::stateful_actor<cell_state>* self) {
  return {
      [self](put, int value) { self->state.value = value; },
      [self](get) { return self->state.value; },
  };
}

Result cell_of_two() {
  return explore([](World& world) {
    const auto shared = world.spawn(cell);
    world.send(shared, put::value, 1);
    const auto seen = world.ask<int>(shared, get::value);
    world.at_end("what was put is what is got", [seen] { return seen.value() == 1; });
  });
}

// -- a stack: no more than it holds, no less than nothing
// ------------------------------------------

struct stack_state {
  std::vector<int> values;
  static inline const char* name = "stack";
};

caf::behavior fixed_stack(caf::stateful_actor<stack_state>* self, std::size_t most) {
  return {
      [self, most](push, int value) -> caf::result<bool> {
        if (self->state.values.size() == most) {
          return caf::sec::runtime_error;
        }
        self->state.values.push_back(value);
        return true;
      },
      [self](pop) -> caf::result<int> {
        if (self->state.values.empty()) {
          return caf::sec::runtime_error;
        }
        const int value = self->state.values.back();
        self->state.values.pop_back();
        return value;
      },
  };
}

Result stack_of_two() {
  return explore([](World& world) {
    const auto shared = world.spawn(fixed_stack, std::size_t{2});
    const auto pushed = world.ask<bool>(shared, push::value, 7);
    const auto popped = world.ask<int>(shared, pop::value);
    world.at_end("who pops gets a number", [popped] { return popped.has_value(); });
  });
}

// -- a client that tries again: a task may be done twice
// -------------------------------------------

struct server_state {
  static inline const char* name = "server";
};

caf::behavior server(caf::stateful_actor<server_state>*, caf::actor ledger) {
  return {[ledger](work, int task) {
    caf::anon_send(ledger, put::value, task);
    return task;
  }};
}

struct ledger_state {
  int entries = 0;
  static inline const char* name = "ledger";
};

caf::behavior ledger(caf::stateful_actor<ledger_state>* self) {
  return {[self](put, int) { ++self->state.entries; }};
}

struct trying_state {
  bool done = false;
  static inline const char* name = "client";
};

void trying(caf::stateful_actor<trying_state>* self, caf::actor first, caf::actor second) {
  const auto done = [self](int) { self->state.done = true; };
  self->request(first, std::chrono::seconds(1), work::value, 5).then(done, [=](caf::error&) {
    self->request(second, std::chrono::seconds(1), work::value, 5).then(done);
  });
}

Result servers_that_die(std::uint32_t deaths) {
  Options options;
  options.faults.most = deaths;
  options.faults.lost = true;
  return explore(
      [](World& world) {
        const auto book = world.spawn(ledger);
        const auto first = world.spawn(server, book);
        const auto second = world.spawn(server, book);
        world.spawn(trying, first, second);
        world.always("a task is done once",
                     [&world, book] { return world.state<ledger_state>(book).entries <= 1; });
      },
      options);
}

}  // namespace

int main() {
  const auto of_cell = cell_of_two();
  const auto of_stack = stack_of_two();
  const auto without_faults = servers_that_die(0);
  const auto with_one = servers_that_die(1);
  std::cout << "cell: " << of_cell << "\nstack: " << of_stack
            << "\nclient that tries again, nothing goes wrong: " << without_faults
            << "\nclient that tries again, one message is lost: " << with_one;
  return !of_cell.ok() && !of_stack.ok() && without_faults.ok() && without_faults.complete &&
                 with_one.problem == "a task is done once"
             ? 0
             : 1;
}
