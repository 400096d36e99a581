// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "actors/serving/broker.hpp"
#include "actors/serving/service.hpp"
#include "nodezero/error.hpp"

namespace nodezero::actors {

/// Owns the socket that clients connect to, and makes a connection of each that does. Beyond the
/// bound a client is told so and closed. `drain` closes the door: connections end when they have
/// answered, or when their time is up, and then the door ends.
class door : public broker {
 public:
  /// `opened` is told the port, or why there is none; `closed` that all connections have ended.
  /// Each is called at most once, in the thread that owns the sockets.
  struct Callbacks {
    std::function<void(Result<std::uint16_t>)> opened;
    std::function<void()> closed;
  };
  door(caf::actor_config& config, std::shared_ptr<Service> service, Callbacks callbacks);

  const char* name() const override { return "door"; }
  void on_exit() override;

 protected:
  caf::behavior make_behavior() override;

 private:
  void open();
  void let_in(caf::io::connection_handle handle);
  void begin_drain();
  void end_if_empty();

  std::shared_ptr<Service> service_;
  Callbacks callbacks_;
  caf::io::accept_handle socket_;
  std::map<caf::actor_addr, caf::actor> connections_;
};

/// Spawns a door in a system with sockets (allow_sockets).
caf::actor spawn_door(caf::actor_system& system, std::shared_ptr<Service> service,
                      door::Callbacks callbacks);

/// Lets a system that is made with this configuration have sockets, and a thread that owns them.
void allow_sockets(caf::actor_system_config& config);

}  // namespace nodezero::actors
