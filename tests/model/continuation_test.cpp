// SPDX-License-Identifier: BSD-3-Clause

// Continuations that are generated together have the bits of each alone.

#include "model/gpt2/continuation.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/version_decoder.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "tests/model/support/small_model.hpp"

namespace nodezero::model {
namespace {

using Tokens = std::vector<std::int32_t>;

const ModelConfig config{.layers = 2, .heads = 3, .width = 33, .context = 90, .vocabulary = 41};

std::shared_ptr<const Parameters> weights() {
  static const auto all = std::make_shared<const Parameters>(test::uneven_weights(config, 1));
  return all;
}

std::shared_ptr<VersionDecoder> decoder_of_weights(Precision precision) {
  return std::make_shared<VersionDecoder>(config,
                                          std::make_shared<DecoderWeights>(weights(), precision));
}

Tokens prompt_of(std::uint64_t number) {
  return test::random_batch(config, 1, 1 + static_cast<Index>(number * 17) % 88, number).inputs;
}

SamplingOptions sampling_of(std::uint64_t number) {
  return {.temperature = 0.7 + 0.1 * static_cast<double>(number % 5),
          .top_k = static_cast<std::int64_t>(number % 3) * 9,
          .seed = number};
}

/// A number of them, taken forward together in turns of `piece` tokens until all are done. Some
/// join later than others.
std::vector<std::vector<ScoredToken>> generate_together(std::uint64_t count, std::int64_t tokens,
                                                        std::int64_t piece, Precision precision) {
  const auto version = decoder_of_weights(precision);
  std::vector<std::unique_ptr<Continuation>> all;
  std::vector<std::vector<ScoredToken>> generated(count);
  for (;;) {
    for (int i = 0; i < 3 && all.size() < count; ++i) {
      const auto number = all.size();
      all.push_back(std::make_unique<Continuation>(
          config, prompt_of(number),
          ContinuationOptions{sampling_of(number), tokens, {.log_probabilities = true}}));
    }
    std::vector<Continuation*> open;
    for (const auto& each : all) {
      if (!each->is_done()) {
        open.push_back(each.get());
      }
    }
    if (open.empty() && all.size() == count) {
      return generated;
    }
    advance(config, version, open, piece);
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::ranges::move(all[i]->take_tokens(), std::back_inserter(generated[i]));
    }
  }
}

TEST(Continuation, HasTheBitsOfAGeneratorWhoeverItIsTogetherWith) {
  const FloatingPointScope scope;
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    for (const std::int64_t piece : {1, 7}) {
      const auto together = generate_together(9, 100, piece, precision);
      for (std::uint64_t number = 0; number < together.size(); ++number) {
        Generator alone(config, weights(), prompt_of(number), sampling_of(number), precision);
        ASSERT_EQ(together[number].size(), 100u);
        for (const auto& token : together[number]) {
          ASSERT_EQ(token.id, alone.next()) << number;
          ASSERT_EQ(token.log_probability, alone.log_probability()) << number;
        }
      }
    }
  }
}

TEST(Continuation, ScoresItsPromptAsTheForwardPassOfTrainingDoes) {
  const FloatingPointScope scope;
  const Tokens prompt = test::random_batch(config, 1, 90, 3).inputs;
  const MicroBatch batch{.sequences = 1,
                         .context = 89,
                         .inputs = Tokens(prompt.begin(), prompt.end() - 1),
                         .targets = Tokens(prompt.begin() + 1, prompt.end()),
                         .valid_tokens = 89};
  Workspace workspace;
  const auto losses = token_losses(config, *weights(), batch, workspace);
  const auto version = decoder_of_weights(Precision::fp32);
  for (const std::int64_t tokens : {0, 4}) {
    Continuation scored(
        config, prompt,
        {sampling_of(1), tokens, {.log_probabilities = true, .of_prompt = true, .likeliest = 2}});
    Continuation* const all[] = {&scored};
    while (!scored.is_done()) {
      advance(config, version, all, 2);
    }
    const auto found = scored.take_prompt();
    ASSERT_EQ(found.size(), prompt.size());
    EXPECT_FALSE(found[0].log_probability);
    for (std::size_t i = 1; i < found.size(); ++i) {
      ASSERT_EQ(found[i].id, prompt[i]);
      ASSERT_EQ(found[i].log_probability, -losses[i - 1]);
      ASSERT_EQ(found[i].likeliest.size(), 2u);
      EXPECT_GE(found[i].likeliest[0].second, found[i].likeliest[1].second);
      EXPECT_GE(found[i].likeliest[0].second, *found[i].log_probability);
    }
    const auto generated = scored.take_tokens();
    ASSERT_EQ(generated.size(), static_cast<std::size_t>(tokens));
    Generator alone(config, weights(), prompt, sampling_of(1));
    for (const auto& token : generated) {
      EXPECT_EQ(token.id, alone.next());
    }
  }
}

TEST(Continuation, EndsWithTheEndToken) {
  const auto version = decoder_of_weights(Precision::fp32);
  Continuation without(config, prompt_of(2), {sampling_of(2), 50, {}});
  Continuation* all[] = {&without};
  advance(config, version, all, 50);
  const auto tokens = without.take_tokens();
  const auto last = tokens[20].id;
  const auto end = std::ranges::find(tokens, last, &ScoredToken::id) - tokens.begin();

  Continuation with(config, prompt_of(2), {sampling_of(2), 50, {.end_token = last}});
  all[0] = &with;
  advance(config, version, all, 50);
  EXPECT_TRUE(with.is_done());
  EXPECT_EQ(with.take_tokens().size(), static_cast<std::size_t>(end) + 1);
}

TEST(Continuation, DrawsWithABiasAndScoresWithout) {
  const auto version = decoder_of_weights(Precision::fp32);
  Continuation biased(config, prompt_of(1),
                      {sampling_of(1), 5, {.log_probabilities = true, .bias = {{7, 100.0f}}}});
  Continuation* const all[] = {&biased};
  advance(config, version, all, 5);
  Tokens window = prompt_of(1);
  for (const auto& token : biased.take_tokens()) {
    EXPECT_EQ(token.id, 7);
    window.push_back(7);
    EXPECT_LT(*token.log_probability, 0);
  }
}

TEST(Continuation, HasItsBitsInABufferThatAnotherHasLeft) {
  const auto version = decoder_of_weights(Precision::fp32);
  for (std::uint64_t number = 1; number < 4; ++number) {
    Continuation one(config, prompt_of(number), {sampling_of(number), 20, {}});
    Continuation* const all[] = {&one};
    advance(config, version, all, 20);
    Generator alone(config, weights(), prompt_of(number), sampling_of(number));
    for (const auto& token : one.take_tokens()) {
      ASSERT_EQ(token.id, alone.next()) << number;
    }
  }
}

TEST(Continuation, HasItsWeightsPackedAsSoonAsThereAreSeveral) {
  const auto version = decoder_of_weights(Precision::fp32);
  Continuation one(config, prompt_of(1), {sampling_of(1), 5, {}});
  Continuation other(config, prompt_of(2), {sampling_of(2), 5, {}});
  Continuation* const both[] = {&one, &other};
  advance(config, version, std::span(both).first(1), 1);
  EXPECT_EQ(version->weights->packed(), nullptr);
  advance(config, version, both, 1);
  EXPECT_NE(version->weights->packed(), nullptr);
}

TEST(Continuation, LetsItsVersionGoWithTheLastOfThem) {
  std::weak_ptr<VersionDecoder> held;
  {
    Continuation one(config, prompt_of(1), {sampling_of(1), 5, {}});
    {
      const auto version = decoder_of_weights(Precision::fp32);
      held = version;
      Continuation* const all[] = {&one};
      advance(config, version, all, 1);
    }
    EXPECT_FALSE(held.expired());
  }
  EXPECT_TRUE(held.expired());
}

TEST(Continuation, RefusesTokensThatTheModelDoesNotKnow) {
  EXPECT_THROW(Continuation(config, Tokens{}, {}), std::invalid_argument);
  EXPECT_THROW(Continuation(config, Tokens{41}, {}), std::invalid_argument);
  EXPECT_THROW(Continuation(config, Tokens{-1}, {}), std::invalid_argument);
}

}  // namespace
}  // namespace nodezero::model
