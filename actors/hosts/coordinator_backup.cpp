// SPDX-License-Identifier: BSD-3-Clause

// When all machines but one have computed their part of a step, and that one is slow, the fastest
// of the others computes what is left as well. Whoever has a node's sum first gives it. Both have
// the same bits, so this decides how long a step takes, and nothing else.

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "actors/hosts/coordinator.hpp"

namespace nodezero::actors {

using std::chrono::duration;
using std::chrono::duration_cast;

void coordinator::take_finished(const wire::finished& message) {
  Member* const member = sender_in_step();
  const PositionRange node{message.node.first, message.node.last};
  if (member == nullptr || open_->committed || message.term < open_->first_term ||
      std::ranges::find(member->finished, node) != member->finished.end()) {
    return;
  }
  member->finished.push_back(node);
  if (open_->backup) {
    use_backup();
  } else {
    watch_for_slow();
  }
}

/// Nodes of its ranges whose sums it does not have yet.
std::vector<PositionRange> coordinator::unfinished(const Member& member) const {
  std::vector<PositionRange> missing;
  for (const auto& range : member.ranges) {
    for (const auto& node : nodes_of(range, open_->positions())) {
      if (std::ranges::find(member.finished, node) == member.finished.end()) {
        missing.push_back(node);
      }
    }
  }
  return missing;
}

/// The only machine that computes something of its own; null if none does, or more do.
coordinator::Member* coordinator::last_to_finish() {
  Member* last = nullptr;
  for (auto& member : open_->members) {
    if (!unfinished(member).empty()) {
      if (last != nullptr) {
        return nullptr;
      }
      last = &member;
    }
  }
  return last;
}

/// The fastest of the others; null if there are none.
coordinator::Member* coordinator::helper_of(const Member& slow) {
  Member* best = nullptr;
  for (auto& member : open_->members) {
    if (&member != &slow &&
        (best == nullptr || speeds_.share(member.machine) > speeds_.share(best->machine))) {
      best = &member;
    }
  }
  return best;
}

/// At once if the machine is expected to need longer from now on than the helper would. Else it has
/// twice the time that was to be expected of it, or that the others needed.
caf::actor_clock::time_point coordinator::slow_from(const Member& last) {
  const auto now = clock().now();
  const double passed = duration<double>(now - open_->since).count();
  const double rate = speeds_.rate(last.machine);
  const double expected = rate > 0 ? positions_in(last.ranges) / rate : 0;
  const double helpers_rate = speeds_.rate(helper_of(last)->machine);
  if (helpers_rate > 0 && expected - passed > positions_in(unfinished(last)) / helpers_rate) {
    return now;
  }
  return open_->since + duration_cast<caf::actor_clock::duration_type>(
                            duration<double>(2 * std::max(expected, passed)));
}

/// With one timer at a time, and none sooner than this: steps may take milliseconds. In a step that
/// is audited the machines wait for each other's findings anyway.
void coordinator::watch_for_slow() {
  constexpr caf::actor_clock::duration_type least = std::chrono::milliseconds(100);
  const Member* const last = last_to_finish();
  if (last == nullptr || open_->members.size() < 2 || open_->audited) {
    open_->slow_from.reset();
    return;
  }
  if (!open_->slow_from) {
    open_->slow_from = slow_from(*last);
  }
  if (!std::exchange(is_watching_, true)) {
    delayed_send(this, std::max(*open_->slow_from - clock().now(), least), backup_tick{});
  }
}

void coordinator::back_up() {
  is_watching_ = false;
  if (!open_ || open_->backup) {
    return;
  }
  if (!open_->slow_from || clock().now() < *open_->slow_from) {
    watch_for_slow();
    return;
  }
  const Member& slow = *last_to_finish();
  const Member& helper = *helper_of(slow);
  open_->backup = {slow.machine, helper.machine, open_->term};
  // The slow one begins with the first, so they meet in the middle.
  auto nodes = unfinished(slow);
  std::ranges::reverse(nodes);
  wire::back_up message{open_->term, {}};
  for (const auto& node : nodes) {
    message.nodes.push_back({node.first, node.last});
  }
  helper.exchange.send(*this, message);
  send_work(helper, nodes);
}

/// As soon as each node is finished by one of both, a new term gives the helper those that the slow
/// one has not.
void coordinator::use_backup() {
  const Backup backup = *open_->backup;
  if (backup.term != open_->term) {
    return;
  }
  auto& slow = *std::ranges::find(open_->members, backup.slow, &Member::machine);
  auto& helper = *std::ranges::find(open_->members, backup.helper, &Member::machine);
  const auto missing = unfinished(slow);
  if (missing.empty() || std::ranges::any_of(missing, [&](const PositionRange& node) {
        return std::ranges::find(helper.finished, node) == helper.finished.end();
      })) {
    return;
  }
  // It is at most so fast.
  measure_speed(slow.machine, positions_in(slow.ranges),
                duration_cast<std::chrono::microseconds>(clock().now() - open_->since));
  std::vector<PositionRange> kept;
  for (const auto& range : slow.ranges) {
    for (const auto& node : nodes_of(range, open_->positions())) {
      const bool is_missing = std::ranges::find(missing, node) != missing.end();
      (is_missing ? helper.ranges : kept).push_back(node);
    }
  }
  slow.ranges = std::move(kept);
  notice(fmt::format("{} is slow{}: {} has computed {} of its micro-batches first",
                     name_of(slow.machine), standing_of_run(), name_of(helper.machine),
                     positions_in(missing)));
  send_plan();
}

std::string coordinator::name_of(std::uint32_t machine) const {
  const auto host = std::ranges::find(hosts_, machine, &Host::machine);
  return host == hosts_.end() ? "the root" : "host " + host->name;
}

}  // namespace nodezero::actors
