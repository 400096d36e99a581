// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>

#include "actors/interfaces.hpp"
#include "runtime/explorable.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// Generates, one request after the other, from the snapshot that came with each request; it
/// sees no other weights. The lanes compute a few tokens at a time, so that no micro-batch
/// waits long behind a long answer, and a request whose time is up goes no further.
class inference : public runtime::recorded<inference_actor::base>, public runtime::Explorable {
 public:
  inference(caf::actor_config& config, lane_scheduler_actor lanes,
            std::chrono::milliseconds timeout, std::uint32_t at_once);

  const char* name() const override { return "inference"; }
  /// Promises hold the actor that made them, and those of waiting requests are held by it.
  void on_exit() override { state_.open.clear(); }
  std::uint64_t state_digest(const runtime::ActorKeys& keys) const override;

 protected:
  behavior_type make_behavior() override;

 private:
  struct Request {
    Envelope envelope;
    std::shared_ptr<GenerationSession> session;
    caf::typed_response_promise<generated> promise;
    bool begun = false;
  };
  void start_next();
  void go_on(std::uint64_t number);
  void piece_ended(std::uint64_t number);

  lane_scheduler_actor lanes_;
  std::chrono::milliseconds timeout_;
  std::uint32_t at_once_;  ///< requests that are being generated at the same time
  struct State {
    std::map<std::uint64_t, Request> open;  ///< by number
    std::uint32_t running = 0;              ///< pieces that lanes compute
  };
  State state_;
};

}  // namespace nodezero::actors
