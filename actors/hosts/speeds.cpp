// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/speeds.hpp"

namespace nodezero::actors {
namespace {

constexpr double weight_of_news = 0.2;

double smoothed(double before, double now, bool is_first) {
  return is_first ? now : before + weight_of_news * (now - before);
}

}  // namespace

bool Speeds::measure(std::uint32_t machine, std::uint32_t micro_batches,
                     std::chrono::microseconds time) {
  const auto found = machines_.find(machine);
  if (found == machines_.end() || micro_batches == 0 || time.count() <= 0) {
    return false;
  }
  Machine& measured = found->second;
  if (++measured.measured == 1) {
    return false;
  }
  measured.rate = smoothed(measured.rate, 1e6 * micro_batches / static_cast<double>(time.count()),
                           measured.rate == 0);
  constexpr double slow = 0.5;
  if (machine == 0 || root_lane() == 0) {
    return false;
  }
  measured.steps_slow = lane_against_root(machine) < slow ? measured.steps_slow + 1 : 0;
  return measured.steps_slow == long_enough;
}

double Speeds::rate(std::uint32_t machine) const {
  const auto found = machines_.find(machine);
  return found == machines_.end() ? 0 : found->second.rate;
}

double Speeds::share(std::uint32_t machine) const {
  const auto found = machines_.find(machine);
  if (found == machines_.end()) {
    return 0;
  }
  const double lane = root_lane();
  return found->second.rate > 0 ? found->second.rate : found->second.lanes * (lane > 0 ? lane : 1);
}

double Speeds::lane_against_root(std::uint32_t machine) const {
  const auto found = machines_.find(machine);
  const double lane = root_lane();
  return found == machines_.end() || lane == 0 ? 0
                                               : found->second.rate / found->second.lanes / lane;
}

double Speeds::root_lane() const {
  const auto root = machines_.find(0);
  return root == machines_.end() ? 0 : root->second.rate / root->second.lanes;
}

void ExchangeCost::take(double step_seconds, double exchange_seconds, double bytes) {
  const bool is_first = steps_++ == 0;
  step_seconds_ = smoothed(step_seconds_, step_seconds, is_first);
  exchange_seconds_ = smoothed(exchange_seconds_, exchange_seconds, is_first);
  bytes_ = smoothed(bytes_, bytes, is_first);
}

}  // namespace nodezero::actors
