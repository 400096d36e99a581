// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"
#include "runtime/explorable.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// Generates, each request from the snapshot that came with it; it sees no other weights. The lanes
/// compute a few tokens at a time, of many requests together, so that no micro-batch waits long
/// behind a long answer, and a request whose time is up, or that nobody wants any more, goes no
/// further.
class inference : public runtime::recorded<inference_actor::base>, public runtime::Explorable {
 public:
  struct Settings {
    std::chrono::milliseconds timeout{};  ///< of a lane's answer
    std::uint32_t lanes = 1;
    std::uint32_t together = 1;  ///< requests that a lane generates together, at most
    std::int64_t piece = 16;     ///< tokens before a lane looks at other work; fewer for several
  };
  /// Of one request alone: so many that a lane has other work within some milliseconds, and that
  /// messages cost little beside them.
  static std::int64_t tokens_at_a_time(std::size_t parameters);

  inference(caf::actor_config& config, lane_scheduler_actor lanes, Settings settings);

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
    bool is_begun = false;
    bool is_on_lane = false;
    bool is_abandoned = false;
  };
  using Numbers = std::vector<std::uint64_t>;

  void begin_waiting();
  void start_next();
  Numbers next_group();
  void start(const Numbers& group);
  void piece_ended(const Numbers& group, const caf::error& error);
  void go_on(std::uint64_t number);
  void abandon(std::uint64_t ticket);
  void tell_listener(Request& request);
  void note_digest(const Request& request);
  Request forget(std::uint64_t number);

  lane_scheduler_actor lanes_;
  Settings settings_;
  struct State {
    std::map<std::uint64_t, Request> open;  ///< by number
    std::deque<std::uint64_t> waiting;      ///< to be begun
    std::deque<std::uint64_t> ready;        ///< begun and on no lane, the longest waiting first
    std::uint32_t begun = 0;
    std::uint32_t running = 0;                     ///< pieces that lanes compute
    std::map<std::uint64_t, std::string> digests;  ///< of the newest versions that have one
  };
  State state_;
};

}  // namespace nodezero::actors
