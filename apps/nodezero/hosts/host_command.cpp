// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/hosts/host_command.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <unistd.h>

#include <fmt/format.h>

#include "actors/hosts/host.hpp"
#include "actors/laws/trace_catalogue.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/process/environment.hpp"
#include "apps/nodezero/process/memory.hpp"
#include "apps/nodezero/process/signals.hpp"
#include "runtime/network/secure_network.hpp"
#include "runtime/trace/trace_file.hpp"

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

/// Where the nth part in a run is recorded, which a host takes again after its connection has
/// ended: the first in `trace`, or in NAME.nztrace if that is a folder, the second in
/// NAME-2.nztrace, and so on.
std::filesystem::path trace_of_part(std::filesystem::path trace, std::string name,
                                    std::uint32_t part) {
  if (std::filesystem::is_directory(trace)) {
    std::ranges::replace(name, '/', '-');
    trace /= name + ".nztrace";
  }
  if (part > 1) {
    trace.replace_filename(
        fmt::format("{}-{}{}", trace.stem().string(), part, trace.extension().string()));
  }
  return trace;
}

/// @throws CommandError if the file cannot be written or is not a trace
std::unique_ptr<runtime::trace::Recorder> record_in(const std::filesystem::path& trace,
                                                    const std::string& name) {
  unwrap(runtime::trace::check_overwritable(trace), exit_bad_input);
  auto recorder = runtime::trace::Recorder::make(
      {.file = trace,
       .catalogue = actors::trace_catalogue(),
       .about = {{"program", "nodezero host"},
                 {"version", NODEZERO_VERSION},
                 {"machine", name},
                 {"host", host_name()},
                 {"process", std::to_string(::getpid())},
                 {"started", timestamp()}},
       .warn = [](const std::string& line) { fmt::print(stderr, "nodezero: {}\n", line); }});
  if (!recorder) {
    throw CommandError(exit_bad_input, "--trace: " + recorder.error().message);
  }
  return std::move(*recorder);
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

/// A machine that is lent: takes part in a run again and again, until the run ends or somebody asks
/// it to go.
class Lender {
 public:
  explicit Lender(const HostOptions& options)
      : options_(options),
        listen_(unwrap(network::parse_endpoint(options.listen))),
        root_(options.connect) {
    identity_from(options_.credentials);  // found wanting before anything else happens
    std::random_device random;
    process_ = std::uint64_t{random()} << 32U | random();
  }

  void ask_to_leave() { leave_.ask(); }
  /// Waits for a root and takes part once. Nothing if it was asked to go.
  /// @throws CommandError if there is no root for too long
  std::optional<actors::HostEnd> take_part();

 private:
  std::string root() {
    const std::lock_guard lock(mutex_);
    return root_;
  }
  void move_to(const std::string& root) {
    say("the run goes on at " + root);
    const std::lock_guard lock(mutex_);
    root_ = root;
  }
  Result<void> connect(actors::Host& host) {
    const auto root_now = network::find_endpoint(root());
    return root_now ? host.connect(to_string(*root_now)) : tl::unexpected(root_now.error());
  }
  bool wait_for_root(actors::Host& host);

  HostOptions options_;
  network::Endpoint listen_;  ///< with the port that it has got, from the first time on
  std::uint64_t process_ = 0;
  std::uint32_t parts_ = 0;  ///< in a run so far
  LeaveRequest leave_;
  std::shared_ptr<const actors::StateOfRun> held_;
  std::mutex mutex_;
  std::string root_;
};

std::optional<actors::HostEnd> Lender::take_part() {
  auto access = std::make_shared<network::SecureNetwork>(
      identity_from(options_.credentials),
      network::SecureNetworkSettings{
          .listen = listen_,
          .host_timeout = std::chrono::milliseconds(std::llround(1e3 * options_.host_timeout_s))});
  const std::string name = options_.name.empty() ? name_of_machine() : options_.name;
  ++parts_;
  const auto recorder = options_.trace.empty()  // outlives what it records
                            ? nullptr
                            : record_in(trace_of_part(options_.trace, name, parts_), name);
  actors::Host host({.network = access,
                     .name = name,
                     .version = NODEZERO_VERSION,
                     .process = process_,
                     .threads = options_.threads,
                     .memory = options_.memory > 0 ? options_.memory : available_memory(),
                     .held = std::exchange(held_, nullptr),
                     .say = say,
                     .on_moved = [this](const std::string& root) { move_to(root); },
                     .recorder = recorder.get()});
  unwrap(host.open(), exit_failure);
  listen_.port = unwrap(network::parse_endpoint(access->own_address()), exit_failure).port;
  if (!wait_for_root(host)) {
    return std::nullopt;
  }
  leave_.pass_to([&host] { host.leave(); });
  auto end = host.wait();
  leave_.pass_to(nullptr);
  held_ = end.state;
  return end;
}

/// False if it was asked to go.
bool Lender::wait_for_root(actors::Host& host) {
  const auto until = Clock::now() + std::chrono::seconds(options_.wait_s);
  auto last_said = Clock::time_point{};
  for (;;) {
    const auto connected = connect(host);
    if (connected) {
      return true;
    }
    const auto left = until - Clock::now();
    if (left <= Clock::duration::zero()) {
      throw CommandError(exit_failure, fmt::format("no root at {} within {} s: {}", root(),
                                                   options_.wait_s, connected.error().message));
    }
    if (Clock::now() - last_said >= std::chrono::seconds(10)) {
      last_said = Clock::now();
      say(fmt::format("{}; trying {} every second, {} left", connected.error().message, root(),
                      minutes(left)));
    }
    if (leave_.wait_for(std::chrono::seconds(1))) {
      return false;
    }
  }
}

}  // namespace

void host_command(const HostOptions& options) {
  if (const auto root = network::find_endpoint(options.connect);
      !root && root.error().code != ErrorCode::not_found) {
    throw CommandError(exit_bad_input, root.error().message);
  }
  Lender lender(options);
  std::signal(SIGPIPE, SIG_IGN);
  const SignalBlock block;
  const SignalWatcher signals(
      block,
      [&] {
        say("leaving the run; Ctrl-C again to quit at once");
        lender.ask_to_leave();
      },
      [] {});
  for (;;) {
    const auto end = lender.take_part();
    if (!end) {
      throw CommandExit{exit_code_of_signal(signals.first_signal())};
    }
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
        break;
    }
  }
}

}  // namespace nodezero::apps
