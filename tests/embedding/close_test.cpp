// SPDX-License-Identifier: BSD-3-Clause

// A trainer's end, and the calls that wait in it meanwhile.

#include <atomic>
#include <chrono>
#include <optional>
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

/// A model whose predictions wait at a gate.
struct SlowToPredict : Scripted {
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0);

  float predict(ConstTensors w, const float& x) const {
    gate->pass();
    return Scripted::predict(w, x);
  }
  std::optional<Error> check(const float&) const {
    ++*asked;
    return std::nullopt;
  }
};

TEST(Close, DoesNotWaitForARestoreThatWaitsForAPrediction) {
  Pool pool(2);
  for (const Running running : with_threads) {
    must_return("close", [&, running] {
      const SlowToPredict model;
      TrainerOptions options;
      options.running = running;
      options.execute = pool.executor();
      auto trainer = Trainer::create(model, options);
      const auto state = *trainer->save();
      std::thread asker(
          [&] { EXPECT_EQ(code_of(trainer->predict<float>(1.0f)), ErrorCode::closed); });
      model.gate->await_arrival();
      std::atomic<bool> is_restoring{false};
      std::thread restorer([&] {
        is_restoring = true;
        EXPECT_EQ(code_of(trainer->restore(state)), ErrorCode::closed);
      });
      while (!is_restoring) {
        std::this_thread::yield();
      }
      std::thread closer([&] { EXPECT_TRUE(trainer->close()); });
      restorer.join();  // nobody waits for the model but whoever closes
      model.gate->open();
      asker.join();
      closer.join();
    });
  }
}

TEST(Close, AlsoByTheDestructorTellsPredictionsThatWait) {
  Pool pool(2);
  for (const Running running : with_threads) {
    must_return("the destructor", [&, running] {
      const SlowToPredict model;
      TrainerOptions options;
      options.running = running;
      options.execute = pool.executor();
      std::optional<Trainer> trainer = std::move(*Trainer::create(model, options));
      std::atomic<int> returned{0};
      std::vector<std::thread> askers;
      for (int i = 0; i < 3; ++i) {
        askers.emplace_back([&] {
          EXPECT_EQ(code_of(trainer->predict<float>(1.0f)), ErrorCode::closed);
          ++returned;
        });
      }
      model.gate->await_arrival();
      while (*model.asked < 3) {
        std::this_thread::yield();
      }
      std::thread opener([&] {
        while (returned < 2) {  // the third may be the one that computes
          std::this_thread::yield();
        }
        model.gate->open();
      });
      trainer.reset();
      opener.join();
      for (auto& asker : askers) {
        asker.join();
      }
    });
  }
}

TEST(Close, SaysWhenAJobDoesNotComeBackFromTheHostsExecutor) {
  must_return("close", [] {
    Gate gate;
    Scripted model;
    model.loss = [&](float, const Scripted::Batch&) {
      gate.pass();
      return 1.0;
    };
    Pool pool(1);
    TrainerOptions options;
    options.running = Running::host_executor;
    options.execute = pool.executor();
    options.close_timeout = 1ms;
    std::optional<Trainer> trainer = std::move(*Trainer::create(model, options));
    const auto state = *trainer->save();
    ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
    gate.await_arrival();
    std::vector<std::thread> waiting;  // for the thread that is gone, and for the trainer
    waiting.emplace_back(
        [&] { EXPECT_EQ(code_of(trainer->predict<float>(1.0f)), ErrorCode::closed); });
    waiting.emplace_back(
        [&] { EXPECT_EQ(code_of(trainer->wait_for_steps(1, 5min)), ErrorCode::closed); });
    EXPECT_EQ(code_of(trainer->close()), ErrorCode::timed_out);
    for (auto& thread : waiting) {
      thread.join();
    }
    EXPECT_EQ(code_of(trainer->save()), ErrorCode::closed);
    EXPECT_EQ(code_of(trainer->close()), ErrorCode::timed_out);
    trainer.reset();
    gate.open();  // and what is left goes with the job
  });
}

TEST(Close, ByTheDestructorDoesNotWaitForEverForTheHostsExecutor) {
  must_return("the destructor", [] {
    Gate gate;
    Scripted model;
    model.loss = [&](float, const Scripted::Batch&) {
      gate.pass();
      return 1.0;
    };
    std::weak_ptr<int> life;
    {
      Pool pool(1);
      {
        auto alive = std::make_shared<int>();
        life = alive;
        TrainerOptions options;
        options.running = Running::host_executor;
        options.execute = pool.executor();
        options.close_timeout = 1ms;
        options.on_notice = [alive](const std::string&) {};
        auto trainer = Trainer::create(model, options);
        ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
        gate.await_arrival();
      }
      EXPECT_FALSE(life.expired());
      gate.open();
    }
    EXPECT_TRUE(life.expired());
  });
}

TEST(Close, MayBeCalledAgainWhenTheExecutorIsBack) {
  must_return("close", [] {
    Gate gate;
    Scripted model;
    model.loss = [&](float, const Scripted::Batch&) {
      gate.pass();
      return 1.0;
    };
    Pool pool(1);
    TrainerOptions options;
    options.running = Running::host_executor;
    options.execute = pool.executor();
    options.close_timeout = 1ms;
    auto trainer = Trainer::create(model, options);
    ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
    gate.await_arrival();
    EXPECT_EQ(code_of(trainer->close()), ErrorCode::timed_out);
    gate.open();
    while (!trainer->close()) {
      std::this_thread::yield();
    }
  });
}

TEST(Close, DoesNoWorkThatOnlyWaits) {
  // Three lanes have a micro-batch each, and the one thread of the executor is in the first.
  must_return("close", [] {
    Gate gate;
    std::atomic<int> computed{0};
    Scripted model;
    model.loss = [&](float, const Scripted::Batch&) {
      ++computed;
      gate.pass();
      return 1.0;
    };
    JobQueue jobs;
    TrainerOptions options;
    options.running = Running::host_executor;
    options.execute = jobs.executor();
    options.threads = 3;
    options.micro_batches = 3;
    options.when_full = WhenFull::refuse;  // one that waits would do the other jobs
    auto trainer = Trainer::create(model, options);
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
    }
    std::thread thread([&] {
      while (computed == 0) {
        jobs.serve_one();
      }
    });
    gate.await_arrival();
    std::thread opener([&] {
      while (code_of(trainer->submit(Scripted::Batch{1})) != ErrorCode::closed) {
        std::this_thread::yield();
      }
      gate.open();
    });
    EXPECT_TRUE(trainer->close());
    opener.join();
    thread.join();
    EXPECT_EQ(computed, 1);
  });
}

TEST(Close, ComputesNothingWhenStepped) {
  int computed = 0;
  Scripted model;
  model.loss = [&](float, const Scripted::Batch&) {
    ++computed;
    return 1.0;
  };
  for (int messages = 1; computed == 0; ++messages) {
    auto trainer = Trainer::create(model, TrainerOptions{});
    ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
    for (int i = 0; i < messages; ++i) {
      ASSERT_TRUE(trainer->step(1));
    }
    const int before = computed;
    EXPECT_TRUE(trainer->close());
    EXPECT_EQ(computed, before) << "after " << messages << " messages";
  }
}

TEST(Close, MayComeWhileOthersRestore) {
  for (int round = 0; round < 20; ++round) {
    must_return("close", [round] {
      auto options = small_options();
      options.running = Running::own_threads;
      auto trainer = Trainer::create(small_model(), options);
      const auto state = *trainer->save();
      std::atomic<int> restored{0};
      std::thread restorer([&] {
        while (code_of(trainer->restore(state)) != ErrorCode::closed) {
          ++restored;
        }
      });
      while (restored < 1 + round % 3) {
        std::this_thread::yield();
      }
      EXPECT_TRUE(trainer->close());
      restorer.join();
    });
  }
}

}  // namespace
}  // namespace nodezero::testing
