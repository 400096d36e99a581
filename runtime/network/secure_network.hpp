// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "runtime/network/endpoint.hpp"
#include "runtime/network/tunnel.hpp"
#include "runtime/network_access.hpp"

namespace nodezero::runtime::network {

struct SecureNetworkSettings {
  Endpoint listen = {};  ///< where `publish` lets others connect
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
  /// Without a whole message for so long a connection is taken for dead. It must bear two
  /// retransmissions of TCP and a block of 256 KiB on the slowest link.
  std::chrono::milliseconds host_timeout = std::chrono::seconds(5);
  TunnelLimits limits = {};
  Tunnel::OnRefusal on_refusal = {};
};

/// CAF's network layer behind a tunnel: CAF speaks to its peers through pairs of local sockets, of
/// which the tunnel has the other ends.
class SecureNetwork : public NetworkAccess {
 public:
  SecureNetwork(Identity identity, SecureNetworkSettings settings);
  ~SecureNetwork() override;

  void configure(caf::actor_system_config& config) override;
  Result<std::string> publish(caf::actor_system& system,
                              const caf::strong_actor_ptr& actor) override;
  Result<caf::strong_actor_ptr> connect(caf::actor_system& system,
                                        const std::string& address) override;
  std::string own_address() const override;
  void close() override;

 private:
  class Door;

  SecureNetworkSettings settings_;
  Tunnel tunnel_;
  bool is_started_ = false;
  std::optional<Endpoint> published_;
  std::unique_ptr<Door> door_;
  FileHandle to_doorman_;
};

}  // namespace nodezero::runtime::network
