// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/hosts/host_command.hpp"

#include <array>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <unistd.h>

#include <fmt/format.h>

#include "actors/hosts/host.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/process/memory.hpp"
#include "apps/nodezero/process/signals.hpp"
#include "runtime/network/secure_network.hpp"

namespace nodezero::apps {
namespace {

using Clock = std::chrono::steady_clock;
namespace network = runtime::network;

std::string name_of_machine() {
  std::array<char, 65> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "host";
}

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

std::string minutes(Clock::duration time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

/// Somebody has asked this host to go: passed on to the part in a run that there is, if any.
class LeaveRequest {
 public:
  void ask() {
    const std::lock_guard lock(mutex_);
    is_asked_ = true;
    changed_.notify_all();
    if (leave_) {
      leave_();
    }
  }
  /// `leave` is called once asked, until it is replaced.
  void pass_to(std::function<void()> leave) {
    const std::lock_guard lock(mutex_);
    leave_ = std::move(leave);
    if (leave_ && is_asked_) {
      leave_();
    }
  }
  /// True if it was asked before the time was over.
  bool wait_for(Clock::duration time) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [this] { return is_asked_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> leave_;
  bool is_asked_ = false;
};

/// Takes part once. Nothing if the root cannot be reached; then `why` says so.
std::optional<actors::HostEnd> take_part(const HostOptions& options, const network::Secret& secret,
                                         std::uint64_t process, LeaveRequest& leave,
                                         std::string& why) {
  const auto root = network::find_endpoint(options.connect);
  if (!root) {
    why = root.error().message;
    return std::nullopt;
  }
  auto access = std::make_shared<network::SecureNetwork>(
      unwrap(network::identity_of(secret), exit_failure),
      network::SecureNetworkSettings{.listen = unwrap(network::parse_endpoint(options.listen))});
  actors::Host host({.network = access,
                     .name = options.name.empty() ? name_of_machine() : options.name,
                     .version = NODEZERO_VERSION,
                     .process = process,
                     .threads = options.threads,
                     .memory = available_memory(),
                     .say = say});
  if (const auto connected = host.connect(to_string(*root)); !connected) {
    why = connected.error().message;
    return std::nullopt;
  }
  leave.pass_to([&host] { host.leave(); });
  auto end = host.wait();
  leave.pass_to(nullptr);
  return end;
}

}  // namespace

void host_command(const HostOptions& options) {
  if (const auto root = network::find_endpoint(options.connect);
      !root && root.error().code != ErrorCode::not_found) {
    throw CommandError(exit_bad_input, root.error().message);
  }
  const auto secret = unwrap(network::read_secret(options.secret));
  unwrap(network::parse_endpoint(options.listen));
  std::signal(SIGPIPE, SIG_IGN);
  const SignalBlock block;
  LeaveRequest leave;
  const SignalWatcher signals(
      block,
      [&] {
        say("leaving the run; Ctrl-C again to quit at once");
        leave.ask();
      },
      [] {});
  std::random_device random;
  const std::uint64_t process = std::uint64_t{random()} << 32U | random();
  const auto wait = std::chrono::seconds(options.wait_s);
  auto last_seen = Clock::now();
  auto last_said = Clock::time_point{};
  while (true) {
    std::string why;
    const auto end = take_part(options, secret, process, leave, why);
    if (end) {
      say(end->text);
      using Reason = actors::HostEnd::Reason;
      switch (end->reason) {
        case Reason::run_ended:
          return;
        case Reason::left:
          throw CommandExit{exit_code_of_signal(signals.first_signal())};
        case Reason::refused:
          throw CommandError(exit_bad_input, "the root refuses this host: " + end->text);
        case Reason::failed:
          throw CommandError(exit_failure, end->text);
        case Reason::lost:
          last_seen = Clock::now();
          last_said = {};
          break;
      }
    }
    const auto left = last_seen + wait - Clock::now();
    if (left <= Clock::duration::zero()) {
      throw CommandError(exit_failure, fmt::format("no root at {} within {} s{}", options.connect,
                                                   options.wait_s, why.empty() ? "" : ": " + why));
    }
    if (Clock::now() - last_said >= std::chrono::seconds(10)) {
      last_said = Clock::now();
      say(fmt::format("{}trying {} every second, {} left", why.empty() ? "" : why + "; ",
                      options.connect, minutes(left)));
    }
    if (leave.wait_for(std::chrono::seconds(1))) {
      throw CommandExit{exit_code_of_signal(signals.first_signal())};
    }
  }
}

}  // namespace nodezero::apps
