// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>

#include "actors/run/companion.hpp"
#include "actors/serving/served_model.hpp"

namespace nodezero::actors {

/// Serves the model of a run while it trains: every request passes the run's lifecycle.
class RunServer : public Companion {
 public:
  RunServer(ServedModel model, ServingOptions options);
  ~RunServer() override;

  /// After start().
  std::uint16_t port() const;
  /// As ModelServer::drain. From any thread, once the run exists and before it ends.
  void drain();

  std::size_t workers() const override { return 1; }
  void configure(caf::actor_system_config& config) override;
  Result<void> start(caf::actor_system& system, const RunActors& actors) override;
  /// Drains, and waits until all connections have ended.
  void end() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nodezero::actors
