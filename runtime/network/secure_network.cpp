// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/network/secure_network.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <sys/socket.h>
#include <utility>

#include <fmt/format.h>

#include "runtime/network/caf_io.hpp"

namespace nodezero::runtime::network {
namespace {

namespace io = caf::io;

/// Whatever a process waits for, the other one may wait less long.
constexpr std::chrono::milliseconds heartbeat{500};

/// "Accepts" what the tunnel hands over: descriptors of this process, as numbers on a local socket.
struct HandedOver {
  static bool try_accept(io::network::native_socket& result, io::network::native_socket socket) {
    int descriptor = -1;
    const auto size = ::recv(socket, &descriptor, sizeof descriptor, MSG_DONTWAIT);
    result = size == sizeof descriptor ? descriptor : io::network::invalid_native_socket;
    return size != 0;
  }
};

/// What CAF has for a listening socket.
class Doorman : public io::doorman {
 public:
  Doorman(io::network::default_multiplexer& multiplexer, int socket)
      : doorman(io::accept_handle::from_int(socket)), acceptor_(multiplexer, socket) {}

  bool new_connection() override {
    if (detached()) {
      return false;
    }
    auto& multiplexer = acceptor_.backend();
    auto scribe = multiplexer.new_scribe(acceptor_.accepted_socket());
    const auto handle = scribe->hdl();
    parent()->add_scribe(std::move(scribe));
    return doorman::new_connection(&multiplexer, handle);
  }
  void graceful_shutdown() override {
    acceptor_.graceful_shutdown();
    detach(&acceptor_.backend(), false);
  }
  void launch() override { acceptor_.start(this); }
  std::string addr() const override { return "tunnel"; }
  std::uint16_t port() const override { return 1; }
  void add_to_loop() override { acceptor_.activate(this); }
  void remove_from_loop() override { acceptor_.passivate(); }

 private:
  io::network::acceptor_impl<HandedOver> acceptor_;
};

/// CAF's middleman, but its connections and its listening socket come from the tunnel: "host" and
/// "port" are the number of a descriptor, and one that tells it from earlier ones.
class TunnelledMiddleman : public io::middleman_actor_impl {
 public:
  using middleman_actor_impl::middleman_actor_impl;

 protected:
  caf::expected<io::scribe_ptr> connect(const std::string& host, std::uint16_t) override {
    return system().middleman().backend().new_scribe(std::stoi(host));
  }
  caf::expected<io::doorman_ptr> open(std::uint16_t, const char* address, bool) override {
    auto& multiplexer =
        dynamic_cast<io::network::default_multiplexer&>(system().middleman().backend());
    return io::doorman_ptr(caf::make_counted<Doorman>(multiplexer, std::stoi(address)));
  }
};

Result<std::pair<FileHandle, FileHandle>> datagram_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return fail(ErrorCode::io, "no local sockets are left");
  }
  return std::pair(FileHandle(ends[0]), FileHandle(ends[1]));
}

}  // namespace

/// The middleman of one system.
class SecureNetwork::Door {
 public:
  explicit Door(caf::actor_system& system)
      : self_(system),
        middleman_(
            caf::actor_cast<io::middleman_actor>(system.spawn<TunnelledMiddleman, caf::hidden>(
                system.middleman().named_broker<io::basp_broker>(caf::atom("BASP"))))) {}
  ~Door() { self_->send_exit(middleman_, caf::exit_reason::kill); }

  caf::error publish(int socket, const caf::strong_actor_ptr& actor) {
    caf::error failed;
    self_
        ->request(middleman_, timeout, caf::publish_atom::value, std::uint16_t{1}, actor,
                  std::set<std::string>(), std::to_string(socket), false)
        .receive([](std::uint16_t) {}, [&](caf::error& error) { failed = std::move(error); });
    return failed;
  }

  caf::expected<caf::strong_actor_ptr> connect(int socket) {
    caf::expected<caf::strong_actor_ptr> result{caf::sec::cannot_connect_to_node};
    self_
        ->request(middleman_, timeout, caf::connect_atom::value, std::to_string(socket),
                  ++connections_)
        .receive([&](caf::node_id&, caf::strong_actor_ptr& actor,
                     std::set<std::string>&) { result = std::move(actor); },
                 [&](caf::error& error) { result = std::move(error); });
    return result;
  }

 private:
  static constexpr auto timeout = std::chrono::seconds(10);

  caf::scoped_actor self_;
  io::middleman_actor middleman_;
  std::uint16_t connections_ = 0;
};

SecureNetwork::SecureNetwork(Identity identity, SecureNetworkSettings settings)
    : settings_(std::move(settings)), tunnel_(std::move(identity), settings_.limits) {}

SecureNetwork::~SecureNetwork() = default;

void SecureNetwork::configure(caf::actor_system_config& config) {
  config.load<io::middleman>();
  config.set("middleman.heartbeat-interval",
             caf::timespan(std::min(heartbeat, settings_.host_timeout / 10)));
  config.set("middleman.connection-timeout", caf::timespan(settings_.host_timeout));
  config.set("middleman.attach-utility-actors", true);
  config.set("middleman.workers", std::size_t{0});
}

Result<std::string> SecureNetwork::publish(caf::actor_system& system,
                                           const caf::strong_actor_ptr& actor) {
  auto socket = listen_at(settings_.listen);
  auto pair = datagram_pair();
  if (!socket || !pair) {
    return tl::unexpected(socket ? pair.error() : socket.error());
  }
  published_ = Endpoint{settings_.listen.host, port_of(*socket)};
  door_ = std::make_unique<Door>(system);
  to_doorman_ = std::move(pair->first);
  if (const auto error = door_->publish(pair->second.release(), actor)) {
    return fail(ErrorCode::io, "CAF does not listen: " + system.render(error));
  }
  tunnel_.listen(
      std::move(*socket),
      [this](FileHandle connection) {
        const int descriptor = connection.get();
        if (::send(to_doorman_.get(), &descriptor, sizeof descriptor, MSG_NOSIGNAL) ==
            sizeof descriptor) {
          connection.release();
        }
      },
      settings_.on_refusal);
  tunnel_.start();
  is_started_ = true;
  return to_string(as_others_see_it(*published_));
}

Result<caf::strong_actor_ptr> SecureNetwork::connect(caf::actor_system& system,
                                                     const std::string& address) {
  const auto endpoint = parse_endpoint(address);
  if (!endpoint) {
    return tl::unexpected(endpoint.error());
  }
  if (!std::exchange(is_started_, true)) {
    tunnel_.start();
  }
  if (!door_) {
    door_ = std::make_unique<Door>(system);
  }
  auto connection = tunnel_.connect(*endpoint, settings_.connect_timeout);
  if (!connection) {
    return tl::unexpected(connection.error());
  }
  auto actor = door_->connect(connection->release());
  if (!actor || !*actor) {
    return fail(ErrorCode::io, fmt::format("{} does not speak CAF's protocol: {}", address,
                                           actor ? "nothing there" : system.render(actor.error())));
  }
  return std::move(*actor);
}

std::string SecureNetwork::own_address() const {
  const Endpoint own = published_.value_or(settings_.listen);
  if (own.port == 0) {
    return "";
  }
  const bool is_any = as_others_see_it(own).host != own.host;
  const auto local = tunnel_.last_local_address();
  return to_string(is_any && !local.empty() ? Endpoint{local, own.port} : as_others_see_it(own));
}

void SecureNetwork::close() {
  tunnel_.close();
  door_.reset();
}

}  // namespace nodezero::runtime::network
