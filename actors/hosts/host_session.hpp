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
#include "actors/run/assembly.hpp"
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
  /// Connects to another host, so that what is said to it need not pass the root. May be empty.
  std::function<Result<void>(const std::string& address)> link = {};
  std::chrono::milliseconds admission_timeout = std::chrono::seconds(30);
  HostLines say;
  std::function<void(HostEnd)> on_end;  ///< called once, on a thread of the system
};

/// somebody -> host_session: leave the run in order.
struct leave {};
/// host_session's timer.
struct admission_deadline {};

using host_session_actor =
    caf::typed_actor<Accepts<leave>, Accepts<admission_deadline>, Accepts<wire::refused>,
                     Accepts<wire::admitted>, Accepts<wire::state_block>, Accepts<wire::state_end>,
                     Accepts<wire::ended>, Accepts<wire::dismissed>>;

/// A host's side of a run: joins it, takes the state, and spawns what computes here. From then on
/// the exchange has the word; the session is what the coordinator watches, and watches it.
class host_session : public runtime::recorded<host_session_actor::base> {
 public:
  host_session(caf::actor_config& config, HostSessionSettings settings);

  const char* name() const override { return "host_session"; }
  void on_exit() override;

 protected:
  behavior_type make_behavior() override;

 private:
  /// The state on its way here.
  struct Incoming {
    HostSettings told;
    std::shared_ptr<const model::TrainedModel> trained;
    std::shared_ptr<model::Parameters> weights;
    std::shared_ptr<model::OptimizerState> state;
    std::size_t blocks = 0;    ///< of each set
    std::size_t received = 0;  ///< of all three
    model::TensorSet& set(std::uint32_t number) {
      return number == 0 ? *weights : number == 1 ? state->first_moment : state->second_moment;
    }
  };

  void take_settings(const wire::admitted& message);
  void take_block(const wire::state_block& message);
  void take_end(const wire::state_end& message);
  void spawn_machine(const Envelope& here);
  void end(HostEnd::Reason reason, std::string text);

  HostSessionSettings settings_;
  Observer observer_;  ///< of notices: spheres that were replaced
  std::uint64_t run_ = 0;
  std::uint32_t machine_ = 0;
  std::uint64_t self_test_ = 0;
  std::optional<Incoming> incoming_;
  bool is_part_ = false;  ///< has the state and was announced as ready
  Workers workers_;
  lane_scheduler_actor lanes_;
  optimizer_actor optimizer_;
  exchange_actor exchange_;
};

}  // namespace nodezero::actors

NODEZERO_LOCAL_MESSAGE(nodezero::actors::leave)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::admission_deadline)
