// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "actors/hosts/host.hpp"
#include "runtime/network/endpoint.hpp"
#include "runtime/network/identity.hpp"

namespace nodezero::actors {

struct LenderSettings {
  std::string root;  ///< its address, or the folder of its run on a shared disk
  std::function<Result<runtime::network::Identity>()> identity;
  runtime::network::Endpoint listen = {.host = "", .port = 0};  ///< for other hosts
  std::string name;                                             ///< empty: this machine's
  std::uint32_t threads = 0;                                    ///< 0: all cores
  std::uint64_t memory = 0;        ///< bytes that the run may take here; 0: not known
  std::chrono::seconds wait{600};  ///< for a root that is not there
  std::chrono::milliseconds host_timeout = std::chrono::seconds(5);
  std::shared_ptr<const model::TrainedModel> trained = {};  ///< of a host program; may be null
  HostLines say;
  /// Makes what the nth part in a run is recorded by. May be empty.
  std::function<std::unique_ptr<runtime::trace::Recorder>(std::uint32_t part)> record = {};
};

/// A machine that is lent: takes part in a run, and again whenever the connection was lost.
class Lender {
 public:
  explicit Lender(LenderSettings settings);

  /// Until the run ends, or refuses this machine, or something here fails, or somebody asks it to
  /// leave. Fails with timed_out if there is no root for too long, and as the network does.
  Result<HostEnd> lend();
  /// From any thread, and before `lend` too.
  void leave();

 private:
  using Clock = std::chrono::steady_clock;

  Result<HostEnd> take_part();
  /// False if it was asked to leave.
  Result<bool> wait_for_root(Host& host);
  void keep_a_free_port();
  std::string root() const;
  void move_to(const std::string& root);
  /// `part` is asked to leave once somebody asks; null: nothing is.
  void pass_leave_to(Host* part);

  LenderSettings settings_;
  runtime::network::Endpoint listen_;  ///< with the port that it has got, from the first time on
  std::uint64_t process_ = 0;
  std::uint32_t parts_ = 0;  ///< in a run so far
  std::shared_ptr<const StateOfRun> held_;

  mutable std::mutex mutex_;  ///< guards what follows
  std::condition_variable changed_;
  std::string root_;
  Host* part_ = nullptr;
  bool is_asked_to_leave_ = false;
};

}  // namespace nodezero::actors
