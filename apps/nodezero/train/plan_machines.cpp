// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/plan_machines.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace nodezero::apps {
namespace {

/// CPU seconds per byte that a machine sends and receives, with TLS; one thread has them all.
constexpr double seconds_per_byte = 1.8e-9;
/// Four messages in a row.
constexpr double latency_seconds = 4 * 1e-4;

constexpr std::array machines_shown = {2U, 8U, 64U};
constexpr std::array gigabits_shown = {1.0, 10.0, 25.0};

/// Of a step on one machine, from those of the whole run.
double step_seconds(const Plan& plan, double seconds) {
  return seconds / static_cast<double>(std::max<std::uint64_t>(plan.steps, 1));
}

/// In a sum over so many micro-batches.
double bytes_of_number(const model::TrainingConfig& training, double micro_batches) {
  const bool is_rounded = training.exchange == model::ExchangePrecision::bf16 &&
                          micro_batches >= training.exchange_from;
  return is_rounded ? 2 : 4;
}

double rounds(double micro_batches, double lanes) {
  return std::ceil(micro_batches / lanes);
}

}  // namespace

Scaling scaling(const Plan& plan, const model::TrainingConfig& training, double seconds_a_step,
                std::uint32_t machines, double bits_per_second) {
  const double share = std::ceil(static_cast<double>(training.micro_batches) / machines);
  const double computing =
      seconds_a_step * rounds(share, plan.lanes) / rounds(training.micro_batches, plan.lanes);
  // Each machine sends its sum to the owners of the blocks, and the blocks that it owns to all.
  const double bytes =
      (machines - 1.0) / machines * static_cast<double>(plan.parameters) *
      (bytes_of_number(training, share) + bytes_of_number(training, training.micro_batches));
  const double exchange =
      std::max(8 * bytes / bits_per_second, bytes * seconds_per_byte) + latency_seconds;
  return {seconds_a_step / (computing + exchange), exchange};
}

std::string machines_text(const Plan& plan, const actors::RunSettings& settings, double seconds) {
  const std::uint32_t micro_batches = settings.training.micro_batches;
  std::string text = fmt::format("{:<12}{:>14}{:>14}{:>14}   (train --listen)\n", "machines",
                                 "1 Gbit/s", "10 Gbit/s", "25 Gbit/s");
  double best = 0;
  for (const std::uint32_t machines : machines_shown) {
    text += fmt::format("  {:<10}", machines);
    for (const double gigabits : gigabits_shown) {
      const auto found =
          scaling(plan, settings.training, step_seconds(plan, seconds), machines, gigabits * 1e9);
      best = std::max(best, found.speedup);
      text += fmt::format("{:>14}", fmt::format("{:.2f} x", found.speedup));
    }
    text += '\n';
  }
  if (best < 1) {
    text += "  more machines make this run slower: its steps are short for what has to cross\n";
  } else if (micro_batches < 64) {
    text +=
        fmt::format("  a step has {} micro-batches, which no more machines than that can share\n",
                    micro_batches);
  }
  return text;
}

nlohmann::ordered_json machines_as_json(const Plan& plan, const actors::RunSettings& settings,
                                        double seconds) {
  if (seconds < 0) {
    return nullptr;
  }
  auto list = nlohmann::ordered_json::array();
  for (const std::uint32_t machines : machines_shown) {
    for (const double gigabits : gigabits_shown) {
      const auto found =
          scaling(plan, settings.training, step_seconds(plan, seconds), machines, gigabits * 1e9);
      list.push_back({{"machines", machines},
                      {"bits_per_second", gigabits * 1e9},
                      {"speedup", found.speedup},
                      {"exchange_seconds", found.exchange_seconds}});
    }
  }
  return list;
}

}  // namespace nodezero::apps
