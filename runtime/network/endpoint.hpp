// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "nodezero/error.hpp"
#include "runtime/network/file_handle.hpp"

namespace nodezero::runtime::network {

inline constexpr std::uint16_t default_port = 4'720;

/// Where a process listens.
struct Endpoint {
  std::string host;
  std::uint16_t port = default_port;
};

/// "name", "name:port", "1.2.3.4:port", "[::1]:port", or ":port" for all addresses of this machine.
Result<Endpoint> parse_endpoint(const std::string& text);

/// In a run's folder: where it listens.
inline constexpr auto address_file = "root.address";
/// An endpoint, or the folder of a run that listens. not_found if the folder does not say where
/// yet.
Result<Endpoint> find_endpoint(const std::string& text);

/// With this machine's name for an endpoint that stands for all of its addresses.
Endpoint as_others_see_it(Endpoint endpoint);
std::string to_string(const Endpoint& endpoint);

/// A socket that listens there, without blocking.
Result<FileHandle> listen_at(const Endpoint& endpoint);
/// The port that a socket has.
std::uint16_t port_of(const FileHandle& socket);
/// Connects within the time; the socket does not block. not_found if nobody listens there.
Result<FileHandle> connect_to(const Endpoint& endpoint, std::chrono::milliseconds timeout);
/// Waits until the socket can be read or written.
bool wait_for(const FileHandle& socket, short events, std::chrono::steady_clock::time_point until);

}  // namespace nodezero::runtime::network
