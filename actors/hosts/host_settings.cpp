// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/host_settings.hpp"

#include <bit>
#include <type_traits>

namespace nodezero::actors {
namespace {

/// Calls the function with every value, in a fixed order.
void for_each_value(auto& settings, auto&& call) {
  auto& training = settings.training;
  auto& model = training.model;
  call(model.layers), call(model.heads), call(model.width), call(model.context);
  call(model.vocabulary), call(model.dropout);
  auto& optimizer = training.optimizer;
  call(optimizer.learning_rate), call(optimizer.min_learning_rate), call(optimizer.warmup);
  call(optimizer.beta1), call(optimizer.beta2), call(optimizer.epsilon);
  call(optimizer.weight_decay), call(optimizer.clip), call(optimizer.schedule);
  call(optimizer.decay_steps);
  call(training.precision), call(training.sequences), call(training.micro_batches);
  call(training.seed), call(training.epochs), call(training.steps);
  call(settings.total_steps), call(settings.spheres), call(settings.symmetry);
  call(settings.attempts);
}

}  // namespace

std::vector<std::uint64_t> encode(const HostSettings& settings) {
  std::vector<std::uint64_t> numbers;
  for_each_value(settings, [&]<class T>(const T& value) {
    if constexpr (std::is_floating_point_v<T>) {
      numbers.push_back(std::bit_cast<std::uint64_t>(value));
    } else {
      numbers.push_back(static_cast<std::uint64_t>(value));
    }
  });
  numbers.push_back(static_cast<std::uint64_t>(settings.stall_timeout.count()));
  return numbers;
}

Result<HostSettings> decode(const std::vector<std::uint64_t>& numbers) {
  HostSettings settings;
  if (numbers.size() != encode(settings).size()) {
    return fail(ErrorCode::invalid_argument, "the root's settings are of another protocol");
  }
  auto next = numbers.begin();
  for_each_value(settings, [&]<class T>(T& value) {
    if constexpr (std::is_floating_point_v<T>) {
      value = std::bit_cast<T>(*next++);
    } else {
      value = static_cast<T>(*next++);
    }
  });
  settings.stall_timeout = std::chrono::milliseconds(*next);
  if (const auto valid = model::validate(settings.training); !valid) {
    return tl::unexpected(valid.error());
  }
  constexpr std::uint32_t most_spheres = 1'000'000;
  if (settings.spheres < 1 || settings.spheres > most_spheres || settings.symmetry < 2 ||
      encode(settings) != numbers) {
    return fail(ErrorCode::invalid_argument, "the root's settings cannot be");
  }
  return settings;
}

}  // namespace nodezero::actors
