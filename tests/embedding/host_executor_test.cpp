// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "nodezero/trainer.hpp"
#include "support/executors.hpp"
#include "support/models.hpp"

namespace nodezero::testing {
namespace {

using namespace std::chrono_literals;

using Floats = std::vector<float>;

TrainerOptions options_with(Executor execute) {
  auto options = small_options();
  options.running = Running::host_executor;
  options.threads = 3;
  options.execute = std::move(execute);
  return options;
}

void submit(Trainer& trainer, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t i = first; i < last; ++i) {
    const auto submitted = trainer.submit(examples_of(i));
    ASSERT_TRUE(submitted) << submitted.error().message;
  }
}

TEST(HostExecutor, GivesTheSameBitsWhoeverRunsTheJobs) {
  const SavedState expected = state_of(small_options());
  Pool pool(3);
  JobQueue queue;
  EXPECT_TRUE(state_of(options_with(pool.executor())) == expected) << "a pool";
  EXPECT_TRUE(state_of(options_with(queue.executor())) == expected) << "nobody, in time";
  EXPECT_TRUE(state_of(options_with(run_at_once)) == expected) << "the caller, at once";
  EXPECT_TRUE(state_of(options_with(forget)) == expected) << "nobody";
  EXPECT_TRUE(state_of(options_with(refuse_to_run)) == expected) << "an executor that throws";
}

TEST(HostExecutor, StartsNoThread) {
  wait_for_end_of_threads();
  JobQueue queue;
  auto trainer = Trainer::create(small_model(), options_with(queue.executor()));
  ASSERT_TRUE(trainer) << trainer.error().message;
  submit(*trainer, 0, 12);
  ASSERT_TRUE(trainer->wait_for_steps(4, 5min));
  ASSERT_TRUE(trainer->predict<Floats>(Floats{0.1f, 0.2f}));
  ASSERT_TRUE(trainer->save());
  EXPECT_EQ(count_threads(), 0u);
  EXPECT_EQ(trainer->status().threads.all(), 0u);
}

TEST(HostExecutor, NeedsNoCallThatWaitsWhereTheHostRunsTheJobs) {
  JobQueue queue;
  auto served = Trainer::create(small_model(), options_with(queue.executor()));
  submit(*served, 0, 12);
  EXPECT_EQ(served->status().steps, 0u);
  queue.serve();
  EXPECT_EQ(served->status().steps, 4u);

  auto at_once = Trainer::create(small_model(), options_with(run_at_once));
  submit(*at_once, 0, 3);
  EXPECT_EQ(at_once->status().steps, 1u);
}

TEST(HostExecutor, RunsJobsBesideEachOther) {
  // Each micro-batch waits until all three are being computed.
  std::atomic<int> computing{0};
  Scripted model;
  model.loss = [&](float, const Scripted::Batch&) {
    ++computing;
    computing.notify_all();
    for (int seen = computing; seen < 3; seen = computing) {
      computing.wait(seen);
    }
    return 1.0;
  };
  Pool pool(3);
  auto trainer = Trainer::create(model, options_with(pool.executor()));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
  }
  EXPECT_TRUE(trainer->wait_for_steps(1, 5min));
}

TEST(HostExecutor, ComesBackToJobsThatItCouldNotHandOut) {
  int calls = 0;
  const auto at_first_not = [&](std::function<void()> job) {
    switch (++calls) {
      case 1:
      case 3:
        throw std::runtime_error("the executor is full");
      case 2:
        return;
      default:
        job();
    }
  };
  auto trainer = Trainer::create(small_model(), options_with(at_first_not));
  submit(*trainer, 0, 12);
  EXPECT_EQ(trainer->status().steps, 4u);  // without a call that waits
}

TEST(HostExecutor, TakesAJobOnceHoweverOftenItIsCalled) {
  const auto run_twice = [](std::function<void()> job) {
    job();
    job();
  };
  auto trainer = Trainer::create(small_model(), options_with(run_twice));
  submit(*trainer, 0, 12);
  EXPECT_EQ(trainer->status().steps, 4u);  // and what comes next has been handed out as well
}

TEST(HostExecutor, ThatRunsJobsAtOnceDoesNotNestThem) {
  auto options = options_with(run_at_once);
  options.total_steps = 3000;
  options.batches = [](std::uint64_t epoch, std::uint64_t step, std::uint32_t position) {
    return AnyValue::of(examples_of(epoch + step + position));
  };
  const auto trainer = Trainer::create(small_model(), options);
  EXPECT_EQ(trainer->status().progress, Progress::finished);
}

TEST(HostExecutor, ThatRunsJobsAtOnceLeavesBatchesThatNeverEndToCallsThatNeedThem) {
  auto options = options_with(run_at_once);
  options.batches = [](std::uint64_t epoch, std::uint64_t step, std::uint32_t position) {
    return AnyValue::of(examples_of(epoch * 12 + step * 3 + position));
  };
  auto trainer = Trainer::create(small_model(), options);
  ASSERT_TRUE(trainer) << trainer.error().message;
  EXPECT_EQ(trainer->status().steps, 0u);
  EXPECT_EQ(trainer->predict<Floats>(Floats{0, 0})->version, 0u);
  const auto first = trainer->save();
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(trainer->wait_for_steps(7, 5min)->steps, 7u);
  ASSERT_TRUE(trainer->restore(*first));
  EXPECT_EQ(trainer->wait_for_steps(12, 5min)->steps, 12u);
  EXPECT_TRUE(*trainer->save() == state_of(small_options()));
  EXPECT_TRUE(trainer->close());
}

TEST(HostExecutor, ASubmitterThatHasToWaitDoesJobsInstead) {
  auto options = options_with(forget);
  options.queue_bound = 3;
  options.total_steps = 12;
  auto trainer = Trainer::create(small_model(), options);
  submit(*trainer, 0, 36);
  ASSERT_TRUE(trainer->wait_for_steps(12, 5min));
  submit(*trainer, 36, 39);  // which no step will take
  EXPECT_EQ(trainer->submit(examples_of(0)).error().code, ErrorCode::queue_full);
}

TEST(HostExecutor, ServesAnyThreadAndLeavesTheBitsAlone) {
  const SavedState expected = state_of(small_options());
  Pool pool(2);
  auto trainer = Trainer::create(small_model(), options_with(pool.executor()));
  std::vector<std::thread> others;
  for (int i = 0; i < 2; ++i) {
    others.emplace_back([&] {
      // Each saving has the step that is being done begin again: that must come to an end.
      for (int round = 0; round < 10; ++round) {
        EXPECT_TRUE(trainer->predict<Floats>(Floats{0.5f, 0.5f}));
        EXPECT_TRUE(trainer->save());
      }
    });
  }
  submit(*trainer, 0, 36);
  EXPECT_TRUE(trainer->wait_for_steps(12, 5min));
  for (auto& other : others) {
    other.join();
  }
  EXPECT_TRUE(*trainer->save() == expected);
}

TEST(HostExecutor, OfOneTrainerMayRunInsideOfAnothers) {
  std::optional<Trainer> second;
  auto options = options_with(run_at_once);
  options.on_step = [&](const StepReport& report) {
    submit(*second, 3 * report.step, 3 * report.step + 3);
  };
  auto first = Trainer::create(small_model(), options);
  options.on_step = nullptr;
  second = std::move(*Trainer::create(small_model(), options));
  submit(*first, 0, 36);
  EXPECT_EQ(first->status().steps, 12u);
  EXPECT_EQ(second->status().steps, 12u);
  EXPECT_TRUE(*first->save() == *second->save());
}

TEST(HostExecutor, RefusesWhatIsStepped) {
  auto trainer = Trainer::create(small_model(), options_with(forget));
  EXPECT_EQ(trainer->step(1).error().code, ErrorCode::wrong_mode);
  EXPECT_EQ(trainer->advance_to(1).error().code, ErrorCode::wrong_mode);
  EXPECT_EQ(trainer->wait_for_steps(1, 1ms).error().code, ErrorCode::timed_out);
  const auto none = Trainer::create(small_model(), options_with(nullptr));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(none.error().message,
            "running is host_executor: set execute to a function that runs jobs");
}

TEST(HostExecutor, MayBeBusyWhenTheTrainerIsDestroyed) {
  std::atomic<int> computing{0};
  std::atomic<bool> may_end{false};
  Scripted model;
  model.loss = [&](float, const Scripted::Batch&) {
    ++computing;
    computing.notify_all();
    may_end.wait(false);
    --computing;
    return 1.0;
  };
  Pool pool(3);
  std::optional<Trainer> trainer =
      std::move(*Trainer::create(model, options_with(pool.executor())));
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
  }
  for (int seen = computing; seen < 2; seen = computing) {
    computing.wait(seen);
  }
  std::thread other(
      [&] { EXPECT_EQ(trainer->wait_for_steps(100, 5min).error().code, ErrorCode::closed); });
  std::thread closer([&] { EXPECT_TRUE(trainer->close()); });
  may_end = true;
  may_end.notify_all();
  closer.join();
  EXPECT_EQ(computing, 0);
  other.join();
  trainer.reset();
}

TEST(HostExecutor, JobsThatComeAfterTheEndDoNothing) {
  JobQueue queue;
  {
    auto trainer = Trainer::create(small_model(), options_with(queue.executor()));
    submit(*trainer, 0, 12);
  }
  queue.serve();
}

TEST(HostExecutor, ATrainerMayBeDestroyedInAnyOfItsJobs) {
  wait_for_end_of_threads();
  JobQueue queue;
  std::optional<Trainer> trainer;
  for (const Executor& execute : {queue.executor(), Executor(run_at_once), Executor(forget)}) {
    auto token = std::make_shared<int>();
    const std::weak_ptr<int> session = token;
    auto options = options_with(execute);
    options.on_step = [&, token = std::move(token)](const StepReport&) { trainer.reset(); };
    trainer = std::move(*Trainer::create(small_model(), std::move(options)));
    submit(*trainer, 0, 2);
    ASSERT_TRUE(trainer->submit(examples_of(2)));
    queue.serve();
    if (trainer) {
      EXPECT_EQ(trainer->wait_for_steps(100, 5min).error().code, ErrorCode::closed);
    }
    EXPECT_FALSE(trainer);
    options = {};
    EXPECT_TRUE(session.expired());
    EXPECT_EQ(count_threads(), 0u);
  }
  // In the model as well, where its weights are being computed.
  Scripted model;
  model.loss = [&](float, const Scripted::Batch&) {
    trainer.reset();
    return 1.0;
  };
  trainer = std::move(*Trainer::create(model, options_with(queue.executor())));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
  }
  queue.serve();
  EXPECT_FALSE(trainer);
}

}  // namespace
}  // namespace nodezero::testing
