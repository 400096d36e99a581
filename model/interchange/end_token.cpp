// SPDX-License-Identifier: BSD-3-Clause
#include "model/interchange/end_token.hpp"

#include <algorithm>
#include <cmath>

#include "model/gpt2/generation.hpp"
#include "model/gpt2/gpt2_layout.hpp"

namespace nodezero::model {
namespace {

constexpr double wanted_logit = -100;
constexpr double largest_deviation = 0.5;
constexpr double largest_log_probability = -69.1;  // 1e-30
constexpr float largest_entry = 6e4f;              // f16 ends at 65,504

std::span<const float> tensor(const Parameters& weights, const char* name) {
  return weights[*weights.layout()->find(name)];
}

std::vector<float> row_of(const Parameters& weights) {
  const auto gain = tensor(weights, "transformer.ln_f.weight");
  const auto bias = tensor(weights, "transformer.ln_f.bias");
  double sum = 0;
  for (std::size_t i = 0; i < gain.size(); ++i) {
    sum += static_cast<double>(bias[i]) / gain[i];
  }
  std::vector<float> row(gain.size());
  std::ranges::transform(gain, row.begin(), [&](float g) {
    return static_cast<float>(wanted_logit / sum / static_cast<double>(g));
  });
  return row;
}

/// As it comes back from a file.
std::vector<float> rounded(std::span<const float> row, NumberForm form) {
  std::string bytes;
  store(form, row, bytes);
  std::vector<float> back(row.size());
  restore(form, std::as_bytes(std::span(bytes)), back);
  return back;
}

/// The model with one more token.
std::shared_ptr<const Parameters> extended(const ModelConfig& larger, const Parameters& weights,
                                           std::span<const float> row) {
  auto result = std::make_shared<Parameters>(gpt2_layout(larger));
  for (const TensorInfo& info : weights.layout()->tensors()) {
    auto out = (*result)[*result->layout()->find(info.name)];
    const auto rest = std::ranges::copy(weights[info], out.begin()).out;
    if (rest != out.end()) {
      std::ranges::copy(row, rest);
    }
  }
  return result;
}

bool is_never_taken(const ModelConfig& config, const Parameters& weights,
                    std::span<const float> row) {
  ModelConfig larger = config;
  ++larger.vocabulary;
  const auto with_row = extended(larger, weights, row);
  for (const std::uint64_t seed : {1, 2}) {
    std::vector<std::int32_t> tokens{
        static_cast<std::int32_t>(static_cast<std::int64_t>(seed) % config.vocabulary)};
    Generator generator(larger, with_row, tokens,
                        {.temperature = 1, .seed = seed, .vocabulary = config.vocabulary});
    while (tokens.size() < static_cast<std::size_t>(config.context)) {
      tokens.push_back(generator.next());
    }
    const auto all = logits(larger, with_row, tokens);
    const auto width = static_cast<std::size_t>(larger.vocabulary);
    for (std::size_t at = 0; at < all.size(); at += width) {
      const auto here = std::span(all).subspan(at, width);
      const double largest = *std::ranges::max_element(here);
      double sum = 0;
      for (const float logit : here) {
        sum += std::exp(logit - largest);
      }
      const double logit = here.back();
      if (!(std::abs(logit - wanted_logit) <= largest_deviation) ||
          !(logit - largest - std::log(sum) < largest_log_probability)) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

std::optional<EndRow> find_end_row(const ModelConfig& config, const Parameters& weights,
                                   NumberForm form) {
  const auto row = row_of(weights);
  if (!std::ranges::all_of(row, [](float x) { return std::abs(x) < largest_entry; })) {
    return std::nullopt;
  }
  for (const auto tried : {form, NumberForm::f32}) {
    const auto stored = rounded(row, tried);
    if (is_never_taken(config, weights, stored)) {
      return EndRow{stored, tried};
    }
  }
  return std::nullopt;
}

}  // namespace nodezero::model
