// SPDX-License-Identifier: BSD-3-Clause
#include <filesystem>
#include <unistd.h>

#include <gtest/gtest.h>

#include "nodezero/trainer.hpp"
#include "support/models.hpp"

namespace nodezero::testing {
namespace {

Trainer must_create(TrainerOptions options) {
  auto trainer = Trainer::create(small_model(), std::move(options));
  EXPECT_TRUE(trainer) << trainer.error().message;
  return std::move(*trainer);
}

TEST(SavedState, IsThatOfAStepsEndAlsoInTheMiddleOfAStep) {
  Trainer whole = must_create(small_options());
  train(whole, 0, 5 * 3);
  const auto expected = *whole.save();
  EXPECT_TRUE(*whole.save() == expected);
  train(whole, 5 * 3, 6 * 3);
  const auto next = *whole.save();

  Trainer stopped = must_create(small_options());
  for (std::uint64_t i = 0; i < 15 + 3; ++i) {
    ASSERT_TRUE(stopped.submit(examples_of(i)));
  }
  for (int i = 0; i < 5; ++i) {
    while (stopped.step(1)->progress == Progress::working) {
    }
  }
  for (int messages = 0; messages < 200; ++messages) {
    // An update that runs is finished; everything before it is done again.
    const auto state = *stopped.save();
    const bool is_done = stopped.status().steps == 6;
    ASSERT_TRUE(state == (is_done ? next : expected)) << "after " << messages << " messages";
    if (is_done) {
      EXPECT_GT(messages, 10);
      return;
    }
    for (int i = 0; i <= messages; ++i) {
      ASSERT_NE(stopped.step(1)->progress, Progress::failed);
    }
  }
  FAIL() << "the sixth step was never done";
}

TEST(SavedState, GoesOnAsIfTheTrainerHadNeverStopped) {
  auto options = small_options();
  Trainer never = must_create(options);
  train(never, 0, 60);
  const auto expected = *never.save();
  for (const std::uint64_t step : {0, 1, 3, 4, 5, 13}) {
    Trainer first = must_create(options);
    train(first, 0, 3 * step);
    const auto state = first.save();
    ASSERT_TRUE(state);

    options.spheres = 1 + static_cast<std::uint32_t>(step);
    Trainer second = must_create(options);
    ASSERT_TRUE(second.restore(*state));
    EXPECT_EQ(second.status().taken, 3 * step);
    train(second, second.status().taken, 60);
    EXPECT_TRUE(*second.save() == expected) << "from step " << step;

    train(first, 3 * step, 3 * step + 10);  // and rolled back in the middle of a step
    ASSERT_TRUE(first.restore(*state));
    EXPECT_EQ(first.status().steps, step);
    train(first, 3 * step, 60);
    EXPECT_TRUE(*first.save() == expected) << "rolled back to step " << step;
  }
}

TEST(SavedState, BringsBackTheTimeThatItsStepsTook) {
  auto options = small_options();
  options.time_per_step = 0.1;
  Trainer trainer = must_create(options);
  const auto submit_from = [&](std::uint64_t first) {
    for (std::uint64_t i = first; i < 45; ++i) {
      ASSERT_TRUE(trainer.submit(examples_of(i)));
    }
  };
  const auto time_after = [](int steps) {
    double time = 0;
    for (int i = 0; i < steps; ++i) {
      time += 0.1;
    }
    return time;
  };
  ASSERT_NE(time_after(8), 8 * 0.1);
  submit_from(0);
  ASSERT_EQ(trainer.advance_to(time_after(8))->steps, 8u);
  const auto state = trainer.save();
  ASSERT_EQ(trainer.advance_to(time_after(12))->steps, 12u);

  ASSERT_TRUE(trainer.restore(*state));
  EXPECT_EQ(trainer.status().time, time_after(8));
  submit_from(trainer.status().taken);
  EXPECT_EQ(trainer.advance_to(time_after(9))->steps, 9u);  // as it had done the first time

  Trainer other = must_create(options);
  ASSERT_TRUE(other.restore(*state));
  EXPECT_FALSE(other.restore(SavedState{}));
  EXPECT_EQ(other.status().time, time_after(8));
}

TEST(SavedState, IsTheSameWithOwnThreads) {
  auto options = small_options();
  Trainer stepped = must_create(options);
  train(stepped, 0, 60);
  options.running = Running::own_threads;
  Trainer trainer = must_create(options);
  for (std::uint64_t i = 0; i < 60; ++i) {
    ASSERT_TRUE(trainer.submit(examples_of(i)));
    if (i % 7 == 0) {
      ASSERT_TRUE(trainer.save());
    }
  }
  ASSERT_TRUE(trainer.wait_for_steps(20, std::chrono::minutes(5)));
  EXPECT_TRUE(*trainer.save() == *stepped.save());
}

TEST(SavedState, GoesIntoAFileAndBack) {
  const auto folder =
      std::filesystem::temp_directory_path() /
      ("nodezero-state-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
       std::to_string(getpid()));
  auto options = small_options();
  options.folder = folder;
  {
    Trainer trainer = must_create(options);
    train(trainer, 0, 7);
    ASSERT_TRUE(trainer.save("before"));
    const auto expected = *trainer.save();
    train(trainer, 7, 20);
    ASSERT_TRUE(trainer.restore("before"));
    EXPECT_TRUE(*trainer.save() == expected);
    EXPECT_EQ(trainer.restore("nothing").error().code, ErrorCode::not_found);
    EXPECT_EQ(trainer.save("../outside").error().code, ErrorCode::invalid_argument);
    EXPECT_TRUE(*trainer.save() == expected);
  }
  std::filesystem::remove_all(folder);
}

TEST(SavedState, GoesOnOnlyWhereAStepAndAnEpochAreWhatTheyWere) {
  Trainer trainer = must_create(small_options());
  train(trainer, 0, 3 * 6);
  const auto state = *trainer.save();
  auto options = small_options();
  options.steps_in_epoch = 10;
  Trainer longer = must_create(options);
  auto refused = longer.restore(state);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(refused.error().message,
            "the state was saved with steps_in_epoch 4 and this trainer has 10");
  options = small_options();
  options.micro_batches = 2;
  Trainer narrower = must_create(options);
  refused = narrower.restore(state);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "the state was saved with micro_batches 3 and this trainer has 2");
  train(narrower, 0, 2);  // as if nothing had been tried
  EXPECT_EQ(narrower.status().steps, 1u);
}

TEST(SavedState, ThatIsDamagedOrOfAnotherModelChangesNothing) {
  Trainer trainer = must_create(small_options());
  train(trainer, 0, 9);
  const auto state = *trainer.save();
  auto other = Trainer::create(MultilayerPerceptron({2, 17, 1}), small_options());
  EXPECT_EQ(trainer.restore(*other->save()).error().code, ErrorCode::wrong_shape);
  EXPECT_EQ(trainer.restore(SavedState{}).error().code, ErrorCode::malformed);
  for (const std::size_t at : {std::size_t{0}, std::size_t{9}, std::size_t{40}, state.size() - 1}) {
    auto damaged = state;
    damaged[at] ^= std::byte{1};
    EXPECT_EQ(trainer.restore(damaged).error().code, ErrorCode::malformed) << at;
  }
  for (const std::size_t size : {std::size_t{20}, state.size() / 2, state.size() - 1}) {
    EXPECT_EQ(trainer.restore(std::span(state).first(size)).error().code, ErrorCode::malformed);
  }
  EXPECT_TRUE(*trainer.save() == state);
}

}  // namespace
}  // namespace nodezero::testing
