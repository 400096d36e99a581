// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/hosts_door.hpp"

#include <utility>

namespace nodezero::actors {

hosts_door::behavior_type hosts_door::make_behavior() {
  // A reason of ours could not cross to another process.
  set_exception_handler([](pointer, std::exception_ptr&) -> caf::error {
    return caf::exit_reason::unhandled_exception;
  });
  set_down_handler([this](const caf::down_msg& down) {
    if (coordinator_ && coordinator_.address() == down.source) {
      coordinator_ = nullptr;
    }
  });
  return {
      [this](const open_door& message) { open(message); },
      [this](const hosts_return& message) {
        returning_.insert(message.processes.begin(), message.processes.end());
      },
      [this](const end_hosts&) { return end(); },
      [this](const wire::join& message) { take_join(message); },
  };
}

void hosts_door::on_exit() {
  coordinator_ = nullptr;
  waiting_.clear();
  ending_ = {};
}

void hosts_door::open(const open_door& message) {
  coordinator_ = message.coordinator;
  monitor(coordinator_);
  for (const auto& join : std::exchange(waiting_, {})) {
    take_join(join);
  }
}

void hosts_door::take_join(const wire::join& message) {
  if (!coordinator_ && !ending_.pending()) {
    waiting_.push_back(message);
    return;
  }
  returning_.erase(message.process);
  if (ending_.pending()) {
    runtime::Peer(message.session).send(*this, wire::ended{run_has_ended});
    answer_if_all_are_gone();
  } else {
    send(coordinator_, message);
  }
}

caf::result<hosts_ended> hosts_door::end() {
  ending_ = make_response_promise<hosts_ended>();
  auto promise = ending_;
  for (const auto& join : std::exchange(waiting_, {})) {
    take_join(join);
  }
  has_coordinator_ended_ = !coordinator_;
  if (coordinator_) {
    const auto ended = [this] {
      has_coordinator_ended_ = true;
      answer_if_all_are_gone();
    };
    request(coordinator_, caf::infinite, end_hosts{})
        .then([ended](const hosts_ended&) { ended(); }, [ended](const caf::error&) { ended(); });
  }
  answer_if_all_are_gone();
  return promise;
}

void hosts_door::answer_if_all_are_gone() {
  if (has_coordinator_ended_ && returning_.empty() && ending_.pending()) {
    std::exchange(ending_, {}).deliver(hosts_ended{});
  }
}

}  // namespace nodezero::actors
