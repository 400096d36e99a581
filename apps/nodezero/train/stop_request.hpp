// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <mutex>

#include "actors/run/trainer.hpp"
#include "actors/serving/run_server.hpp"

namespace nodezero::apps {

/// Asks a trainer to stop that may not exist yet, or may be about to go.
class StopRequest {
 public:
  void ask() {
    const std::lock_guard lock(mutex_);
    is_asked_ = true;
    pass_on();
  }
  /// `server` may be null.
  void pass_to(actors::Trainer& trainer, actors::RunServer* server) {
    const std::lock_guard lock(mutex_);
    trainer_ = &trainer;
    server_ = server;
    if (is_asked_) {
      pass_on();
    }
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    trainer_ = nullptr;
    server_ = nullptr;
  }

 private:
  void pass_on() {
    if (server_ != nullptr) {
      server_->drain();
    }
    if (trainer_ != nullptr) {
      trainer_->stop();
    }
  }

  std::mutex mutex_;
  actors::Trainer* trainer_ = nullptr;
  actors::RunServer* server_ = nullptr;
  bool is_asked_ = false;
};

}  // namespace nodezero::apps
