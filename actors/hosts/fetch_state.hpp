// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "actors/hosts/state_of_run.hpp"
#include "runtime/network_access.hpp"

namespace nodezero::actors {

struct FetchSettings {
  std::shared_ptr<runtime::NetworkAccess> network;
  std::string host;  ///< the address of one that has lost its root
  /// How long nothing may come.
  std::chrono::seconds patience{30};
  /// How long it may take until the host listens.
  std::chrono::seconds until_it_listens{10};
};

/// Gets the state of a run from one of its hosts, to go on with it here. Tells that host where, if
/// the network knows at what address others can connect to this process. Fails if the host cannot
/// be reached, has no state, or is lost on the way.
Result<StateOfRun> fetch_state(const FetchSettings& settings);

}  // namespace nodezero::actors
