// SPDX-License-Identifier: BSD-3-Clause
#include "nodezero/trainer.hpp"

#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "support/executors.hpp"
#include "support/models.hpp"

namespace nodezero::testing {
namespace {

using namespace std::chrono_literals;

Trainer must_create(TrainerOptions options) {
  auto trainer = Trainer::create(small_model(), std::move(options));
  EXPECT_TRUE(trainer) << trainer.error().message;
  return std::move(*trainer);
}

TEST(Stepped, LearnsFromWhatIsSubmittedAndSaysHowFarItIs) {
  Trainer trainer = must_create(small_options());
  EXPECT_EQ(trainer.step(1000)->progress, Progress::idle);
  std::vector<Progress> seen;
  double first_loss = 0, last_loss = 0;
  for (std::uint64_t i = 0; i < 3 * 4 * 100; ++i) {
    ASSERT_TRUE(trainer.submit(examples_of(i)));
    for (;;) {
      const auto status = trainer.step(10);
      ASSERT_TRUE(status);
      if (status->progress == Progress::idle) {
        break;
      }
      if (status->progress != Progress::working) {
        seen.push_back(status->progress);
        last_loss = status->loss;
        first_loss = seen.size() == 1 ? last_loss : first_loss;
      }
    }
  }
  ASSERT_EQ(seen.size(), 400u);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i], i % 4 == 3 ? Progress::epoch_done : Progress::step_done) << i;
  }
  EXPECT_LT(last_loss, 0.05 * first_loss);
  const Status status = trainer.status();
  EXPECT_EQ(status.steps, 400u);
  EXPECT_EQ(status.epochs, 100u);
  EXPECT_EQ(status.version, 400u);
  EXPECT_EQ(status.taken, 1200u);
  EXPECT_EQ(status.waiting, 0u);
}

TEST(Stepped, StartsNoThread) {
  wait_for_end_of_threads();
  Trainer trainer = must_create(small_options());
  train(trainer, 0, 30);
  ASSERT_TRUE((trainer.predict<std::vector<float>>(std::vector<float>{0.1f, 0.2f})));
  ASSERT_TRUE(trainer.save());
  EXPECT_EQ(count_threads(), 0u);
  EXPECT_EQ(trainer.status().threads.all(), 0u);
}

TEST(Stepped, TimeIsTheHostsAndStepsTakeIt) {
  auto options = small_options();
  options.time_per_step = 2;
  Trainer trainer = must_create(options);
  for (std::uint64_t i = 0; i < 30; ++i) {
    ASSERT_TRUE(trainer.submit(examples_of(i)));
  }
  auto status = trainer.advance_to(1.5);
  EXPECT_EQ(status->steps, 0u);
  EXPECT_EQ(status->time, 0);
  status = trainer.advance_to(7);
  EXPECT_EQ(status->steps, 3u);
  EXPECT_EQ(status->time, 6);
  EXPECT_EQ(status->progress, Progress::step_done);
  status = trainer.advance_to(8);
  EXPECT_EQ(status->steps, 4u);
  EXPECT_EQ(status->progress, Progress::epoch_done);
  status = trainer.advance_to(1000);  // there are batches for ten steps
  EXPECT_EQ(status->steps, 10u);
  EXPECT_EQ(status->time, 1000);
}

TEST(Stepped, TimeBeginsWhereTheHostsDoes) {
  auto options = small_options();
  options.time_per_step = 2;
  options.start_time = 1.7e9;  // a host on Unix time
  options.batches = [](std::uint64_t epoch, std::uint64_t step, std::uint32_t position) {
    return AnyValue::of(examples_of(epoch * 12 + step * 3 + position));
  };
  Trainer trainer = must_create(options);
  EXPECT_EQ(trainer.status().time, 1.7e9);
  EXPECT_EQ(trainer.advance_to(1.7e9 + 7)->steps, 3u);
  const auto state = *trainer.save();
  EXPECT_EQ(trainer.advance_to(1.7e9 + 9)->time, 1.7e9 + 8);
  ASSERT_TRUE(trainer.restore(state));
  EXPECT_EQ(trainer.status().time, 1.7e9 + 6);
  EXPECT_EQ(trainer.advance_to(1.7e9 + 5).error().code, ErrorCode::invalid_argument);
}

TEST(Stepped, PredictsWithTheWeightsOfTheLastEpochsEnd) {
  Trainer trainer = must_create(small_options());
  const std::vector<float> input{0.5f, -0.5f, 0.1f, 0.9f};
  const auto first = trainer.predict<std::vector<float>>(input);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->version, 0u);
  EXPECT_EQ(first->output.size(), 2u);
  train(trainer, 0, 3 * 3);  // three steps of four
  const auto same = trainer.predict<std::vector<float>>(input);
  EXPECT_EQ(same->version, 0u);
  EXPECT_EQ(same->output, first->output);
  train(trainer, 9, 12);
  const auto next = trainer.predict<std::vector<float>>(input);
  EXPECT_EQ(next->version, 4u);
  EXPECT_NE(next->output, first->output);
}

TEST(Stepped, EndsAfterItsStepsAndStillPredictsAndSaves) {
  auto options = small_options();
  options.total_steps = 6;
  options.batches = [](std::uint64_t epoch, std::uint64_t step, std::uint32_t position) {
    return AnyValue::of(examples_of(epoch * 12 + step * 3 + position));
  };
  Trainer trainer = must_create(options);
  auto status = trainer.advance_to(1);
  EXPECT_EQ(status->progress, Progress::finished);
  EXPECT_EQ(status->steps, 6u);
  EXPECT_EQ(trainer.step(1)->progress, Progress::finished);
  const auto answer = trainer.predict<std::vector<float>>(std::vector<float>{0, 0});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->version, 6u);
  EXPECT_TRUE(trainer.save());
  EXPECT_TRUE(trainer.save());
}

TEST(Bits, AreTheSameHoweverTheTrainerRunsAndWhereverItsBatchesComeFrom) {
  auto options = small_options();
  const SavedState expected = state_of(options);
  Pool pool(2);
  options.execute = pool.executor();
  for (const std::uint32_t spheres : {1, 2, 13}) {
    options.spheres = spheres;
    EXPECT_TRUE(state_of(options) == expected) << spheres << " spheres";
    for (const Running running : {Running::own_threads, Running::host_executor}) {
      options.running = running;
      for (const std::uint32_t threads : {1, 3}) {
        options.threads = threads;
        EXPECT_TRUE(state_of(options) == expected)
            << spheres << " spheres, " << threads << " threads, way " << static_cast<int>(running);
      }
    }
    options.running = Running::stepped;
  }
  options.total_steps = 12;
  options.optimizer.min_learning_rate = options.optimizer.learning_rate;
  options.batches = [](std::uint64_t epoch, std::uint64_t step, std::uint32_t position) {
    return AnyValue::of(examples_of(epoch * 12 + step * 3 + position));
  };
  EXPECT_TRUE(state_of(options) == expected) << "from a function";
}

TEST(OwnThreads, AreThoseThatTheStatusSaysAndGoWithTheTrainer) {
  wait_for_end_of_threads();
  auto options = small_options();
  options.running = Running::own_threads;
  options.threads = 2;
  {
    Trainer trainer = must_create(options);
    for (std::uint64_t i = 0; i < 12; ++i) {
      ASSERT_TRUE(trainer.submit(examples_of(i)));
    }
    ASSERT_TRUE(trainer.wait_for_steps(4, 5min));
    const Threads threads = trainer.status().threads;
    EXPECT_EQ(count_threads(), threads.all());
    EXPECT_EQ(threads.lanes, 2u);
    EXPECT_EQ(threads.printers, 0u);
    wait_for_threads("nodezero.clock", threads.clocks);
    wait_for_threads("nodezero.worker",
                     threads.lanes + threads.observers + threads.checkpointers + threads.workers);
    const auto answer = trainer.predict<std::vector<float>>(std::vector<float>{0.5f, 0.5f});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(trainer.step(1).error().code, ErrorCode::wrong_mode);
    EXPECT_EQ(trainer.wait_for_steps(5, 1ms).error().code, ErrorCode::timed_out);
    ASSERT_TRUE(trainer.close());
    EXPECT_EQ(trainer.status().threads.all(), 0u);
  }
  wait_for_end_of_threads();
}

TEST(OwnThreads, WaitForTheirStepsAsLongAsTheHostLikes) {
  Pool pool(1);
  auto options = small_options();
  options.execute = pool.executor();
  for (const Running running : {Running::own_threads, Running::host_executor}) {
    options.running = running;
    Trainer trainer = must_create(options);
    for (std::uint64_t i = 0; i < 12; ++i) {
      ASSERT_TRUE(trainer.submit(examples_of(i)));
    }
    const auto status = trainer.wait_for_steps(4, std::chrono::milliseconds::max());
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(status->steps, 4u);
    EXPECT_EQ(trainer.wait_for_steps(5, std::chrono::milliseconds::min()).error().code,
              ErrorCode::timed_out);
  }
}

TEST(OwnThreads, TwoTrainersInTwoThreadsOfTheHostShareNothing) {
  auto options = small_options();
  const SavedState expected = state_of(options);
  options.running = Running::own_threads;
  SavedState first, second;
  std::thread one([&] { first = state_of(options); });
  std::thread two([&] { second = state_of(options); });
  one.join();
  two.join();
  EXPECT_TRUE(first == expected);
  EXPECT_TRUE(second == expected);
}

TEST(Submit, WaitsForRoomFromAnotherThread) {
  auto options = small_options();
  options.queue_bound = 3;
  Trainer trainer = must_create(options);
  std::thread submitter([&] {
    for (std::uint64_t i = 0; i < 36; ++i) {
      EXPECT_TRUE(trainer.submit(examples_of(i)));
    }
  });
  while (trainer.status().steps < 12) {
    ASSERT_TRUE(trainer.step(100));
    EXPECT_LE(trainer.status().waiting, 3u);
  }
  submitter.join();
}

TEST(Submit, DropsTheOldestOrRefusesWhereTheHostSaysSo) {
  auto options = small_options();
  options.queue_bound = 5;
  options.when_full = WhenFull::refuse;
  Trainer refusing = must_create(options);
  options.when_full = WhenFull::drop_oldest;
  Trainer dropping = must_create(options);
  options.when_full = WhenFull::wait;
  Trainer waiting = must_create(options);
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(refusing.submit(examples_of(i)));
    EXPECT_TRUE(dropping.submit(examples_of(i)));
    EXPECT_TRUE(waiting.submit(examples_of(i)));
  }
  EXPECT_EQ(refusing.submit(examples_of(5)).error().code, ErrorCode::queue_full);
  EXPECT_TRUE(dropping.submit(examples_of(5)));
  EXPECT_EQ(waiting.submit(examples_of(5)).error().code, ErrorCode::queue_full);
  EXPECT_EQ(dropping.status().dropped, 1u);
  EXPECT_EQ(dropping.status().waiting, 5u);
  // It has trained on batches 1 to 3, as one that never saw batch 0.
  Trainer expected = must_create(options);
  train(expected, 1, 4);
  EXPECT_EQ(dropping.step(1000)->progress, Progress::step_done);
  EXPECT_TRUE(*dropping.save() == *expected.save());
}

}  // namespace
}  // namespace nodezero::testing
