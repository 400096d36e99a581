// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/door.hpp"

#include <sys/socket.h>
#include <utility>

#include <fmt/format.h>

#include "actors/serving/api_error.hpp"
#include "actors/serving/connection.hpp"
#include "actors/serving/http_answer.hpp"

namespace nodezero::actors {

door::door(caf::actor_config& config, std::shared_ptr<Service> service, Callbacks callbacks)
    : broker(config), service_(std::move(service)), callbacks_(std::move(callbacks)) {}

void door::on_exit() {
  for (const auto& [address, connection] : connections_) {
    caf::anon_send_exit(connection, caf::exit_reason::kill);
  }
  connections_.clear();
  service_.reset();
  if (const auto closed = std::exchange(callbacks_.closed, nullptr)) {
    closed();
  }
}

caf::behavior door::make_behavior() {
  open();
  set_down_handler([this](const caf::down_msg& down) {
    connections_.erase(down.source);
    end_if_empty();
  });
  return {
      [this](const caf::io::new_connection_msg& message) { let_in(message.handle); },
      [this](const begin_serving& message) {
        service_->model = message.model;
        service_->lifecycle = message.lifecycle;
        service_->shelf = message.shelf;
      },
      [this](const drain&) { begin_drain(); },
      [this](const serving_tick&) {
        for (const auto& [address, connection] : connections_) {
          send(connection, cut{});
        }
      },
      [](const caf::io::acceptor_closed_msg&) {},
  };
}

void door::open() {
  const auto& options = service_->options;
  const auto result = add_tcp_doorman(options.port, options.address.c_str(), true);
  const auto opened = std::exchange(callbacks_.opened, nullptr);
  if (!result) {
    opened(fail(ErrorCode::io, fmt::format("{}:{} cannot be listened on: it is in use, or not an "
                                           "address of this machine",
                                           options.address, options.port)));
    quit();
    return;
  }
  socket_ = result->first;
  opened(result->second);
}

void door::let_in(caf::io::connection_handle handle) {
  if (service_->is_draining || connections_.size() >= service_->options.connections) {
    const ApiError error{503, "too many connections are open", "too_many_connections", ""};
    ++service_->counters.answers[error.status];
    const auto bytes =
        http_answer({.status = error.status, .more = "Retry-After: 1\r\n", .keeps_alive = false},
                    error.to_json());
    // Without waiting for anything, or those that are not let in would be as many as they like.
    static_cast<void>(::send(static_cast<int>(handle.id()), bytes.data(), bytes.size(),
                             MSG_DONTWAIT | MSG_NOSIGNAL));
    close(handle);
    return;
  }
  // As broker::fork, for a class.
  auto scribe = take(handle);
  caf::actor_config config{context()};
  const auto client =
      system().spawn_impl<connection, caf::no_spawn_options>(config, handle, service_);
  static_cast<connection*>(caf::actor_cast<caf::abstract_actor*>(client))
      ->move_scribe(std::move(scribe));
  monitor(client);
  connections_.emplace(client.address(), client);
}

void door::begin_drain() {
  if (std::exchange(service_->is_draining, true)) {
    return;
  }
  close(socket_);
  for (const auto& [address, connection] : connections_) {
    send(connection, drain{});
  }
  delayed_send(this, service_->options.drain_time, serving_tick{});
  end_if_empty();
}

void door::end_if_empty() {
  if (service_->is_draining && connections_.empty()) {
    quit();
  }
}

caf::actor spawn_door(caf::actor_system& system, std::shared_ptr<Service> service,
                      door::Callbacks callbacks) {
  caf::actor_config config{&system.middleman().backend()};
  return system.spawn_impl<door, caf::no_spawn_options>(config, std::move(service),
                                                        std::move(callbacks));
}

void allow_sockets(caf::actor_system_config& config) {
  config.load<caf::io::middleman>();
  // No threads beside the one that owns the sockets.
  config.set("middleman.attach-utility-actors", true);
  config.set("middleman.workers", std::size_t{0});
}

}  // namespace nodezero::actors
