// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>

#include "actors/hosts/host_session.hpp"
#include "runtime/actor_trace.hpp"
#include "runtime/network_access.hpp"

namespace nodezero::actors {

struct HostOfRunSettings {
  std::shared_ptr<runtime::NetworkAccess> network;
  std::string name;
  std::string version;
  std::uint64_t process = 0;
  std::uint32_t threads = 0;
  std::uint64_t memory = 0;
  std::shared_ptr<const model::TrainedModel> trained;  ///< of a host program; may be null
  std::shared_ptr<const StateOfRun> held;              ///< of an earlier part in a run; may be null
  HostLines say;
  /// Called with an address if the run goes on there; on a thread of the system. May be empty.
  std::function<void(const std::string&)> on_moved;
  runtime::trace::Recorder* recorder = nullptr;  ///< of its actors; outlives it; may be null
};

/// A host's part in one run as plain calls: owns the actor system, its lanes and its tree.
class Host {
 public:
  /// @throws std::runtime_error if its threads cannot be started
  explicit Host(HostOfRunSettings settings);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  /// Lets others connect: hosts, and whoever wants the state that this one holds. To be called
  /// once.
  Result<void> open();
  /// Asks the root at that address to let it take part. Fails if it cannot be reached, and may be
  /// tried again then.
  Result<void> connect(const std::string& address);
  /// Waits until its part has ended.
  HostEnd wait();
  /// Asks it to leave in order; from any thread.
  void leave();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nodezero::actors
