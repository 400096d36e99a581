// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/network/tunnel.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <utility>

#include <fmt/format.h>

namespace nodezero::runtime::network {
namespace {

using Clock = std::chrono::steady_clock;

/// How long nobody is let in once descriptors or memory have run out.
constexpr auto pause_at_the_door = std::chrono::milliseconds(20);

std::string name_of(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* const bytes =
      address.ss_family == AF_INET6
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr)
          : &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  return ::inet_ntop(address.ss_family, bytes, text.data(), text.size()) == nullptr ? "?"
                                                                                    : text.data();
}

/// What a failed handshake means to people.
std::string words_of_failure() {
  const auto code = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(code);
  const bool is_other_secret =
      ERR_GET_LIB(code) == ERR_LIB_SSL &&
      (reason == SSL_R_CERTIFICATE_VERIFY_FAILED || reason == SSL_R_TLSV1_ALERT_UNKNOWN_CA ||
       reason == SSL_R_TLSV1_ALERT_DECRYPT_ERROR || reason == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE);
  const std::string words = last_ssl_error();
  return is_other_secret ? "not this run's secret" : words;
}

}  // namespace

Tunnel::Tunnel(Identity identity, TunnelLimits limits)
    : identity_(std::move(identity)),
      limits_(limits),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Tunnel::~Tunnel() {
  close();
}

void Tunnel::listen(FileHandle socket, OnConnection on_connection, OnRefusal on_refusal) {
  listener_ = std::move(socket);
  on_connection_ = std::move(on_connection);
  on_refusal_ = std::move(on_refusal);
}

void Tunnel::start() {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "nodezero.tunnel");
    // A peer that has gone is an error of a write, never a signal.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    serve();
  });
}

void Tunnel::close() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
  }
  ::eventfd_write(wake_.get(), 1);
  if (thread_.joinable()) {
    thread_.join();
  }
}

Result<std::pair<FileHandle, FileHandle>> Tunnel::local_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return fail(ErrorCode::io, "no local sockets are left");
  }
  for (const int end : ends) {
    const int size = 1 << 20;  // some blocks, which else would cross in many small pieces
    ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }
  return std::pair(FileHandle(ends[0]), FileHandle(ends[1]));
}

/// After the handshake, so that strangers take no memory.
void Tunnel::give_buffers(Connection& connection) {
  constexpr std::size_t at_once = std::size_t{128} << 10U;  // from the socket
  SSL_set_read_ahead(connection.tls.get(), 1);
  SSL_set_default_read_buffer_len(connection.tls.get(), at_once);
  connection.inwards.bytes.resize(buffer_size);
  connection.outwards.bytes.resize(buffer_size);
}

Result<FileHandle> Tunnel::connect(const Endpoint& endpoint, std::chrono::milliseconds timeout) {
  const auto until = Clock::now() + timeout;
  auto socket = connect_to(endpoint, timeout);
  if (!socket) {
    return socket;
  }
  Connection connection;
  connection.who = to_string(endpoint);
  connection.tls.reset(SSL_new(identity_.client.get()));
  SSL_set_fd(connection.tls.get(), socket->get());
  for (;;) {
    ERR_clear_error();
    const int result = SSL_connect(connection.tls.get());
    if (result == 1) {
      break;
    }
    const int wanted = SSL_get_error(connection.tls.get(), result);
    if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE) {
      return fail(ErrorCode::io, fmt::format("{} does not let this host in: {}", connection.who,
                                             words_of_failure()));
    }
    if (!wait_for(*socket, wanted == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until)) {
      return fail(ErrorCode::io, fmt::format("{} does not answer", connection.who));
    }
  }
  auto pair = local_pair();
  if (!pair) {
    return tl::unexpected(pair.error());
  }
  sockaddr_storage local{};
  socklen_t size = sizeof local;
  if (::getsockname(socket->get(), reinterpret_cast<sockaddr*>(&local), &size) == 0) {
    last_local_address_ = name_of(local);
  }
  connection.socket = std::move(*socket);
  connection.local = std::move(pair->first);
  give_buffers(connection);
  {
    const std::lock_guard lock(mutex_);
    arrived_.push_back(std::move(connection));
  }
  ::eventfd_write(wake_.get(), 1);
  return std::move(pair->second);
}

// -- the thread ------------------------------------------------------------------------------

void Tunnel::serve() {
  std::vector<pollfd> entries;
  std::optional<Clock::time_point> closing_until;
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      connections_.splice(connections_.end(), arrived_);
      if (is_closing_ && !closing_until) {
        // CAF's end closes when it has said what it had to say.
        closing_until = Clock::now() + std::chrono::milliseconds(500);
        listener_ = {};
      }
    }
    std::erase_if(connections_, [](const Connection& each) { return each.is_over; });
    if (closing_until && (connections_.empty() || Clock::now() > *closing_until)) {
      connections_.clear();
      return;
    }
    const bool accepts = listener_ && Clock::now() >= accept_after_;
    entries.assign({{wake_.get(), POLLIN, 0}, {accepts ? listener_.get() : -1, POLLIN, 0}});
    int timeout_ms = closing_until || (listener_ && !accepts) ? 10 : -1;
    for (const auto& each : connections_) {
      timeout_ms = each.has_more ? 0 : timeout_ms;
      short socket_events = each.wants_write ? POLLOUT : 0;
      short local_events = 0;
      if (!each.local) {
        socket_events |= each.wants_write ? 0 : POLLIN;
        timeout_ms = timeout_ms < 0 ? 100 : timeout_ms;  // its deadline is looked at
      } else {
        socket_events |= each.inwards.is_empty() ? POLLIN : 0;
        local_events |= each.inwards.is_empty() ? 0 : POLLOUT;
        local_events |= each.outwards.is_empty() && !each.local_has_ended ? POLLIN : 0;
      }
      entries.push_back({each.socket.get(), socket_events, 0});
      entries.push_back({each.local ? each.local.get() : -1, local_events, 0});
    }
    ::poll(entries.data(), entries.size(), timeout_ms);
    eventfd_t ignored = 0;
    ::eventfd_read(wake_.get(), &ignored);
    auto entry = entries.begin() + 2;
    for (auto& each : connections_) {
      const bool has_news = entry[0].revents != 0 || entry[1].revents != 0 || each.has_more;
      entry += 2;
      if (!each.local) {
        shake_hands(each);
      } else if (has_news) {
        carry(each);
      }
    }
    if (accepts && entries[1].revents != 0) {
      accept_some();
    }
  }
}

void Tunnel::accept_some() {
  for (int i = 0; i < 16; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    FileHandle socket(::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size,
                                SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        // Who waits at the door cannot be let in; a while later perhaps. Others go on meanwhile.
        accept_after_ = Clock::now() + pause_at_the_door;
      }
      return;
    }
    const auto handshakes = static_cast<std::size_t>(
        std::ranges::count_if(connections_, [](const Connection& each) { return !each.local; }));
    if (handshakes >= limits_.handshakes || connections_.size() >= limits_.connections) {
      continue;
    }
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Connection connection;
    connection.who = name_of(address);
    connection.deadline = Clock::now() + limits_.handshake;
    connection.tls.reset(SSL_new(identity_.server.get()));
    SSL_set_fd(connection.tls.get(), socket.get());
    connection.socket = std::move(socket);
    connections_.push_back(std::move(connection));
  }
}

void Tunnel::shake_hands(Connection& connection) {
  const auto refuse = [&](const std::string& why) {
    connection.is_over = true;
    if (on_refusal_) {
      on_refusal_(connection.who, why);
    }
  };
  ERR_clear_error();
  const int result = SSL_accept(connection.tls.get());
  if (result == 1) {
    auto pair = local_pair();
    if (!pair) {
      refuse(pair.error().message);
      return;
    }
    connection.wants_write = false;
    connection.local = std::move(pair->first);
    give_buffers(connection);
    on_connection_(std::move(pair->second));
    return;
  }
  const int wanted = SSL_get_error(connection.tls.get(), result);
  connection.wants_write = wanted == SSL_ERROR_WANT_WRITE;
  if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE) {
    refuse(words_of_failure());
  } else if (Clock::now() > connection.deadline) {
    refuse("it says nothing");
  }
}

void Tunnel::carry(Connection& connection) {
  connection.wants_write = false;
  // TLS may hold bytes that no socket will tell of, so it is asked until it has none; after a while
  // it is the others' turn.
  connection.has_more = true;
  for (int i = 0; i < 32 && connection.has_more && !connection.is_over; ++i) {
    const bool has_come = carry_inwards(connection);
    connection.has_more = carry_outwards(connection) || has_come;
  }
  if (connection.local_has_ended && connection.outwards.is_empty()) {
    SSL_shutdown(connection.tls.get());
    connection.is_over = true;
  }
}

/// True if something moved.
bool Tunnel::carry_inwards(Connection& connection) {
  Buffer& buffer = connection.inwards;
  bool has_moved = false;
  if (buffer.is_empty()) {
    ERR_clear_error();
    // A record has 16 KiB at most, and the local socket takes many at once.
    buffer.begin = buffer.end = 0;
    int size = 1;
    while (size > 0 && buffer.end < buffer_size) {
      size = SSL_read(connection.tls.get(), &buffer.bytes[buffer.end],
                      static_cast<int>(buffer_size - buffer.end));
      buffer.end += static_cast<std::size_t>(std::max(size, 0));
    }
    has_moved = buffer.end > 0;
    if (size <= 0) {
      const int wanted = SSL_get_error(connection.tls.get(), size);
      connection.wants_write |= wanted == SSL_ERROR_WANT_WRITE;
      connection.is_over |= wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE;
    }
  }
  if (!buffer.is_empty()) {
    const auto size = ::send(connection.local.get(), &buffer.bytes[buffer.begin],
                             buffer.end - buffer.begin, MSG_NOSIGNAL);
    if (size > 0) {
      buffer.begin += static_cast<std::size_t>(size);
      has_moved = true;
    } else if (errno != EAGAIN && errno != EINTR) {
      connection.is_over = true;
    }
  }
  return has_moved;
}

bool Tunnel::carry_outwards(Connection& connection) {
  Buffer& buffer = connection.outwards;
  bool has_moved = false;
  if (buffer.is_empty() && !connection.local_has_ended) {
    const auto size = ::recv(connection.local.get(), buffer.bytes.data(), buffer_size, 0);
    if (size > 0) {
      buffer.begin = 0;
      buffer.end = static_cast<std::size_t>(size);
      has_moved = true;
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
      connection.local_has_ended = true;
    }
  }
  if (!buffer.is_empty()) {
    ERR_clear_error();
    const int size = SSL_write(connection.tls.get(), &buffer.bytes[buffer.begin],
                               static_cast<int>(buffer.end - buffer.begin));
    if (size > 0) {
      buffer.begin += static_cast<std::size_t>(size);
      has_moved = true;
    } else {
      const int wanted = SSL_get_error(connection.tls.get(), size);
      connection.wants_write |= wanted == SSL_ERROR_WANT_WRITE;
      connection.is_over |= wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE;
    }
  }
  return has_moved;
}

}  // namespace nodezero::runtime::network
