// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/generation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "model/kernels/bf16.hpp"
#include "tests/model/reference/gpt2.hpp"
#include "tests/model/support/small_model.hpp"

namespace nodezero::model {
namespace {

const ModelConfig config{.layers = 2, .heads = 3, .width = 33, .context = 23, .vocabulary = 41};

std::shared_ptr<const Parameters> weights() {
  return std::make_shared<const Parameters>(test::uneven_weights(config, 1));
}

std::vector<std::int32_t> prompt(std::size_t count) {
  return test::random_batch(config, 1, static_cast<std::int64_t>(count), 2).inputs;
}

TEST(Logits, MatchTheReference) {
  const auto w = weights();
  for (const std::size_t count : {1, 2, 17, 23}) {
    const std::vector<std::int32_t> tokens = prompt(count);
    const std::vector<float> actual = logits(config, w, tokens);
    const std::vector<double> expected = reference::logits(config, test::widened(*w), tokens);
    ASSERT_EQ(actual.size(), expected.size());
    EXPECT_LT(test::relative_distance(actual, expected), 1e-6) << count << " tokens";
  }
}

TEST(Generator, WithItsCacheEqualsRecomputationAcrossAFullContext) {
  const auto w = weights();
  for (const double temperature : {0.0, 0.9}) {
    const SamplingOptions options{.temperature = temperature, .seed = 5};
    std::vector<std::int32_t> window = prompt(4);
    Generator generator(config, w, window, options);
    for (std::uint64_t index = 0; index < 60; ++index) {
      if (window.size() > 23) {
        window.erase(window.begin(), window.end() - 11);
      }
      const std::vector<float> all = logits(config, w, window);
      const std::int32_t expected =
          sample(std::span(all).last(static_cast<std::size_t>(config.vocabulary)), options, index);
      ASSERT_EQ(generator.next(), expected) << "token " << index;
      window.push_back(expected);
    }
  }
}

TEST(Generator, TakesTheLastTokensOfALongPrompt) {
  const auto w = weights();
  const std::vector<std::int32_t> whole = prompt(40);
  const std::vector<std::int32_t> end(whole.end() - 23, whole.end());
  Generator from_whole(config, w, whole, {}), from_end(config, w, end, {});
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(from_whole.next(), from_end.next());
  }
}

TEST(Generator, WorksWithAContextOfOneToken) {
  const ModelConfig short_config{
      .layers = 1, .heads = 1, .width = 4, .context = 1, .vocabulary = 5};
  const auto w = std::make_shared<const Parameters>(test::uneven_weights(short_config, 1));
  const std::vector<std::int32_t> start{3};
  Generator generator(short_config, w, start, {});
  for (int i = 0; i < 5; ++i) {
    const std::int32_t token = generator.next();
    EXPECT_GE(token, 0);
    EXPECT_LT(token, 5);
  }
}

TEST(Generator, RefusesAnEmptyPromptAndForeignTokens) {
  const std::vector<std::int32_t> foreign{1, 41};
  EXPECT_THROW(Generator(config, weights(), {}, {}), std::invalid_argument);
  EXPECT_THROW(Generator(config, weights(), foreign, {}), std::invalid_argument);
}

const std::array<float, 5> some_logits{0.5f, 2.0f, 1.0f, 2.0f, -1.0f};

TEST(Sample, IsGreedyAtTemperatureZeroAndTiesGoToTheLowestId) {
  EXPECT_EQ(sample(some_logits, {.temperature = 0}, 0), 1);
  EXPECT_EQ(sample(some_logits, {.temperature = 1, .top_k = 1}, 0), 1);
}

TEST(Sample, DrawsTokensInProportionToTheirProbability) {
  const SamplingOptions options{.temperature = 0.7, .seed = 3};
  std::array<double, 5> counts{}, expected{};
  constexpr int draws = 40'000;
  for (int i = 0; i < draws; ++i) {
    counts[static_cast<std::size_t>(sample(some_logits, options, static_cast<std::uint64_t>(i)))] +=
        1.0 / draws;
  }
  double sum = 0;
  for (std::size_t v = 0; v < 5; ++v) {
    expected[v] = std::exp(some_logits[v] / 0.7);
    sum += expected[v];
  }
  for (std::size_t v = 0; v < 5; ++v) {
    EXPECT_NEAR(counts[v], expected[v] / sum, 0.01) << "token " << v;
  }
}

TEST(Sample, StaysInsideTopKAndTopPAndUsesAllOfThem) {
  std::set<std::int32_t> from_k, from_p;
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    from_k.insert(sample(some_logits, {.temperature = 2, .top_k = 3}, i));
    // Tokens 1 and 3 have 0.36 each at temperature 1: together they reach 0.7.
    from_p.insert(sample(some_logits, {.temperature = 1, .top_p = 0.7}, i));
    ASSERT_EQ(sample(some_logits, {.temperature = 1, .top_p = 1e-9}, i), 1);
  }
  EXPECT_EQ(from_k, (std::set<std::int32_t>{1, 2, 3}));
  EXPECT_EQ(from_p, (std::set<std::int32_t>{1, 3}));
}

TEST(Sample, DependsOnSeedAndIndexAlone) {
  const SamplingOptions options{.temperature = 1, .seed = 9};
  bool differs = false;
  for (std::uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(sample(some_logits, options, i), sample(some_logits, options, i));
    differs = differs || sample(some_logits, options, i) != sample(some_logits, options, 0);
  }
  EXPECT_TRUE(differs);
}

TEST(SamplingOptions, AreRefusedOutsideTheirBounds) {
  EXPECT_TRUE(validate(SamplingOptions{}).has_value());
  EXPECT_FALSE(validate(SamplingOptions{.temperature = -1}).has_value());
  EXPECT_FALSE(validate(SamplingOptions{.top_k = -1}).has_value());
  EXPECT_FALSE(validate(SamplingOptions{.top_p = 0}).has_value());
  EXPECT_FALSE(validate(SamplingOptions{.top_p = 1.1}).has_value());
}

TEST(Sample, NeverTakesPadding) {
  std::vector<float> logits(8, 0.0f);
  logits[6] = 50;
  for (const double temperature : {0.0, 1.0}) {
    for (std::uint64_t index = 0; index < 50; ++index) {
      const SamplingOptions options{.temperature = temperature, .vocabulary = 5};
      EXPECT_LT(sample(logits, options, index), 5);
    }
  }
}

}  // namespace
}  // namespace nodezero::model
