// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/trainer.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "support/tiny_run.hpp"

namespace nodezero::actors::testing {
namespace {

TEST(Trainer, TrainsEveryBatchOfEveryEpochAndTheLossFalls) {  // A3, B1, C4
  auto settings = tiny_settings();
  settings.training.epochs = 20;
  Recorder recorder;
  const auto finished = run_to_end(settings, recorder);
  ASSERT_EQ(finished.result.end, TrainingResult::End::finished) << finished.result.failure;
  ASSERT_EQ(recorder.epochs.size(), 20u);
  std::uint64_t steps = 0;
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    EXPECT_EQ(recorder.epochs[epoch].tokens, 539u);
    EXPECT_EQ(recorder.epochs[epoch].steps, settings.training_batches->steps_in_epoch(epoch));
    steps += recorder.epochs[epoch].steps;
  }
  EXPECT_EQ(recorder.steps.size(), steps);
  EXPECT_EQ(finished.result.progress.step, steps);
  EXPECT_EQ(finished.result.progress.version, steps);
  EXPECT_NEAR(recorder.steps.front().loss, std::log(16.0), 0.1);
  EXPECT_LT(recorder.epochs.back().loss, 0.5 * recorder.epochs.front().loss);
  EXPECT_EQ(recorder.evaluations.size(), 20u);
  EXPECT_TRUE(recorder.notices.empty());
}

}  // namespace
}  // namespace nodezero::actors::testing
