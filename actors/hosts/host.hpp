// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <string>

#include "actors/hosts/host_session.hpp"
#include "runtime/network_access.hpp"

namespace nodezero::actors {

struct HostOfRunSettings {
  std::shared_ptr<runtime::NetworkAccess> network;
  std::string name;
  std::string version;
  std::uint64_t process = 0;
  std::uint32_t threads = 0;
  std::uint64_t memory = 0;
  HostLines say;
};

/// A host's part in one run as plain calls: owns the actor system, its lanes and its tree.
class Host {
 public:
  /// @throws std::runtime_error if its threads cannot be started
  explicit Host(HostOfRunSettings settings);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  /// Asks the root at that address to let it take part. Fails if it cannot be reached.
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
