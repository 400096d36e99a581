// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "model/gpt2/generation.hpp"
#include "model/kernels/functions.hpp"
#include "model/kernels/random.hpp"

namespace nodezero::model {
namespace {

std::int32_t most_likely(std::span<const float> logits) {
  // max_element returns the first of equals, the lowest id.
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// The tokens to draw from: all by id if nothing limits them, for sorting 50,000 takes longer
/// than a small model. Else from the most to the least likely, equals by id; with top_k only the
/// first of them.
std::vector<std::int32_t> candidates(std::span<const float> logits,
                                     const SamplingOptions& options) {
  std::vector<std::int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  if (options.top_k == 0 && options.top_p == 1) {
    return ids;
  }
  const std::int64_t limit = options.top_k;
  const auto likelier = [&](std::int32_t a, std::int32_t b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x > y || (x == y && a < b);
  };
  if (limit > 0 && static_cast<std::size_t>(limit) < ids.size()) {
    std::partial_sort(ids.begin(), ids.begin() + limit, ids.end(), likelier);
    ids.resize(static_cast<std::size_t>(limit));
  } else {
    std::sort(ids.begin(), ids.end(), likelier);
  }
  return ids;
}

}  // namespace

Result<void> validate(const SamplingOptions& options) {
  if (!(options.temperature >= 0 && std::isfinite(options.temperature))) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("'temperature' must be finite and not negative, not {}", options.temperature));
  }
  if (options.top_k < 0) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'top_k' must be 0 (no limit) or more, not {}", options.top_k));
  }
  if (!(options.top_p > 0 && options.top_p <= 1)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'top_p' must be above 0 and at most 1, not {}", options.top_p));
  }
  return {};
}

std::int32_t sample(std::span<const float> logits, const SamplingOptions& options,
                    std::uint64_t index) {
  const auto vocabulary = static_cast<std::size_t>(options.vocabulary);
  if (vocabulary > 0 && vocabulary < logits.size()) {
    logits = logits.first(vocabulary);
  }
  const bool comparable =
      std::none_of(logits.begin(), logits.end(), [](float logit) { return std::isnan(logit); });
  if (options.temperature == 0 || !comparable) {
    return most_likely(logits);
  }
  const std::vector<std::int32_t> ids = candidates(logits, options);

  // Running sums of the unnormalised probabilities, in double so that no token of a large
  // vocabulary is lost.
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> running(ids.size());
  double sum = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const double logit = logits[static_cast<std::size_t>(ids[i])];
    // Equal infinities are equally likely.
    const double distance = logit == largest ? 0.0 : logit - largest;
    sum += exp(distance / options.temperature);
    running[i] = sum;
  }
  // The nucleus: the fewest of the most likely tokens that reach top_p together (Holtzman et
  // al.: "The curious case of neural text degeneration", ICLR 2020).
  const auto pick = [&](double below, std::size_t count) {
    const auto end = running.begin() + static_cast<std::ptrdiff_t>(count);
    const auto found = std::upper_bound(running.begin(), end, below);
    return std::min(static_cast<std::size_t>(found - running.begin()), count - 1);
  };
  std::size_t count = ids.size();
  if (options.top_p < 1) {
    const auto reached =
        std::lower_bound(running.begin(), running.end(), options.top_p * running.back());
    count = std::min(static_cast<std::size_t>(reached - running.begin()) + 1, count);
  }
  const double uniform = KeyedRandom(options.seed, RandomPurpose::sampling, index).uniform(0);
  return ids[pick(uniform * running[count - 1], count)];
}

}  // namespace nodezero::model
