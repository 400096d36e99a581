// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runtime/network/endpoint.hpp"
#include "runtime/network/identity.hpp"

namespace nodezero::runtime::network {

/// Bounds on what strangers may cost.
struct TunnelLimits {
  std::chrono::milliseconds handshake = std::chrono::seconds(5);
  std::size_t handshakes = 64;      ///< at a time; who comes beside them is sent away
  std::size_t connections = 1'024;  ///< at a time
};

/// The only way in and out of this process. A thread of its own owns the listening socket, finishes
/// a mutual TLS handshake with whoever connects, and carries what a connection says to one end of a
/// pair of local sockets. CAF has the other end: no byte of a stranger reaches its parser, and it
/// opens no port.
class Tunnel {
 public:
  /// CAF's end of a new connection, on the tunnel's thread.
  using OnConnection = std::function<void(FileHandle)>;
  /// Somebody was sent away: who, and why; on the tunnel's thread.
  using OnRefusal = std::function<void(const std::string& who, const std::string& why)>;

  Tunnel(Identity identity, TunnelLimits limits = {});
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  /// Lets others connect. To be called once, before `start`.
  void listen(FileHandle socket, OnConnection on_connection, OnRefusal on_refusal);
  /// Starts the thread. @throws std::system_error if that cannot be
  void start();
  /// Connects and finishes the handshake within the time, in the calling thread. The result is
  /// CAF's end.
  Result<FileHandle> connect(const Endpoint& endpoint, std::chrono::milliseconds timeout);
  /// This machine's address in the last connection that `connect` has made; by the thread that made
  /// it.
  const std::string& last_local_address() const { return last_local_address_; }
  /// Has the thread close all connections after what has been said so far was carried, and ends it.
  void close();

 private:
  static constexpr std::size_t buffer_size = std::size_t{256} << 10U;

  /// Bytes on their way in one direction.
  struct Buffer {
    std::vector<unsigned char> bytes;  ///< strangers get none
    std::size_t begin = 0;
    std::size_t end = 0;
    bool is_empty() const { return begin == end; }
  };
  struct Connection {
    FileHandle socket;
    SslConnection tls;
    FileHandle local;  ///< our end of the pair, once the handshake is done
    std::chrono::steady_clock::time_point deadline;  ///< of the handshake
    std::string who;
    Buffer inwards;
    Buffer outwards;
    bool wants_write = false;  ///< TLS waits until it can write
    bool has_more = false;     ///< there was more to carry when its turn was over
    bool local_has_ended = false;
    bool is_over = false;
  };

  void serve();
  void accept_some();
  void shake_hands(Connection& connection);
  void carry(Connection& connection);
  bool carry_inwards(Connection& connection);
  bool carry_outwards(Connection& connection);
  static Result<std::pair<FileHandle, FileHandle>> local_pair();
  static void give_buffers(Connection& connection);

  Identity identity_;
  TunnelLimits limits_;
  FileHandle listener_;
  OnConnection on_connection_;
  OnRefusal on_refusal_;
  FileHandle wake_;
  std::string last_local_address_;
  std::thread thread_;

  std::mutex mutex_;  ///< guards what follows
  std::list<Connection> arrived_;
  bool is_closing_ = false;

  // The thread's alone:
  std::list<Connection> connections_;
  std::chrono::steady_clock::time_point accept_after_;  ///< nobody is let in before
};

}  // namespace nodezero::runtime::network
