// SPDX-License-Identifier: BSD-3-Clause
#include "actors/machines/lender.hpp"

#include <array>
#include <random>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "nodezero/version.h"
#include "runtime/network/secure_network.hpp"

namespace nodezero::actors {
namespace {

namespace network = runtime::network;

std::string name_of_machine() {
  std::array<char, 65> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "host";
}

std::string minutes(std::chrono::steady_clock::duration time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

}  // namespace

Lender::Lender(LenderSettings settings)
    : settings_(std::move(settings)), listen_(settings_.listen), root_(settings_.root) {
  if (settings_.name.empty()) {
    settings_.name = name_of_machine();
  }
  std::random_device random;
  process_ = std::uint64_t{random()} << 32U | random();
}

Result<HostEnd> Lender::lend() {
  for (;;) {
    auto end = take_part();
    if (!end || end->reason != HostEnd::Reason::lost) {
      return end;
    }
    settings_.say(end->text);
    held_ = std::move(end->state);
  }
}

void Lender::leave() {
  const std::lock_guard lock(mutex_);
  is_asked_to_leave_ = true;
  changed_.notify_all();
  if (part_ != nullptr) {
    part_->leave();
  }
}

void Lender::pass_leave_to(Host* part) {
  const std::lock_guard lock(mutex_);
  part_ = part;
  if (part_ != nullptr && is_asked_to_leave_) {
    part_->leave();
  }
}

std::string Lender::root() const {
  const std::lock_guard lock(mutex_);
  return root_;
}

void Lender::move_to(const std::string& root) {
  settings_.say("the run goes on at " + root);
  const std::lock_guard lock(mutex_);
  root_ = root;
}

/// Somebody else may have taken the port since the last part in the run has ended. What that has
/// left would be lost if this one could not begin.
void Lender::keep_a_free_port() {
  if (settings_.listen.port == 0 && listen_.port != 0 && !network::listen_at(listen_)) {
    listen_.port = 0;
  }
}

Result<HostEnd> Lender::take_part() {
  auto identity = settings_.identity();
  if (!identity) {
    return tl::unexpected(identity.error());
  }
  keep_a_free_port();
  auto access = std::make_shared<network::SecureNetwork>(
      std::move(*identity),
      network::SecureNetworkSettings{.listen = listen_, .host_timeout = settings_.host_timeout});
  ++parts_;
  const auto recorder = settings_.record ? settings_.record(parts_) : nullptr;
  Host host({.network = access,
             .name = settings_.name,
             .version = NODEZERO_VERSION_STRING,
             .process = process_,
             .threads = settings_.threads,
             .memory = settings_.memory,
             .trained = settings_.trained,
             .held = std::exchange(held_, nullptr),
             .say = settings_.say,
             .on_moved = [this](const std::string& root) { move_to(root); },
             .recorder = recorder.get()});
  if (const auto opened = host.open(); !opened) {
    return tl::unexpected(opened.error());
  }
  if (const auto own = network::parse_endpoint(access->own_address())) {
    listen_.port = own->port;
  }
  const auto has_root = wait_for_root(host);
  if (!has_root) {
    return tl::unexpected(has_root.error());
  }
  if (!*has_root) {
    return HostEnd{HostEnd::Reason::left, "this host has not taken part", nullptr};
  }
  pass_leave_to(&host);
  auto end = host.wait();
  pass_leave_to(nullptr);
  return end;
}

Result<bool> Lender::wait_for_root(Host& host) {
  const auto until = Clock::now() + settings_.wait;
  auto last_said = Clock::time_point{};
  for (;;) {
    const auto address = network::find_endpoint(root());
    const Result<void> connected =
        address ? host.connect(to_string(*address)) : tl::unexpected(address.error());
    if (connected) {
      return true;
    }
    const auto left = until - Clock::now();
    if (left <= Clock::duration::zero()) {
      return fail(ErrorCode::timed_out,
                  fmt::format("no root at {} within {} s: {}", root(), settings_.wait.count(),
                              connected.error().message));
    }
    if (Clock::now() - last_said >= std::chrono::seconds(10)) {
      last_said = Clock::now();
      settings_.say(fmt::format("{}; trying {} every second, {} left", connected.error().message,
                                root(), minutes(left)));
    }
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, std::chrono::seconds(1), [this] { return is_asked_to_leave_; })) {
      return false;
    }
  }
}

}  // namespace nodezero::actors
