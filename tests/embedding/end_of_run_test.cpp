// SPDX-License-Identifier: BSD-3-Clause

// What calls get that come while a run ends, or after.

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "nodezero/trainer.hpp"
#include "support/executors.hpp"
#include "support/gate.hpp"
#include "support/models.hpp"

namespace nodezero::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto with_threads = {Running::own_threads, Running::host_executor};

ErrorCode code_of(const auto& result) {
  return result ? ErrorCode{} : result.error().code;
}

void wait_for_end(const Trainer& trainer) {
  while (trainer.status().progress == Progress::working) {
    std::this_thread::yield();
  }
}

TEST(EndOfRun, RefusesNoPrediction) {
  Pool pool(2);
  for (const Running running : with_threads) {
    for (int run = 0; run < 60; ++run) {
      TrainerOptions options;
      options.running = running;
      options.execute = pool.executor();
      options.steps_in_epoch = 1;
      options.total_steps = 3;
      auto trainer = Trainer::create(Scripted(), options);
      ASSERT_TRUE(trainer) << trainer.error().message;
      std::atomic<bool> is_over{false};
      std::thread asker([&] {
        while (!is_over) {
          const auto answer = trainer->predict<float>(2.0f);
          ASSERT_TRUE(answer) << "run " << run << ": " << answer.error().message;
        }
      });
      for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
      }
      wait_for_end(*trainer);
      is_over = true;
      asker.join();
      EXPECT_EQ(trainer->predict<float>(2.0f)->version, 3u);
    }
  }
}

TEST(EndOfRun, AnswersWhileTheHostStillHearsOfTheLastStep) {
  for (const Running running : with_threads) {
    must_return("a prediction at the end of a run", [running] {
      Pool pool(2);
      Gate gate;
      TrainerOptions options;
      options.running = running;
      options.execute = pool.executor();
      options.total_steps = 1;
      options.on_step = [&](const StepReport&) { gate.pass(); };
      auto trainer = Trainer::create(Scripted(), options);
      ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
      gate.await_arrival();
      for (int i = 0; i < 200; ++i) {
        const auto answer = trainer->predict<float>(2.0f);
        EXPECT_TRUE(answer) << answer.error().message;
      }
      gate.open();
    });
  }
}

TEST(EndOfRun, LetsNoSubmitterWaitForRoomThatNeverComes) {
  Pool pool(2);
  for (const Running running : with_threads) {
    for (const bool fails : {false, true}) {
      must_return("a submitter after the end", [&, running, fails] {
        Gate gate;
        Scripted model;
        model.loss = [&gate, fails](float, const Scripted::Batch&) {
          gate.pass();
          return fails ? throw std::runtime_error("no such medium") : 1.0;
        };
        TrainerOptions options;
        options.running = running;
        options.execute = pool.executor();
        options.total_steps = 1;
        options.queue_bound = 1;
        auto trainer = Trainer::create(model, options);
        ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
        gate.await_arrival();
        ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
        std::thread waiting([&] {  // that comes before the end or after it
          EXPECT_EQ(code_of(trainer->submit(Scripted::Batch{1})), ErrorCode::queue_full);
        });
        gate.open();
        wait_for_end(*trainer);
        waiting.join();
        EXPECT_EQ(code_of(trainer->submit(Scripted::Batch{1})), ErrorCode::queue_full);
      });
    }
  }
}

TEST(EndOfRun, RestoringMakesRoomForBatchesAgain) {
  Pool pool(2);
  for (const Running running : {Running::stepped, Running::own_threads, Running::host_executor}) {
    TrainerOptions options;
    options.running = running;
    options.execute = pool.executor();
    options.total_steps = 1;
    options.queue_bound = 1;
    auto trainer = Trainer::create(Scripted(), options);
    const auto state = trainer->save();
    const auto one_step = [&] {
      ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
      if (running == Running::stepped) {
        ASSERT_TRUE(trainer->advance_to(0));
        EXPECT_EQ(trainer->step(1'000)->progress, Progress::finished);
      } else {
        ASSERT_TRUE(trainer->wait_for_steps(1, 5min));
        wait_for_end(*trainer);
      }
      EXPECT_EQ(trainer->status().progress, Progress::finished);
    };
    one_step();
    ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
    ASSERT_TRUE(trainer->restore(*state));
    EXPECT_EQ(trainer->status().waiting, 0u);
    one_step();
  }
}

}  // namespace
}  // namespace nodezero::testing
