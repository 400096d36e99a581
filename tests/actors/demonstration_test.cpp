// SPDX-License-Identifier: BSD-3-Clause

// The demonstration of the regressions: the licence text on which the old system trained 7 of
// 90 batches with gradients of zero.

#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>

#include "model/text/corpus.hpp"
#include "support/tiny_run.hpp"

namespace nodezero::actors::testing {
namespace {

const std::filesystem::path licence = "/usr/share/common-licenses/GPL-3";

TEST(Demonstration, TrainsTheWholeLicenceWithAnyNumberOfSpheres) {  // A2, B1, B3, C1, C4, C7
  ASSERT_TRUE(std::filesystem::exists(licence)) << licence << " is missing: every Debian has it";
  const std::filesystem::path files[] = {licence};
  const auto corpus = model::open_corpus(files, {.kind = model::Tokenizer::Kind::chars});
  ASSERT_TRUE(corpus) << corpus.error().message;
  auto settings = tiny_settings();
  settings.training.model = {.layers = 2,
                             .heads = 4,
                             .width = 32,
                             .context = 32,
                             .vocabulary = corpus->tokenizer.vocabulary()};
  settings.training.sequences = 4;
  settings.training.micro_batches = 6;
  const std::uint64_t size = corpus->tokens->size();
  settings.training_batches = std::make_shared<model::ShuffledWindows>(
      corpus->tokens, model::TokenRange{0, size}, 32, 4, 6, settings.training.seed);
  settings.validation_batches = nullptr;
  settings.prompts = {*corpus->tokenizer.encode("This License")};
  settings.sample_tokens = 100;

  std::string digest;
  for (const std::uint32_t spheres : {1, 2, 4, 16, 158}) {
    settings.spheres = spheres;
    Recorder recorder;
    const auto finished = run_to_end(settings, recorder);
    ASSERT_EQ(finished.result.end, TrainingResult::End::finished) << finished.result.failure;
    ASSERT_EQ(recorder.epochs.size(), 2u);
    for (const auto& epoch : recorder.epochs) {
      EXPECT_EQ(epoch.tokens, size - 1);  // every batch, to the last token
    }
    EXPECT_NEAR(recorder.steps.front().loss,
                std::log(static_cast<double>(settings.training.model.vocabulary)), 0.2);
    EXPECT_LT(recorder.epochs.back().loss, recorder.epochs.front().loss);
    EXPECT_LT(recorder.epochs.back().loss, 0.75 * recorder.steps.front().loss);
    for (const auto& step : recorder.steps) {
      EXPECT_GT(step.gradient_norm, 0);
    }
    // The first moment averages the gradients of the run: none of its tensors is zero.
    const auto& moment = finished.result.optimizer->first_moment;
    for (const auto& tensor : moment.layout()->tensors()) {
      const auto values = moment[tensor];
      EXPECT_TRUE(std::any_of(values.begin(), values.end(), [](float v) { return v != 0; }))
          << tensor.name;
    }
    ASSERT_EQ(recorder.samples.size(), 2u);
    EXPECT_EQ(recorder.samples.back().tokens.size(), 100u);
    digest = digest.empty() ? finished.weights : digest;
    EXPECT_EQ(finished.weights, digest) << spheres << " spheres";
  }
}

TEST(Demonstration, GenerationIsAnsweredWhileAnEpochRuns) {  // A2
  auto settings = tiny_settings();
  settings.training.epochs = 200;
  Recorder recorder;
  Trainer* running = nullptr;
  std::vector<Result<GenerationResult>> answers;
  recorder.after_step = [&](const StepSummary& summary) {
    if (summary.step % 100 == 50) {
      answers.push_back(running->generate({1, 2}, 5, {}));
    }
  };
  Trainer trainer(settings, recorder);
  running = &trainer;
  EXPECT_EQ(trainer.run().end, TrainingResult::End::finished);
  ASSERT_GE(answers.size(), 3u);
  EXPECT_TRUE(answers.front()) << answers.front().error().message;
  EXPECT_EQ(answers.front()->tokens.size(), 5u);
}

}  // namespace
}  // namespace nodezero::actors::testing
