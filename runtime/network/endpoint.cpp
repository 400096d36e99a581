// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/network/endpoint.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

namespace nodezero::runtime::network {
namespace {

struct AddressesDeleter {
  void operator()(addrinfo* addresses) const { ::freeaddrinfo(addresses); }
};
using Addresses = std::unique_ptr<addrinfo, AddressesDeleter>;

Result<Addresses> resolve(const Endpoint& endpoint, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(endpoint.host.empty() ? nullptr : endpoint.host.c_str(),
                                  std::to_string(endpoint.port).c_str(), &hints, &found);
  if (error != 0) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: {}", to_string(endpoint), ::gai_strerror(error)));
  }
  return Addresses(found);
}

void set(const FileHandle& socket, int level, int option) {
  const int on = 1;
  ::setsockopt(socket.get(), level, option, &on, sizeof on);
}

FileHandle socket_for(const addrinfo& address) {
  return FileHandle(
      ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol));
}

}  // namespace

Result<Endpoint> parse_endpoint(const std::string& text) {
  Endpoint endpoint;
  std::string port;
  const auto bracket = text.find(']');
  const auto colon = text.rfind(':');
  if (text.starts_with('[') && bracket != std::string::npos) {
    endpoint.host = text.substr(1, bracket - 1);
    if (bracket + 1 < text.size()) {
      port = text[bracket + 1] == ':' ? text.substr(bracket + 2) : "?";
    }
  } else if (colon != std::string::npos && text.find(':') == colon) {
    endpoint.host = text.substr(0, colon);
    port = text.substr(colon + 1);
  } else {
    endpoint.host = text;
  }
  if (text.ends_with(':') || (endpoint.host.empty() && port.empty()) ||
      endpoint.host.find_first_of("[]") != std::string::npos) {
    port = "?";
  }
  if (!port.empty()) {
    const auto [end, error] =
        std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (error != std::errc() || end != port.data() + port.size()) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("'{}' is not an address: give HOST:PORT, such as 0.0.0.0:{}", text,
                              default_port));
    }
  }
  return endpoint;
}

Result<Endpoint> find_endpoint(const std::string& text) {
  // No address has a slash, and a folder may be about to be made.
  if (text.find('/') == std::string::npos && !std::filesystem::is_directory(text)) {
    return parse_endpoint(text);
  }
  std::ifstream file(std::filesystem::path(text) / address_file);
  std::string line;
  if (!std::getline(file, line)) {
    return fail(ErrorCode::not_found, fmt::format("nothing listens for hosts in '{}' yet", text));
  }
  return parse_endpoint(line);
}

Endpoint as_others_see_it(Endpoint endpoint) {
  std::array<char, 256> name{};
  const bool is_any = endpoint.host.empty() || endpoint.host == "0.0.0.0" || endpoint.host == "::";
  if (is_any && ::gethostname(name.data(), name.size() - 1) == 0) {
    endpoint.host = name.data();
  }
  return endpoint;
}

std::string to_string(const Endpoint& endpoint) {
  const bool is_v6 = endpoint.host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", endpoint.host, endpoint.port)
               : fmt::format("{}:{}", endpoint.host, endpoint.port);
}

Result<FileHandle> listen_at(const Endpoint& endpoint) {
  const auto addresses = resolve(endpoint, AI_PASSIVE);
  if (!addresses) {
    return tl::unexpected(addresses.error());
  }
  int error = EADDRNOTAVAIL;
  for (const addrinfo* address = addresses->get(); address != nullptr; address = address->ai_next) {
    FileHandle socket = socket_for(*address);
    set(socket, SOL_SOCKET, SO_REUSEADDR);
    constexpr int backlog = 64;
    if (socket && ::bind(socket.get(), address->ai_addr, address->ai_addrlen) == 0 &&
        ::listen(socket.get(), backlog) == 0) {
      return socket;
    }
    error = errno;
  }
  return fail(ErrorCode::io,
              fmt::format("cannot listen at {}: {}", to_string(endpoint), std::strerror(error)));
}

std::uint16_t port_of(const FileHandle& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return 0;
  }
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

bool wait_for(const FileHandle& socket, short events, std::chrono::steady_clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd entry{socket.get(), events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready >= 0 || errno != EINTR) {
      return ready > 0;
    }
  }
}

Result<FileHandle> connect_to(const Endpoint& endpoint, std::chrono::milliseconds timeout) {
  const auto addresses = resolve(endpoint, 0);
  if (!addresses) {
    return tl::unexpected(addresses.error());
  }
  const auto until = std::chrono::steady_clock::now() + timeout;
  std::string why = "no address";
  ErrorCode code = ErrorCode::io;
  for (const addrinfo* address = addresses->get(); address != nullptr; address = address->ai_next) {
    FileHandle socket = socket_for(*address);
    int error = 0;
    if (::connect(socket.get(), address->ai_addr, address->ai_addrlen) != 0) {
      error = errno;
      if (error == EINPROGRESS) {
        socklen_t size = sizeof error;
        if (!wait_for(socket, POLLOUT, until)) {
          why = "no answer";
          continue;
        }
        ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      }
    }
    if (error == 0) {
      set(socket, IPPROTO_TCP, TCP_NODELAY);
      return socket;
    }
    why = std::strerror(error);
    code = error == ECONNREFUSED ? ErrorCode::not_found : code;
  }
  return fail(code, fmt::format("cannot connect to {}: {}", to_string(endpoint), why));
}

}  // namespace nodezero::runtime::network
