// SPDX-License-Identifier: BSD-3-Clause

// Two actors that write the same variable with no message between them. The tsan build runs
// it and expects a report: it shows that announcing the messages' edges to ThreadSanitizer
// hides no race that is really there. With the argument `ordered` the second actor is told
// by the first, and nothing may be reported.
#include <string>

#include "runtime/recorded.hpp"
#include "runtime/system_config.hpp"

namespace {

using nodezero::runtime::Accepts;
using nodezero::runtime::recorded;

using writer_actor = caf::typed_actor<Accepts<int>>;

int shared_variable = 0;

class writer : public recorded<writer_actor::base> {
 public:
  writer(caf::actor_config& config, writer_actor next) : recorded(config), next_(std::move(next)) {}
  void on_exit() override { next_ = nullptr; }

 protected:
  behavior_type make_behavior() override {
    return {[this](int value) {
      shared_variable += value;
      if (next_) {
        send(next_, value);
      }
      quit();
    }};
  }

 private:
  writer_actor next_;
};

}  // namespace

int main(int argc, char** argv) {
  const bool is_ordered = argc > 1 && std::string(argv[1]) == "ordered";
  struct Config : caf::actor_system_config {
    Config() { nodezero::runtime::configure(*this, nodezero::runtime::Scheduling::threads); }
  } config;
  caf::actor_system system(config);
  const auto last = system.spawn<writer, caf::detached>(writer_actor{});
  const auto first =
      system.spawn<writer, caf::detached>(is_ordered ? writer_actor{last} : writer_actor{});
  caf::anon_send(first, 1);
  if (!is_ordered) {
    caf::anon_send(last, 2);
  }
  system.await_all_actors_done();
  return 0;
}
