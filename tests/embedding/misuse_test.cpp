// SPDX-License-Identifier: BSD-3-Clause

// Hosts whose code throws wherever it can, and whose threads do anything at any time.

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "nodezero/trainer.hpp"
#include "support/executors.hpp"
#include "support/models.hpp"

namespace nodezero::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto all_ways = {Running::stepped, Running::own_threads, Running::host_executor};

ErrorCode code_of(const auto& result) {
  return result ? ErrorCode{} : result.error().code;
}

/// Throws where it is told to: an exception, and a number the next time.
class Thrower {
 public:
  void set(std::string place) {
    const std::lock_guard lock(mutex_);
    place_ = std::move(place);
  }
  void at(const char* place) const {
    const std::lock_guard lock(mutex_);
    if (place_ == place) {
      if (++thrown_ % 2 == 0) {
        throw 42;
      }
      throw std::runtime_error(place_);
    }
  }

 private:
  mutable std::mutex mutex_;
  std::string place_;
  mutable int thrown_ = 0;
};
Thrower thrower;

struct Throwing {
  using Batch = float;
  using Input = float;
  using Output = float;
  struct Workspace {
    Workspace() { thrower.at("workspace"); }
  };

  std::vector<TensorSpec> tensors() const {
    thrower.at("tensors");
    return {{"w", {1}}};
  }
  void initialize(std::uint64_t, Tensors w) const {
    thrower.at("initialize");
    w[0][0] = 0.5f;
  }
  Loss loss_and_gradient(ConstTensors w, const Batch&, Tensors gradient, Workspace&) const {
    thrower.at("loss");
    gradient[0][0] = 2 * w[0][0];
    return {static_cast<double>(w[0][0]), 1};
  }
  float predict(ConstTensors w, const float& x) const {
    thrower.at("predict");
    return w[0][0] * x;
  }
  std::optional<Error> check(const float& value) const {
    thrower.at("check");
    return value < 0 ? std::optional(Error{ErrorCode::not_finite, "negative"}) : std::nullopt;
  }
};

/// A trainer of Throwing that is given batches by `batches`.
class Host {
 public:
  explicit Host(Running running) : running_(running) {}

  Result<void> create() {
    TrainerOptions options;
    options.running = running_;
    options.time_per_step = 1;
    options.on_step = [](const StepReport&) { thrower.at("on_step"); };
    options.on_notice = [](const std::string&) { thrower.at("on_notice"); };
    options.execute = [](const std::function<void()>& job) {
      thrower.at("execute");
      job();
    };
    auto trainer = Trainer::create(Throwing{}, options);
    if (!trainer) {
      return fail(trainer.error());
    }
    trainer_.emplace(std::move(*trainer));
    return {};
  }
  Trainer& operator*() { return *trainer_; }
  Trainer* operator->() { return &*trainer_; }

  /// A step with a new batch; says how far the training is.
  Progress step() {
    const Status before = trainer_->status();
    EXPECT_TRUE(trainer_->submit(1.0f));
    const auto status = running_ == Running::stepped
                            ? trainer_->advance_to(before.time + 1)
                            : trainer_->wait_for_steps(before.steps + 1, 5min);
    EXPECT_TRUE(status) << status.error().message;
    EXPECT_TRUE(status->steps == before.steps + 1 || status->progress == Progress::failed);
    return status->progress;
  }

 private:
  Running running_;
  std::optional<Trainer> trainer_;
};

class Misuse : public ::testing::TestWithParam<Running> {
 protected:
  ~Misuse() override { thrower.set(""); }
};

TEST_P(Misuse, WhatThrowsWhileATrainerIsCreatedCreatesNone) {
  for (const char* place : {"tensors", "initialize", "workspace"}) {
    for (int way = 0; way < 2; ++way) {
      thrower.set(place);
      EXPECT_EQ(code_of(Host(GetParam()).create()), ErrorCode::internal) << place;
      thrower.set("");
      Host host(GetParam());
      ASSERT_TRUE(host.create());
      EXPECT_NE(host.step(), Progress::failed);
    }
  }
}

TEST_P(Misuse, WhatThrowsInACallFailsTheCallAlone) {
  Host host(GetParam());
  ASSERT_TRUE(host.create());
  for (int way = 0; way < 2; ++way) {
    thrower.set("check");
    EXPECT_EQ(code_of(host->submit(1.0f)), ErrorCode::internal);
    EXPECT_EQ(code_of(host->predict<float>(1.0f)), ErrorCode::internal);
    thrower.set("predict");
    EXPECT_EQ(code_of(host->predict<float>(1.0f)), ErrorCode::failed);
    thrower.set("");
    EXPECT_EQ(code_of(host->submit(-1.0f)), ErrorCode::not_finite);
    EXPECT_EQ(code_of(host->predict<float>(-1.0f)), ErrorCode::not_finite);
    EXPECT_TRUE(host->predict<float>(1.0f));
    EXPECT_NE(host.step(), Progress::failed);
  }
}

TEST_P(Misuse, WhatThrowsInACallbackIsNotHeard) {
  Host host(GetParam());
  ASSERT_TRUE(host.create());
  for (const char* place : {"on_step", "on_notice", "execute"}) {
    thrower.set(place);
    for (int way = 0; way < 2; ++way) {
      EXPECT_NE(host.step(), Progress::failed) << place;
      EXPECT_TRUE(host->predict<float>(1.0f));
      const auto state = host->save();
      ASSERT_TRUE(state) << state.error().message;
      EXPECT_TRUE(host->restore(*state));
    }
  }
}

TEST_P(Misuse, ALossThatThrowsFailsTheTrainingUntilItIsRestored) {
  Host host(GetParam());
  ASSERT_TRUE(host.create());
  ASSERT_NE(host.step(), Progress::failed);
  const auto state = host->save();
  ASSERT_TRUE(state);
  for (int way = 0; way < 2; ++way) {
    thrower.set("loss");
    EXPECT_EQ(host.step(), Progress::failed);
    EXPECT_NE(host->status().failure, "");
    thrower.set("");
    EXPECT_TRUE(host->predict<float>(1.0f));
    EXPECT_TRUE(host->save());
    ASSERT_TRUE(host->restore(*state));
    EXPECT_NE(host.step(), Progress::failed);
  }
}

TEST_P(Misuse, CallsInAnUnusualOrderAreServed) {
  Host host(GetParam());
  ASSERT_TRUE(host.create());
  const auto first = host->save();
  ASSERT_TRUE(first);
  EXPECT_TRUE(host->restore(*first));
  EXPECT_TRUE(*host->save() == *first);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(host.step(), Progress::failed);
    EXPECT_TRUE(host->restore(*first));
    EXPECT_TRUE(host->restore(*first));
    EXPECT_EQ(host->status().steps, 0u);
  }
  Trainer moved = std::move(*host);
  EXPECT_EQ(code_of(host->submit(1.0f)), ErrorCode::closed);
  EXPECT_EQ(code_of(host->step(1)), ErrorCode::closed);
  EXPECT_EQ(code_of(host->advance_to(1)), ErrorCode::closed);
  EXPECT_EQ(code_of(host->wait_for_steps(1, 1ms)), ErrorCode::closed);
  EXPECT_EQ(code_of(host->predict<float>(1.0f)), ErrorCode::closed);
  EXPECT_EQ(code_of(host->save()), ErrorCode::closed);
  EXPECT_EQ(code_of(host->save("name")), ErrorCode::closed);
  EXPECT_EQ(code_of(host->restore(*first)), ErrorCode::closed);
  EXPECT_EQ(code_of(host->restore("name")), ErrorCode::closed);
  EXPECT_EQ(code_of(host->close()), ErrorCode::closed);
  EXPECT_EQ(host->status().steps, 0u);
  EXPECT_TRUE(moved.restore(*first));
  *host = std::move(moved);  // and back
  EXPECT_NE(host.step(), Progress::failed);
}

INSTANTIATE_TEST_SUITE_P(AllWays, Misuse, ::testing::ValuesIn(all_ways), [](const auto& info) {
  return info.param == Running::stepped       ? "Stepped"
         : info.param == Running::own_threads ? "OwnThreads"
                                              : "HostExecutor";
});

TEST(MisuseOfManyThreads, AnyCallsAtOnceReturnAndNoneIsRefusedWithoutNeed) {
  for (const Running running : {Running::own_threads, Running::host_executor}) {
    Pool pool(2);
    auto options = small_options();
    options.running = running;
    options.threads = 2;
    options.execute = pool.executor();
    options.when_full = WhenFull::drop_oldest;
    auto trainer = Trainer::create(small_model(), options);
    ASSERT_TRUE(trainer);
    const auto state = *trainer->save();
    std::atomic<bool> is_closing{false};
    std::vector<std::thread> threads;
    for (std::size_t number = 0; number < 4; ++number) {
      threads.emplace_back([&, number] {
        for (std::size_t i = 0; i < 100; ++i) {
          const auto code = [&] {
            switch ((number + i) % 6) {
              case 0:
                return code_of(trainer->predict<std::vector<float>>(std::vector<float>{1, 2}));
              case 1:
                return code_of(trainer->save());
              case 2:
                return code_of(trainer->wait_for_steps(0, 1ms));
              case 3:
                return number == 0 ? code_of(trainer->restore(state)) : ErrorCode{};
              default:
                return code_of(trainer->submit(examples_of(i)));
            }
          }();
          EXPECT_TRUE(code == ErrorCode{} || (is_closing && code == ErrorCode::closed))
              << "call " << (number + i) % 6 << " returned " << static_cast<int>(code);
        }
      });
    }
    threads[0].join();
    is_closing = true;
    EXPECT_TRUE(trainer->close());
    for (std::size_t number = 1; number < threads.size(); ++number) {
      threads[number].join();
    }
  }
}

}  // namespace
}  // namespace nodezero::testing
