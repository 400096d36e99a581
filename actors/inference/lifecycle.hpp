// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/settings.hpp"
#include "runtime/explorable.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// Owns the answer to "may anybody read the weights now?". Every inference request passes
/// it and is answered from a complete snapshot, waits for an epoch boundary, or is refused,
/// by policy. It also owns the end: stop works from every state, and the version that the run
/// ended with answers requests as long as the actors live.
///
///   idle -> training(e) -> quiescent(e) -> training(e + 1) ... -> draining -> stopped
///                      \-> failed
class lifecycle : public runtime::recorded<lifecycle_actor::base>, public runtime::Explorable {
 public:
  struct Settings {
    InferencePolicy policy = InferencePolicy::snapshot;
    std::chrono::milliseconds wait_timeout{};  ///< of a request that waits for a boundary
    std::chrono::milliseconds stop_timeout{};
    std::size_t most_open = 100'000;       ///< requests that wait or are being answered
    std::int64_t most_tokens = 1'000'000;  ///< in one answer
    /// Whose weights requests that are being answered may hold beside the newest; 0: any number.
    std::size_t most_versions = 0;
  };
  lifecycle(caf::actor_config& config, Settings settings, snapshot initial,
            inference_actor inference);

  const char* name() const override { return "lifecycle"; }
  /// node_zero and lifecycle hold each other's handles, and promises the actor that made
  /// them: it lets go of them all.
  void on_exit() override {
    state_.root = nullptr;
    state_.waiting.clear();
    state_.stops.clear();
  }
  std::uint64_t state_digest(const runtime::ActorKeys& keys) const override;
  const char* state_name() const override;

  // The states, with their names in traces:
  struct idle {
    static constexpr auto name = "idle";
  };
  struct running {
    static constexpr auto name = "training";
    std::uint64_t epoch;
  };
  struct quiescent {
    static constexpr auto name = "quiescent";
    std::uint64_t epoch;
  };
  struct failed {
    static constexpr auto name = "failed";
    Error reason;
  };
  struct draining {
    static constexpr auto name = "draining";
  };
  struct ended {
    static constexpr auto name = "stopped";
    std::variant<stopped, caf::error> answer;
  };
  using Phase = std::variant<idle, running, quiescent, failed, draining, ended>;

 protected:
  behavior_type make_behavior() override;

 private:
  struct Waiting {
    generate request;
    caf::typed_response_promise<generated> promise;
  };
  struct Followed {
    std::optional<snapshot> from;  ///< what it is answered from; none: it waits, or was refused
    std::uint32_t to_come = 0;     ///< followers
  };
  void begin_training(const training& message);
  void take_snapshot(const snapshot& message);
  caf::result<generated> begin(const generate& request);
  caf::result<stopped> begin(const stop& request);
  std::optional<snapshot> version_of_first(const generate& request);
  void pass_to_inference(std::uint64_t number, Waiting request);
  void abandon(const abandon_request& message);
  void answer_waiting();
  InferencePolicy policy_of(const generate& request) const;
  bool may_read(const generate& request) const;
  void let_go(std::uint64_t version);
  void refuse_waiting(Error reason);
  void drain();
  void answer_stops(const std::variant<stopped, caf::error>& answer);
  template <class S>
  void enter(S next) {
    if constexpr (requires { next.epoch; }) {
      this->record_state(S::name, next.epoch);
    } else {
      this->record_state(S::name, state_.envelope.epoch);
    }
    state_.phase = std::move(next);
  }
  template <class S>
  bool in() const {
    return std::holds_alternative<S>(state_.phase);
  }

  struct State {
    Phase phase;
    Envelope envelope;      ///< of the last complete snapshot
    ParametersPtr weights;  ///< that snapshot, if the policy holds one
    haltable_actor root;
    std::map<std::uint64_t, Waiting> waiting;  ///< by order of arrival
    /// Requests that are being answered, by the version that they hold; only if those are bounded.
    std::map<std::uint64_t, std::uint64_t> held;
    /// Requests that others will follow, by their tickets.
    std::map<std::uint64_t, Followed> followed;
    /// Requests that were accepted, and those that inference has not answered. No handler acts on
    /// their numbers but at a bound.
    runtime::Unseen<std::uint64_t> requests, passed;
    std::vector<caf::typed_response_promise<stopped>> stops;
  };

  Settings settings_;
  inference_actor inference_;
  State state_;
};

}  // namespace nodezero::actors
