// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/host_settings.hpp"

#include <bit>
#include <type_traits>

namespace nodezero::actors {
namespace {

/// Calls the function with every value, in a fixed order. A member that is forgotten here does not
/// compile.
void for_each_setting(auto& settings, auto&& call) {
  const auto each = [&](auto&... values) { (call(values), ...); };
  auto& [training, total_steps, spheres, symmetry, attempts, stall_timeout] = settings;
  auto& [model, optimizer, precision, exchange, exchange_from, sequences, micro_batches, seed,
         epochs, steps] = training;
  auto& [layers, heads, width, context, vocabulary, dropout, inner, activation, layer_norm_epsilon,
         untied, unscaled_attention, inverse_layer_scaling] = model;
  each(layers, heads, width, context, vocabulary, dropout, inner, activation, layer_norm_epsilon,
       untied, unscaled_attention, inverse_layer_scaling);
  auto& [learning_rate, min_learning_rate, warmup, beta1, beta2, epsilon, weight_decay, clip,
         schedule, decay_steps] = optimizer;
  each(learning_rate, min_learning_rate, warmup, beta1, beta2, epsilon, weight_decay, clip,
       schedule, decay_steps);
  each(precision, exchange, exchange_from, sequences, micro_batches, seed, epochs, steps);
  each(total_steps, spheres, symmetry, attempts);
  (void)stall_timeout;  // a count of milliseconds follows
}

}  // namespace

std::vector<std::uint64_t> encode(const HostSettings& settings) {
  std::vector<std::uint64_t> numbers;
  for_each_setting(settings, [&]<class T>(const T& value) {
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
  for_each_setting(settings, [&]<class T>(T& value) {
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
  if (settings.training.exchange > model::ExchangePrecision::bf16 || settings.spheres < 1 ||
      settings.spheres > most_spheres || settings.symmetry < 2 || encode(settings) != numbers) {
    return fail(ErrorCode::invalid_argument, "the root's settings cannot be");
  }
  return settings;
}

}  // namespace nodezero::actors
