// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/state_keeper.hpp"

#include <utility>

#include "actors/hosts/state_transfer.hpp"

namespace nodezero::actors {

state_keeper::state_keeper(caf::actor_config& config,
                           std::function<void(const std::string&)> on_moved)
    : recorded(config), on_moved_(std::move(on_moved)) {}

state_keeper::behavior_type state_keeper::make_behavior() {
  // A reason of ours could not cross to another process.
  set_exception_handler([](pointer, std::exception_ptr&) -> caf::error {
    return caf::exit_reason::unhandled_exception;
  });
  return {
      [this](const keep_state& message) { state_ = message.state; },
      [this](const wire::want_state& message) { give(message); },
      [this](const wire::credit& message) {
        if (link_ && link_->peer().pointer() == current_sender()) {
          link_->credit(*this, message.blocks);
        }
      },
  };
}

void state_keeper::on_exit() {
  link_.reset();
  state_.reset();
}

void state_keeper::give(const wire::want_state& message) {
  const runtime::Peer newcomer(message.newcomer);
  if (message.protocol != wire::protocol_digest()) {
    newcomer.send(*this, wire::refused{"another version of nodezero runs there"});
    return;
  }
  if (!state_) {
    newcomer.send(*this, wire::refused{"this host takes part in a run whose root answers, or has "
                                       "no run's state"});
    return;
  }
  if (!message.next_root.empty() && on_moved_) {
    on_moved_(message.next_root);
  }
  link_.emplace(newcomer);
  newcomer.send(*this,
                wire::admitted{state_->progress.run, 0, encode(state_->told), state_->model, {}});
  for (const auto& [name, content] : state_->files) {
    newcomer.send(*this, wire::run_file{name, content});
  }
  send_state(*link_, *this, state_->progress, state_->weights, state_->optimizer, false);
}

}  // namespace nodezero::actors
