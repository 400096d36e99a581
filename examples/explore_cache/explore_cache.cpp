// SPDX-License-Identifier: BSD-3-Clause

// A cache in front of a database. The writer waits for the database and then has the cache drop
// what it holds; but an answer that the cache has asked for before may still be on its way, and is
// kept for ever. That happens between machines; inside one process the answer would be in the
// cache's mailbox first. The fix lets the database tell the cache: its messages stay in order.

#include <iostream>
#include <nodezero/explore/explore.hpp>
#include <optional>

namespace {

using namespace nodezero::explore;

using read = caf::atom_constant<caf::atom("read")>;
using write = caf::atom_constant<caf::atom("write")>;
using drop = caf::atom_constant<caf::atom("drop")>;
using watch = caf::atom_constant<caf::atom("watch")>;

struct database_state {
  int value = 1;
  caf::actor watcher;
  static inline const char* name = "database";
};

caf::behavior database(caf::stateful_actor<database_state>* self) {
  return {
      [self](read) { return self->state.value; },
      [self](write, int value) {
        self->state.value = value;
        if (self->state.watcher) {
          self->send(self->state.watcher, drop::value);
        }
        return true;
      },
      [self](watch, const caf::actor& watcher) { self->state.watcher = watcher; },
  };
}

struct cache_state {
  std::optional<int> value;
  static inline const char* name = "cache";
};

caf::behavior cache(caf::stateful_actor<cache_state>* self, caf::actor database) {
  return {
      [self, database](read) {
        auto promise = self->make_response_promise<int>();
        if (self->state.value) {
          promise.deliver(*self->state.value);
        } else {
          self->request(database, caf::infinite, read::value).then([=](int value) mutable {
            self->state.value = value;
            promise.deliver(value);
          });
        }
        return promise;
      },
      [self](drop) { self->state.value.reset(); },
  };
}

struct writer_state {
  static inline const char* name = "writer";
};

void writer(caf::stateful_actor<writer_state>* self, caf::actor database, caf::actor cache) {
  self->request(database, caf::infinite, write::value, 2).then([=](bool) {
    if (cache) {
      self->send(cache, drop::value);
    }
  });
}

Scenario site(bool database_tells) {
  return [database_tells](World& world) {
    const auto data = world.spawn(database);
    const auto front = world.spawn(cache, data);
    if (database_tells) {
      world.state<database_state>(data).watcher = front;
    }
    world.ask<int>(front, read::value);
    world.spawn(writer, data, database_tells ? caf::actor() : front);
    world.at_end("the cache holds nothing old", [&world, data, front] {
      const auto& kept = world.state<cache_state>(front).value;
      return !kept || *kept == world.state<database_state>(data).value;
    });
  };
}

}  // namespace

int main() {
  Options options;
  options.network = true;
  const auto broken = explore(site(false), options);
  std::cout << broken << "\n";
  const auto in_one_process = explore(site(false));
  const auto fixed = explore(site(true), options);
  std::cout << "in one process: " << in_one_process << "fixed: " << fixed;
  return in_one_process.ok() && in_one_process.complete &&
                 broken.problem == "the cache holds nothing old" && fixed.ok() && fixed.complete
             ? 0
             : 1;
}
