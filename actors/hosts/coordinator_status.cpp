// SPDX-License-Identifier: BSD-3-Clause

// What the coordinator knows of how fast the machines and their links are, and whom it tells.

#include <algorithm>

#include <fmt/format.h>

#include "actors/hosts/coordinator.hpp"
#include "actors/hosts/fingerprints.hpp"

namespace nodezero::actors {

std::vector<double> coordinator::speeds_of(const std::vector<Member>& members) const {
  std::vector<double> speeds;
  for (const auto& member : members) {
    speeds.push_back(speeds_.share(member.machine));
  }
  return speeds;
}

/// Shares follow how fast the machines are; they decide who computes, and never a bit.
void coordinator::measure_speed(std::uint32_t machine, std::uint32_t micro_batches,
                                std::chrono::microseconds time) {
  const bool is_slow = speeds_.measure(machine, micro_batches, time);
  if (const auto host = std::ranges::find(hosts_, machine, &Host::machine);
      is_slow && host != hosts_.end()) {
    notice(
        fmt::format("host {} is slow: a lane there has {:.1f} of the speed of one here, for {} "
                    "steps; it gets as much less to do",
                    host->name, speeds_.lane_against_root(machine), Speeds::long_enough));
  }
}

void coordinator::measure(const wire::gathered& message) {
  ++events_;
  const std::uint32_t machine = message.machine;
  measure_speed(machine, message.computed, std::chrono::microseconds(message.microseconds));
  // Whoever waited least computed longest; until then the others had nothing to wait for.
  const double waited = 1e-6 * static_cast<double>(message.waited_microseconds);
  open_->waited_seconds = std::min(open_->waited_seconds.value_or(waited), waited);
  open_->bytes_sent += message.bytes_sent;
  // A few blocks say more of delays than of what a link carries.
  constexpr std::uint64_t enough = 8 * sizeof(float) * model::norm_block_size;
  if (message.bytes_sent >= enough && message.sending_microseconds > 0) {
    const double rate = 1e6 * static_cast<double>(message.bytes_sent) /
                        static_cast<double>(message.sending_microseconds);
    double& known = link_bytes_per_second_[machine];
    known = known == 0 ? rate : known + 0.2 * (rate - known);
  }
}

void coordinator::say_if_links_are_slow() {
  constexpr double slow = 0.5;
  steps_with_slow_links_ = cost_.fraction() > slow ? steps_with_slow_links_ + 1 : 0;
  if (steps_with_slow_links_ != Speeds::long_enough) {
    return;
  }
  const auto slowest = std::ranges::min_element(link_bytes_per_second_, {},
                                                [](const auto& machine) { return machine.second; });
  std::string link;
  if (slowest != link_bytes_per_second_.end()) {
    const auto host = std::ranges::find(hosts_, slowest->first, &Host::machine);
    link = fmt::format("; the slowest link, {}, carries {:.0f} Mbit/s",
                       host == hosts_.end() ? "the root's" : "to " + host->name,
                       8e-6 * slowest->second);
  }
  notice(
      fmt::format("the exchange takes {:.0f} % of a step{}; more micro-batches per step make it "
                  "less",
                  100 * cost_.fraction(), link));
}

HostsStatus::Machine coordinator::status_of(const Host& host) const {
  HostsStatus::Machine status{host.name, host.address, "computes", host.lanes,
                              speeds_.rate(host.machine)};
  if (host.standing == Standing::receiving) {
    status.standing =
        fmt::format("gets the state, {} %",
                    100 * host.state.arrived() / std::max<std::uint64_t>(host.state.all(), 1));
  } else if (host.standing == Standing::admitted) {
    status.standing = "joins";
  } else if (!host.state.is_idle()) {
    status.standing = "catches up";
  }
  status.steps = host.steps;
  return status;
}

void coordinator::tell_status() {
  const auto now = clock().now();
  if (!settings_.on_status || !open_ || now - last_status_ < std::chrono::seconds(1)) {
    return;
  }
  last_status_ = now;
  const std::uint64_t steps = open_->step.envelope.step;
  HostsStatus status{steps,         open_->term, cost_.step_seconds(), cost_.exchange_seconds(),
                     cost_.bytes(), {}};
  status.machines.push_back(
      {"root", "", "computes", settings_.spheres->lane_count, speeds_.rate(0), 0, steps});
  std::vector<std::uint32_t> numbers{0};
  for (const auto& host : hosts_) {
    status.machines.push_back(status_of(host));
    numbers.push_back(host.machine);
  }
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    auto& machine = status.machines[i];
    const auto member = std::ranges::find(open_->members, numbers[i], &Member::machine);
    machine.micro_batches = member == open_->members.end() ? 0 : positions_in(member->ranges);
    const auto link = link_bytes_per_second_.find(numbers[i]);
    machine.bytes_per_second = link == link_bytes_per_second_.end() ? 0 : link->second;
  }
  settings_.on_status(status);
}

/// What the lanes here have finished, and what the machines said when they were asked last. An
/// answer to this question counts the next time, never now: or a count could seem to stand still.
caf::result<finished_count> coordinator::count_finished_everywhere() {
  std::uint64_t known = events_;
  for (const auto& [machine, events] : events_there_) {
    known += events;
  }
  runtime::Peer::of(exchange_).send(*this, wire::count_progress{last_term_});
  for (const auto& host : hosts_) {
    host.exchange.send(*this, wire::count_progress{last_term_});
  }
  auto promise = make_response_promise<finished_count>();
  request(settings_.spheres->lanes, settings_.spheres->stall_timeout, count_finished{})
      .then(
          [promise, known](finished_count count) mutable {
            count.tasks += known;
            promise.deliver(count);
          },
          [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
  return promise;
}

/// Without what is measured, which only decides who computes how much.
std::uint64_t coordinator::state_digest(const runtime::ActorKeys& keys) const {
  return runtime::fingerprint(keys, hosts_, last_machine_, last_term_, open_, progress_,
                              is_asking_for_state_, has_begun_, has_planned_, is_waiting_,
                              is_watching_, ending_);
}

const char* coordinator::state_name() const {
  return !open_                 ? "idle"
         : open_->committed     ? "committed"
         : open_->term > 0      ? "planned"
         : is_asking_for_state_ ? "asking"
                                : "waiting";
}

}  // namespace nodezero::actors
