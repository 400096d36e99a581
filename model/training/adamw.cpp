// SPDX-License-Identifier: BSD-3-Clause
#include "model/training/adamw.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "model/kernels/functions.hpp"
#include "model/kernels/kernels.hpp"

namespace nodezero::model {

Result<void> validate(const OptimizerOptions& options) {
  const auto refuse = [](const char* name, double value, const std::string& rule) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' must be {}, not {}", name, rule, value));
  };
  if (!(options.learning_rate >= 0 && std::isfinite(options.learning_rate))) {
    return refuse("learning_rate", options.learning_rate, "finite and not negative");
  }
  if (!(options.min_learning_rate >= 0 && options.min_learning_rate <= options.learning_rate)) {
    return refuse("min_learning_rate", options.min_learning_rate,
                  fmt::format("from 0 to 'learning_rate' ({})", options.learning_rate));
  }
  if (!(options.beta1 >= 0 && options.beta1 < 1)) {
    return refuse("beta1", options.beta1, "at least 0 and below 1");
  }
  if (!(options.beta2 >= 0 && options.beta2 < 1)) {
    return refuse("beta2", options.beta2, "at least 0 and below 1");
  }
  if (!(options.epsilon > 0 && std::isfinite(options.epsilon))) {
    return refuse("epsilon", options.epsilon, "finite and above 0");
  }
  if (!(options.weight_decay >= 0 && std::isfinite(options.weight_decay))) {
    return refuse("weight_decay", options.weight_decay, "finite and not negative");
  }
  if (!(options.clip >= 0 && std::isfinite(options.clip))) {
    return refuse("clip", options.clip, "finite and not negative (0: no clipping)");
  }
  return {};
}

namespace {

double cosine_rate(const OptimizerOptions& options, std::uint64_t step, std::uint64_t total_steps) {
  const std::uint64_t last = std::max(total_steps, options.warmup + 1) - 1;
  const double progress = last == options.warmup
                              ? 0.0
                              : std::min(1.0, static_cast<double>(step - options.warmup) /
                                                  static_cast<double>(last - options.warmup));
  const double cosine = 0.5 * (1.0 + cos_of_half_turns(progress));
  return options.min_learning_rate + cosine * (options.learning_rate - options.min_learning_rate);
}

double stable_then_decaying_rate(const OptimizerOptions& options, std::uint64_t step,
                                 std::uint64_t total_steps) {
  const std::uint64_t decay_steps = std::min(
      options.decay_steps > 0 ? options.decay_steps : (total_steps - 1) / 10 + 1, total_steps);
  const std::uint64_t first = total_steps - decay_steps;
  if (step < first) {
    return options.learning_rate;
  }
  const double progress =
      std::min(1.0, static_cast<double>(step - first + 1) / static_cast<double>(decay_steps));
  return options.learning_rate - progress * (options.learning_rate - options.min_learning_rate);
}

}  // namespace

double learning_rate_at(const OptimizerOptions& options, std::uint64_t step,
                        std::uint64_t total_steps) {
  if (step < options.warmup) {
    return options.learning_rate * static_cast<double>(step + 1) /
           (static_cast<double>(options.warmup) + 1);
  }
  switch (options.schedule) {
    case LearningRateSchedule::constant:
      return options.learning_rate;
    case LearningRateSchedule::wsd:
      return stable_then_decaying_rate(options, step, total_steps);
    case LearningRateSchedule::cosine:
      break;
  }
  return cosine_rate(options, step, total_steps);
}

std::size_t norm_block_count(const TensorLayout& layout) {
  return (layout.buffer_size() + norm_block_size - 1) / norm_block_size;
}

void squared_norm_blocks(const TensorSet& gradient, std::size_t first, std::span<double> out) {
  const KernelTable& table = kernels();
  const std::span<const float> values = gradient.values();
  for (std::size_t block = 0; block < out.size(); ++block) {
    const std::size_t begin = std::min((first + block) * norm_block_size, values.size());
    const std::size_t end = std::min(begin + norm_block_size, values.size());
    out[block] =
        table.squared_norm(static_cast<std::ptrdiff_t>(end - begin), values.data() + begin);
  }
}

double sum_along_tree(std::span<const double> blocks) {
  if (blocks.empty()) {
    return 0;
  }
  if (blocks.size() == 1) {
    return blocks[0];
  }
  // The left subtree is full: it holds the largest power of two below the size.
  const std::size_t left = std::bit_floor(blocks.size() - 1);
  return sum_along_tree(blocks.first(left)) + sum_along_tree(blocks.subspan(left));
}

namespace {

/// beta^step, by one multiplication a step. Once it changes no more, it is as good as 0.
double power(double beta, std::uint64_t step) {
  double result = 1.0;
  for (std::uint64_t i = 0; i < step && result * beta != result; ++i) {
    result *= beta;
  }
  return result;
}

}  // namespace

void adamw_update(const OptimizerOptions& options, const UpdateScalars& scalars,
                  const TensorSet& gradient, const TensorSet& weights, TensorSet& next,
                  OptimizerState& state, std::size_t first_block, std::size_t last_block) {
  AdamwStep constants{
      .gradient_scale = static_cast<float>(scalars.gradient_scale),
      .beta1 = static_cast<float>(options.beta1),
      .one_minus_beta1 = static_cast<float>(1.0 - options.beta1),
      .beta2 = static_cast<float>(options.beta2),
      .one_minus_beta2 = static_cast<float>(1.0 - options.beta2),
      .step_size =
          static_cast<float>(scalars.learning_rate / (1.0 - power(options.beta1, scalars.step))),
      .inverse_root_correction2 =
          static_cast<float>(1.0 / std::sqrt(1.0 - power(options.beta2, scalars.step))),
      .epsilon = static_cast<float>(options.epsilon),
      .keep = 1.0f};
  const auto keep_decayed = static_cast<float>(1.0 - scalars.learning_rate * options.weight_decay);

  const std::size_t begin = first_block * norm_block_size;
  const std::size_t end = last_block * norm_block_size;
  for (const TensorInfo& tensor : weights.layout()->tensors()) {
    const std::size_t from = std::max(begin, tensor.offset);
    const std::size_t to = std::min(end, tensor.offset + tensor.size);
    if (from < to) {
      constants.keep = tensor.decayed ? keep_decayed : 1.0f;
      kernels().adamw_update(constants, static_cast<std::ptrdiff_t>(to - from),
                             gradient.values().data() + from, weights.values().data() + from,
                             next.values().data() + from, state.first_moment.values().data() + from,
                             state.second_moment.values().data() + from);
    }
  }
}

void add_in_place(std::span<float> sum, std::span<const float> addend) {
  kernels().add(static_cast<std::ptrdiff_t>(sum.size()), sum.data(), addend.data(), sum.data());
}

}  // namespace nodezero::model
