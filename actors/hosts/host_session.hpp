// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "actors/hosts/host_settings.hpp"
#include "actors/hosts/messages.hpp"
#include "actors/hosts/self_test.hpp"
#include "actors/hosts/state_transfer.hpp"
#include "actors/run/assembly.hpp"
#include "runtime/explorable.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// How a host's part in a run ended.
struct HostEnd {
  enum class Reason {
    run_ended,
    left,     ///< somebody asked this host to go
    refused,  ///< by the root; asking again would not help
    lost,     ///< the connection
    failed,   ///< something here
  };
  Reason reason = Reason::lost;
  std::string text;
  /// What it had of the run, if the connection was lost and it had taken part; else null.
  std::shared_ptr<const StateOfRun> state;
};

/// What a host has to say, in one line each.
using HostLines = std::function<void(const std::string&)>;

struct HostSessionSettings {
  runtime::Peer coordinator;
  std::string name;           ///< that people know the host by
  std::string version;        ///< of the program
  std::uint64_t process = 0;  ///< the same when it joins again
  std::uint32_t threads = 0;
  std::uint64_t memory = 0;  ///< bytes that the run may take here; 0: not known
  std::string address = {};  ///< where other hosts can connect to; empty: nowhere
  std::shared_ptr<const StateOfRun> held = {};  ///< of an earlier part; may be null
  /// Connects to another host, so that what is said to it need not pass the root. May be empty.
  std::function<Result<void>(const std::string& address)> link = {};
  std::chrono::milliseconds admission_timeout = std::chrono::seconds(30);
  /// The model of a host program; null: the GPT-2 that the root tells of.
  std::shared_ptr<const model::TrainedModel> trained = {};
  HostLines say;
  std::function<void(HostEnd)> on_end;  ///< called once, on a thread of the system
  lane_scheduler_actor lanes = {};      ///< handed over; null: it spawns `threads` of its own
  observer_actor observer = {};         ///< to be given with lanes
  std::function<std::uint64_t(const model::TrainedModel&, const model::TrainingConfig&)> self_test =
      actors::self_test;
};

/// somebody -> host_session: leave the run in order.
struct leave {};
/// host_session's timer.
struct admission_deadline {};

using host_session_actor =
    caf::typed_actor<Accepts<leave>, Accepts<admission_deadline>, Accepts<wire::refused>,
                     Accepts<wire::admitted>, Accepts<wire::run_file>, Accepts<wire::state_block>,
                     Accepts<wire::state_end>, Accepts<wire::missed_block>,
                     Accepts<wire::missed_end>, Accepts<wire::ended>, Accepts<wire::dismissed>>;

/// A host's side of a run: joins it, takes the state, and spawns what computes here. From then on
/// the exchange has the word; the session is what the coordinator watches, and watches it.
class host_session : public runtime::recorded<host_session_actor::base>,
                     public runtime::Explorable {
 public:
  host_session(caf::actor_config& config, HostSessionSettings settings);

  const char* name() const override { return "host_session"; }
  void on_exit() override;
  std::uint64_t state_digest(const runtime::ActorKeys& keys) const override;
  const char* state_name() const override;

 protected:
  behavior_type make_behavior() override;

 private:
  /// The sum of a step that others have done, on its way here.
  struct MissedSum {
    GradientLease sum;
    std::vector<double> squared_norms;
    std::size_t received = 0;
  };

  void take_settings(const wire::admitted& message);
  void turn_to_coordinator();
  void take_block(const wire::state_block& message);
  void take_end(const wire::state_end& message);
  void take_missed(const wire::missed_block& message);
  void take_missed_end(const wire::missed_end& message);
  void spawn_machine(const model::TrainingProgress& progress);
  void end(HostEnd::Reason reason, std::string text);
  void say_end(HostEnd end);
  void give_credit() { settings_.coordinator.send(*this, wire::credit{1}); }

  HostSessionSettings settings_;
  Observer observer_;  ///< of notices: spheres that were replaced
  std::uint64_t run_ = 0;
  std::uint32_t machine_ = 0;
  std::uint64_t self_test_ = 0;
  HostSettings told_;
  std::string model_;  ///< identity of the run's
  RunFiles files_;
  std::optional<IncomingState> incoming_;
  bool is_part_ = false;    ///< has the state and was announced as ready
  bool is_ending_ = false;  ///< and waits for what it leaves behind
  std::shared_ptr<GradientPool> gradients_;
  std::optional<MissedSum> missed_;
  Workers workers_;
  lane_scheduler_actor lanes_;
  optimizer_actor optimizer_;
  exchange_actor exchange_;
};

}  // namespace nodezero::actors

NODEZERO_LOCAL_MESSAGE(nodezero::actors::leave)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::admission_deadline)
