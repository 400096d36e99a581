// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/extension.hpp"

#include <gtest/gtest.h>

namespace nodezero::apps {
namespace {

TEST(AfterEpoch, GoesOnWithTheNextOneWhereAHostHasCountedTheLastStep) {
  const model::TrainingProgress last{.epoch = 2,
                                     .step_in_epoch = 5,
                                     .step = 15,
                                     .epoch_negative_log_likelihood = 7,
                                     .epoch_tokens = 70};
  const auto next = after_epoch(last, 5);
  EXPECT_EQ(next.epoch, 3u);
  EXPECT_EQ(next.step_in_epoch, 0u);
  EXPECT_EQ(next.step, 15u);
  EXPECT_EQ(next.epoch_negative_log_likelihood, 0);
  EXPECT_EQ(next.epoch_tokens, 0u);
}

TEST(AfterEpoch, LeavesAllElseAsItIs) {
  const model::TrainingProgress within{
      .epoch = 2, .step_in_epoch = 4, .step = 14, .epoch_tokens = 70};
  for (const std::uint64_t steps : {5u, 0u}) {  // 0: a host's batches have no epochs
    const auto same = after_epoch(within, steps);
    EXPECT_EQ(same.epoch, 2u);
    EXPECT_EQ(same.step_in_epoch, 4u);
    EXPECT_EQ(same.epoch_tokens, 70u);
  }
}

}  // namespace
}  // namespace nodezero::apps
