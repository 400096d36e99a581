// SPDX-License-Identifier: BSD-3-Clause

// Texts that a host reads token by token.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nodezero/language_model.hpp"
#include "nodezero/multilayer_perceptron.hpp"
#include "nodezero/nodezero.h"
#include "nodezero/trainer.hpp"
#include "support/executors.hpp"

namespace nodezero::testing {
namespace {

using Tokens = std::vector<std::int32_t>;

constexpr LanguageModel::Sizes sizes{
    .layers = 1, .heads = 2, .width = 8, .context = 8, .vocabulary = 16};

TrainerOptions options_for(Running running) {
  TrainerOptions options;
  options.running = running;
  options.steps_in_epoch = 1;
  options.total_steps = 40;
  options.optimizer.learning_rate = 0.05;
  options.batches = [](std::uint64_t, std::uint64_t, std::uint32_t) {
    TokenWindows windows{1, sizes.context, {}, {}};
    for (std::int32_t i = 0; i < sizes.context; ++i) {
      windows.inputs.push_back(5 * i % 16);
      windows.targets.push_back((5 * i + 5) % 16);
    }
    return AnyValue::of(std::move(windows));
  };
  return options;
}

Trainer language_trainer(const TrainerOptions& options) {
  return std::move(*Trainer::create(*LanguageModel::create(sizes), options));
}

Prompt prompt_for(std::int64_t count) {
  return {.tokens = {0, 5}, .count = count, .temperature = 1};
}

/// The tokens up to `most`, or to the end.
Tokens read(TokenStream& text, std::size_t most = 1'000'000) {
  Tokens tokens;
  while (tokens.size() < most) {
    const auto token = text.next();
    EXPECT_TRUE(token) << token.error().message;
    if (!token || !*token) {
      break;
    }
    tokens.push_back(**token);
  }
  return tokens;
}

Tokens predicted(Trainer& trainer, const Prompt& prompt, std::uint64_t version) {
  const auto answer = trainer.predict<Tokens>(prompt);
  EXPECT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->version, version);
  return answer->output;
}

class TokenStreams : public ::testing::TestWithParam<Running> {
 protected:
  Trainer trainer() {
    auto options = options_for(GetParam());
    options.execute = pool_.executor();
    return language_trainer(options);
  }
  static void finish(Trainer& trainer) {
    const auto status = GetParam() == Running::stepped
                            ? trainer.advance_to(1)
                            : trainer.wait_for_steps(40, std::chrono::minutes(1));
    ASSERT_TRUE(status) << status.error().message;
    ASSERT_EQ(status->steps, 40u) << status->failure;
  }

 private:
  JobQueue pool_;
};

TEST_P(TokenStreams, BringTheTokensOfThePrediction) {
  auto asked = trainer();
  finish(asked);
  for (const std::int64_t count : {0, 1, 5, 100}) {
    auto prompt = prompt_for(count);
    prompt.seed = static_cast<std::uint64_t>(count);
    auto text = asked.generate(prompt);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(read(*text), predicted(asked, prompt, 40)) << count;
    EXPECT_EQ(text->version(), count > 0 ? 40u : 0u);
    EXPECT_EQ(*text->next(), std::nullopt) << "after the end as well";
  }
}

TEST_P(TokenStreams, KeepTheirVersionThroughSavesAndRestores) {
  auto asked = trainer();
  const auto first = asked.save();
  ASSERT_TRUE(first);
  auto text = asked.generate(prompt_for(3'000));
  ASSERT_TRUE(text);
  auto tokens = read(*text, 3);
  const auto version = text->version();
  ASSERT_TRUE(asked.save());
  ASSERT_TRUE(asked.restore(*first));
  finish(asked);
  for (const auto token : read(*text)) {
    tokens.push_back(token);
  }
  ASSERT_EQ(tokens.size(), 3'000u);
  EXPECT_EQ(text->version(), version);
  // The same version again: the training from the beginning has the same bits.
  auto again = language_trainer(options_for(Running::stepped));
  while (again.status().version < version) {
    ASSERT_TRUE(again.step(1));
  }
  EXPECT_EQ(predicted(again, prompt_for(3'000), version), tokens);
}

TEST_P(TokenStreams, EndWhenNobodyWantsThem) {
  auto asked = trainer();
  finish(asked);
  auto endless = asked.generate(prompt_for(1'000'000));
  ASSERT_TRUE(endless);
  read(*endless, 2);
  endless->cancel();
  std::size_t rest = 0;
  for (auto token = endless->next(); token && *token; token = endless->next()) {
    ++rest;
  }
  EXPECT_LT(rest, 900'000u);
  auto dropped = asked.generate(prompt_for(1'000'000));
  ASSERT_TRUE(dropped);
  dropped = asked.generate(prompt_for(4));
  EXPECT_EQ(read(*dropped).size(), 4u);
}

TEST_P(TokenStreams, OfAClosedTrainerEnd) {
  auto asked = trainer();
  auto text = asked.generate(prompt_for(1'000'000));
  ASSERT_TRUE(text);
  read(*text, 2);
  ASSERT_TRUE(asked.close());
  auto token = text->next();
  while (token && *token) {
    token = text->next();
  }
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, ErrorCode::closed);
  EXPECT_EQ(asked.generate(prompt_for(1)).error().code, ErrorCode::closed);
}

std::string name_of(const ::testing::TestParamInfo<Running>& running) {
  constexpr const char* names[] = {"stepped", "own_threads", "host_executor"};
  return names[static_cast<int>(running.param)];
}

INSTANTIATE_TEST_SUITE_P(All, TokenStreams,
                         ::testing::Values(Running::stepped, Running::own_threads,
                                           Running::host_executor),
                         name_of);

TEST(TokenStream, IsOfLanguageModelsAndTheirTokens) {
  auto perceptron = std::move(*Trainer::create(MultilayerPerceptron({1, 1}), TrainerOptions{}));
  EXPECT_EQ(perceptron.generate(prompt_for(1)).error().code, ErrorCode::wrong_mode);
  auto trainer = language_trainer(options_for(Running::stepped));
  EXPECT_EQ(trainer.generate({.tokens = {16}, .count = 1}).error().code, ErrorCode::wrong_shape);
  EXPECT_EQ(trainer.generate({.tokens = {}, .count = 1}).error().code, ErrorCode::wrong_shape);
}

TEST(TokenStream, InCHasTheSameTokens) {
  auto trainer = language_trainer(options_for(Running::stepped));
  const auto expected = predicted(trainer, prompt_for(20), 0);

  nodezero_language_model model;
  nodezero_language_model_init(&model, sizeof model);
  model.layers = sizes.layers;
  model.heads = sizes.heads;
  model.width = sizes.width;
  model.context = sizes.context;
  model.vocabulary = sizes.vocabulary;
  nodezero_options options;
  nodezero_options_init(&options, sizeof options);
  nodezero_trainer* asked = nullptr;
  char message[200] = "";
  ASSERT_EQ(nodezero_create_language_model(&model, &options, &asked, message, sizeof message),
            NODEZERO_OK)
      << message;
  nodezero_prompt prompt;
  nodezero_prompt_init(&prompt, sizeof prompt);
  const std::vector<int32_t> tokens = {0, 5};
  prompt.tokens = tokens.data();
  prompt.token_count = tokens.size();
  prompt.count = 20;
  prompt.temperature = 1;
  nodezero_text* text = nullptr;
  ASSERT_EQ(nodezero_generate(asked, &prompt, &text), NODEZERO_OK);
  Tokens generated;
  int32_t token = 0;
  while (nodezero_next_token(text, &token) == NODEZERO_OK && token != NODEZERO_END_OF_TEXT) {
    generated.push_back(token);
  }
  EXPECT_EQ(generated, expected);
  EXPECT_EQ(nodezero_text_version(text), 0u);
  nodezero_destroy_text(text);

  // It learns, too, and texts may outlive their trainer.
  const std::vector<int32_t> inputs = {1, 2, 3, 4}, targets = {2, 3, 4, -1};
  ASSERT_EQ(nodezero_submit_tokens(asked, 2, 2, inputs.data(), targets.data()), NODEZERO_OK);
  nodezero_status status;
  nodezero_status_init(&status, sizeof status);
  ASSERT_EQ(nodezero_advance_to(asked, 1, &status), NODEZERO_OK);
  EXPECT_EQ(status.steps, 1u);
  ASSERT_EQ(nodezero_generate(asked, &prompt, &text), NODEZERO_OK);
  nodezero_destroy(asked);
  EXPECT_EQ(nodezero_next_token(text, &token), NODEZERO_CLOSED);
  nodezero_destroy_text(text);

  EXPECT_EQ(nodezero_next_token(nullptr, &token), NODEZERO_INVALID_ARGUMENT);
  nodezero_destroy_text(nullptr);
}

TEST(TokenStream, InCRefusesWhatIsMissing) {
  nodezero_language_model model;
  nodezero_language_model_init(&model, sizeof model);
  nodezero_options options;
  nodezero_options_init(&options, sizeof options);
  nodezero_trainer* asked = nullptr;
  ASSERT_EQ(nodezero_create_language_model(&model, &options, &asked, nullptr, 0), NODEZERO_OK);
  nodezero_prompt prompt;
  nodezero_prompt_init(&prompt, sizeof prompt);
  nodezero_text* text = nullptr;
  EXPECT_EQ(nodezero_generate(asked, &prompt, nullptr), NODEZERO_INVALID_ARGUMENT);
  EXPECT_EQ(nodezero_generate(asked, nullptr, &text), NODEZERO_INVALID_ARGUMENT);
  EXPECT_EQ(nodezero_generate(nullptr, &prompt, &text), NODEZERO_INVALID_ARGUMENT);
  EXPECT_EQ(nodezero_generate(asked, &prompt, &text), NODEZERO_WRONG_SHAPE) << "no token";
  EXPECT_EQ(text, nullptr);
  EXPECT_EQ(nodezero_submit_tokens(asked, 1, 2, nullptr, nullptr), NODEZERO_INVALID_ARGUMENT);
  nodezero_destroy(asked);
  model.heads = 3;
  EXPECT_EQ(nodezero_create_language_model(&model, &options, &asked, nullptr, 0),
            NODEZERO_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace nodezero::testing
