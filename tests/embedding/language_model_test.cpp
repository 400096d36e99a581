// SPDX-License-Identifier: BSD-3-Clause
#include "nodezero/language_model.hpp"

#include <gtest/gtest.h>

#include "actors/embedding/state_bytes.hpp"
#include "actors/run/trainer.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/storage/digest.hpp"
#include "support/models.hpp"

namespace nodezero::testing {
namespace {

constexpr LanguageModel::Sizes sizes{
    .layers = 1, .heads = 2, .width = 8, .context = 8, .vocabulary = 16};
constexpr std::uint64_t steps = 12;

/// Windows of a text that repeats itself.
model::MicroBatch windows(std::uint64_t step, std::uint32_t position) {
  model::MicroBatch batch;
  batch.sequences = 2;
  batch.context = sizes.context;
  for (std::uint64_t i = 0; i < 16; ++i) {
    const std::uint64_t place = 5 * (step * 7 + position * 3 + i);
    batch.inputs.push_back(static_cast<std::int32_t>(place % 16));
    batch.targets.push_back(static_cast<std::int32_t>((place + 5) % 16));
  }
  batch.targets[3] = model::ignored_target;
  batch.valid_tokens = 15;
  return batch;
}

/// As the actors get them without a host.
class Windows : public model::BatchSource {
 public:
  std::uint64_t steps_in_epoch(std::uint64_t) const override { return steps; }
  std::uint32_t micro_batches_in_step(std::uint64_t, std::uint64_t) const override { return 3; }
  model::MicroBatch micro_batch(std::uint64_t, std::uint64_t step,
                                std::uint32_t position) const override {
    return windows(step, position);
  }
};

TEST(LanguageModel, GetsTheBitsInAHostThatTheProgramGives) {
  actors::RunSettings settings;
  settings.training.model = {.layers = sizes.layers,
                             .heads = sizes.heads,
                             .width = sizes.width,
                             .context = sizes.context,
                             .vocabulary = sizes.vocabulary};
  settings.training.optimizer.warmup = 2;
  settings.training.optimizer.learning_rate = 1e-2;
  settings.training.optimizer.min_learning_rate = 1e-3;
  settings.training.micro_batches = 3;
  settings.training.steps = steps;
  settings.training_batches = std::make_shared<Windows>();
  settings.threads = 2;
  actors::Observer nobody;
  const auto expected = actors::Trainer(settings, nobody).run();
  ASSERT_EQ(expected.end, actors::TrainingResult::End::finished) << expected.failure;

  TrainerOptions options;
  options.optimizer = settings.training.optimizer;
  options.seed = settings.training.seed;
  options.micro_batches = 3;
  options.steps_in_epoch = steps;
  options.total_steps = steps;
  options.batches = [](std::uint64_t, std::uint64_t step, std::uint32_t position) {
    const auto batch = windows(step, position);
    return AnyValue::of(TokenWindows{batch.sequences, batch.context, batch.inputs, batch.targets});
  };
  auto trainer = Trainer::create(*LanguageModel::create(sizes), options);
  ASSERT_TRUE(trainer) << trainer.error().message;
  const auto status = trainer->advance_to(1);
  EXPECT_EQ(status->progress, Progress::finished) << status->failure;
  const auto state = actors::checkpoint_from_bytes(
      *trainer->save(), model::gpt2_layout(settings.training.model), options);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(model::digest(*state->weights), model::digest(*expected.weights));
  EXPECT_EQ(model::digest(*state->optimizer), model::digest(*expected.optimizer));

  const auto answer =
      trainer->predict<std::vector<std::int32_t>>(Prompt{.tokens = {0, 5}, .count = 20});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->output.size(), 20u);
  EXPECT_EQ(answer->version, steps);
}

TEST(LanguageModel, RefusesWhatLiesOutsideOfItsSizes) {
  EXPECT_FALSE(LanguageModel::create({.layers = 1, .heads = 3, .width = 8}));
  EXPECT_FALSE(LanguageModel::create({.layers = 0}));
  const auto model = LanguageModel::create(sizes);
  ASSERT_TRUE(model);
  EXPECT_FALSE(model->check(TokenWindows{1, 2, {1, 2}, {2, -1}}));
  for (const TokenWindows& batch :
       {TokenWindows{}, TokenWindows{1, 2, {1}, {2, 3}}, TokenWindows{1, 9, {}, {}},
        TokenWindows{1, 2, {1, 16}, {2, 3}}, TokenWindows{1, 2, {1, -1}, {2, 3}},
        TokenWindows{1, 2, {1, 2}, {-1, -1}}, TokenWindows{1, 2, {1, 2}, {2, -2}}}) {
    EXPECT_TRUE(model->check(batch));
  }
  EXPECT_FALSE(model->check(Prompt{.tokens = {1}, .count = 3}));
  EXPECT_TRUE(model->check(Prompt{.tokens = {}, .count = 3}));
  EXPECT_TRUE(model->check(Prompt{.tokens = {16}, .count = 3}));
  EXPECT_TRUE(model->check(Prompt{.tokens = {1}, .count = 3, .temperature = -1}));
}

}  // namespace
}  // namespace nodezero::testing
