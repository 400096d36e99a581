// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/system_config.hpp"

namespace nodezero::runtime {

void configure(caf::actor_system_config& config, Scheduling scheduling, std::size_t workers) {
  config.set("scheduler.policy",
             scheduling == Scheduling::threads ? caf::atom("sharing") : caf::atom("testing"));
  config.set("scheduler.max-threads", workers);
  config.set("scheduler.max-throughput", std::size_t{50});
}

void forget_system_on_this_thread() {
  caf::logger::set_current_actor_system(nullptr);
}

}  // namespace nodezero::runtime
