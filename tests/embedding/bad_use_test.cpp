// SPDX-License-Identifier: BSD-3-Clause
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "nodezero/trainer.hpp"
#include "support/executors.hpp"
#include "support/models.hpp"

namespace nodezero::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto all_ways = {Running::stepped, Running::own_threads, Running::host_executor};
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

ErrorCode code_of(const auto& result) {
  return result ? ErrorCode{} : result.error().code;
}

TEST(BadUse, OptionsThatCannotWorkAreRefused) {
  const auto refused = [](auto change) {
    auto options = small_options();
    change(options);
    return code_of(Trainer::create(small_model(), options)) == ErrorCode::invalid_argument;
  };
  EXPECT_TRUE(refused([](TrainerOptions& o) { o.threads = 0; }));
  EXPECT_TRUE(refused([](TrainerOptions& o) { o.threads = 1'025; }));
  EXPECT_TRUE(refused([](TrainerOptions& o) { o.spheres = 0; }));
  EXPECT_TRUE(refused([](TrainerOptions& o) { o.symmetry = 1; }));
  EXPECT_TRUE(refused([](TrainerOptions& o) { o.micro_batches = 0; }));
  EXPECT_TRUE(refused([](TrainerOptions& o) { o.steps_in_epoch = 0; }));
  EXPECT_TRUE(refused([](TrainerOptions& o) { o.queue_bound = 2; }));
  EXPECT_TRUE(refused([](TrainerOptions& o) { o.time_per_step = -1; }));
  EXPECT_TRUE(refused([](TrainerOptions& o) { o.start_time = nan; }));
  EXPECT_TRUE(refused([](TrainerOptions& o) { o.optimizer.learning_rate = 0; }));
  EXPECT_TRUE(refused([](TrainerOptions& o) { o.optimizer.beta1 = 1; }));
  EXPECT_TRUE(refused([](TrainerOptions& o) { o.optimizer.clip = nan; }));
  EXPECT_EQ(code_of(Trainer::create(std::shared_ptr<const AnyTrainable>(), small_options())),
            ErrorCode::invalid_argument);
  for (const std::vector<TensorSpec>& specs :
       {std::vector<TensorSpec>{}, {{"w", {1}}, {"w", {2}}}, {{"w", {0}}}}) {
    Scripted model;
    model.specs = specs;
    EXPECT_EQ(code_of(Trainer::create(model, small_options())), ErrorCode::invalid_argument);
  }
  for (const std::vector<std::int64_t>& sizes :
       {std::vector<std::int64_t>{}, {3}, {3, 0, 1}, {-1, 2}}) {
    EXPECT_EQ(code_of(Trainer::create(MultilayerPerceptron(sizes), small_options())),
              ErrorCode::invalid_argument);
  }
}

TEST(BadUse, DataOfTheWrongShapeOrTypeOrNotFiniteIsRefusedAtOnce) {
  auto trainer = Trainer::create(small_model(), small_options());
  ASSERT_TRUE(trainer);
  EXPECT_EQ(code_of(trainer->submit(Examples{{1, 2, 3}, {1}})), ErrorCode::wrong_shape);
  EXPECT_EQ(code_of(trainer->submit(Examples{{1, 2}, {1, 2}})), ErrorCode::wrong_shape);
  EXPECT_EQ(code_of(trainer->submit(Examples{})), ErrorCode::wrong_shape);
  EXPECT_EQ(code_of(trainer->submit(std::vector<float>{1, 2})), ErrorCode::wrong_shape);
  EXPECT_EQ(code_of(trainer->submit(Examples{{1, nan}, {1}})), ErrorCode::not_finite);
  EXPECT_EQ(code_of(trainer->submit(Examples{{1, 2}, {nan}})), ErrorCode::not_finite);
  using Floats = std::vector<float>;
  EXPECT_EQ(code_of(trainer->predict<Floats>(Floats{1, 2, 3})), ErrorCode::wrong_shape);
  EXPECT_EQ(code_of(trainer->predict<Floats>(Floats{1, nan})), ErrorCode::not_finite);
  EXPECT_EQ(code_of(trainer->predict<Floats>(1.0)), ErrorCode::wrong_shape);
  EXPECT_EQ(code_of(trainer->predict<int>(Floats{1, 2})), ErrorCode::wrong_shape);
  EXPECT_EQ(trainer->status().waiting, 0u);
  train(*trainer, 0, 3);
  EXPECT_EQ(trainer->status().steps, 1u);
}

TEST(BadUse, AStepNeedsABudgetAndTimeDoesNotRunBackwards) {
  auto trainer = Trainer::create(small_model(), small_options());
  EXPECT_EQ(code_of(trainer->step(0)), ErrorCode::invalid_argument);
  EXPECT_EQ(trainer->advance_to(3)->time, 3);
  EXPECT_EQ(code_of(trainer->advance_to(2)), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(trainer->advance_to(std::numeric_limits<double>::infinity())),
            ErrorCode::invalid_argument);
  auto options = small_options();
  options.batches = [](std::uint64_t, std::uint64_t, std::uint32_t) {
    return AnyValue::of(examples_of(0));
  };
  auto endless = Trainer::create(small_model(), options);
  EXPECT_EQ(code_of(endless->advance_to(1)), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(endless->submit(examples_of(0))), ErrorCode::wrong_mode);
  EXPECT_EQ(code_of(endless->wait_for_steps(1, 1ms)), ErrorCode::wrong_mode);
}

TEST(BadUse, AStepThatTakesNoTimeAfterRoundingIsRefused) {
  auto options = small_options();
  options.time_per_step = 1e-9;  // and a double near 1.7e9 has steps of 2e-7
  options.batches = [](std::uint64_t, std::uint64_t, std::uint32_t) {
    return AnyValue::of(examples_of(0));
  };
  options.start_time = 1.7e9;
  auto trainer = Trainer::create(small_model(), options);
  EXPECT_EQ(code_of(trainer->advance_to(1.7e9 + 1e-6)), ErrorCode::invalid_argument);
  options.start_time = 0;
  auto from_zero = Trainer::create(small_model(), options);
  EXPECT_EQ(code_of(from_zero->advance_to(1.7e9)), ErrorCode::invalid_argument);
  EXPECT_EQ(from_zero->status().steps, 0u);
}

TEST(BadUse, MessagesGiveTheNumbersThatAreWrong) {
  auto options = small_options();
  options.optimizer.learning_rate = 1e-5;  // and the default of min_learning_rate is larger
  options.optimizer.min_learning_rate = 1e-4;
  EXPECT_EQ(Trainer::create(small_model(), options).error().message,
            "'min_learning_rate' must be from 0 to 'learning_rate' (1e-05), not 0.0001");
  auto stepped = Trainer::create(small_model(), small_options());
  ASSERT_TRUE(stepped->advance_to(2e-9));
  EXPECT_EQ(stepped->advance_to(1e-9).error().message,
            "time 1e-09 lies before 2e-09, which was reached already: to go back, restore a state "
            "first");
  options = small_options();
  options.running = Running::own_threads;
  auto threaded = Trainer::create(small_model(), options);
  EXPECT_EQ(threaded->wait_for_steps(3, 1ms).error().message, "0 of 3 steps were done in 1 ms");
}

TEST(BadUse, ACallAfterCloseIsRefused) {
  for (const Running running : all_ways) {
    auto options = small_options();
    options.running = running;
    options.execute = run_at_once;
    auto trainer = Trainer::create(small_model(), options);
    EXPECT_TRUE(trainer->close());
    EXPECT_TRUE(trainer->close());
    EXPECT_EQ(code_of(trainer->submit(examples_of(0))), ErrorCode::closed);
    EXPECT_EQ(code_of(trainer->step(1)), ErrorCode::closed);
    EXPECT_EQ(code_of(trainer->advance_to(1)), ErrorCode::closed);
    EXPECT_EQ(code_of(trainer->predict<std::vector<float>>(std::vector<float>{1, 2})),
              ErrorCode::closed);
    EXPECT_EQ(code_of(trainer->save()), ErrorCode::closed);
    EXPECT_EQ(code_of(trainer->restore(SavedState{})), ErrorCode::closed);
  }
  auto trainer = Trainer::create(small_model(), small_options());
  const Trainer moved = std::move(*trainer);
  EXPECT_EQ(code_of(trainer->step(1)), ErrorCode::closed);
}

TEST(BadUse, SteppedCallsFromAnotherThreadAreRefused) {
  auto trainer = Trainer::create(small_model(), small_options());
  std::thread([&] {
    EXPECT_EQ(code_of(trainer->step(1)), ErrorCode::wrong_thread);
    EXPECT_EQ(code_of(trainer->advance_to(1)), ErrorCode::wrong_thread);
    EXPECT_EQ(code_of(trainer->predict<std::vector<float>>(std::vector<float>{1, 2})),
              ErrorCode::wrong_thread);
    EXPECT_EQ(code_of(trainer->save()), ErrorCode::wrong_thread);
    EXPECT_EQ(code_of(trainer->close()), ErrorCode::wrong_thread);
    EXPECT_TRUE(trainer->submit(examples_of(0)));
    EXPECT_EQ(trainer->status().waiting, 1u);
  }).join();
}

TEST(BadUse, TwoTrainersCannotHaveOneFolder) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("nodezero-folder-" + std::to_string(getpid()));
  auto options = small_options();
  options.folder = folder;
  {
    auto first = Trainer::create(small_model(), options);
    ASSERT_TRUE(first);
    EXPECT_EQ(code_of(Trainer::create(small_model(), options)), ErrorCode::in_use);
    EXPECT_TRUE(first->save("kept"));
  }
  EXPECT_TRUE(Trainer::create(small_model(), options));
  std::filesystem::remove_all(folder);
}

TEST(BadUse, AModelThatThrowsFailsTheTrainerWhichCanBeRestored) {
  for (const Running running : all_ways) {
    auto fails = std::make_shared<std::atomic<int>>(0);
    Scripted model;
    model.loss = [fails](float, const Scripted::Batch&) -> double {
      switch (*fails) {
        case 1:
          throw std::runtime_error("no such medium");
        case 2:
          throw 42;
        case 3:
          return std::numeric_limits<double>::quiet_NaN();
        default:
          return 1.0;
      }
    };
    TrainerOptions options;
    options.running = running;
    options.execute = run_at_once;
    auto trainer = Trainer::create(model, options);
    ASSERT_TRUE(trainer);
    const auto one_step = [&] {
      const std::uint64_t next = trainer->status().steps + 1;
      EXPECT_TRUE(trainer->submit(Scripted::Batch{1}));
      return running == Running::stepped ? trainer->advance_to(trainer->status().time)
                                         : trainer->wait_for_steps(next, 5min);
    };
    EXPECT_EQ(one_step()->steps, 1u);
    const auto state = trainer->save();
    ASSERT_TRUE(state) << state.error().message;
    for (const int way : {1, 2, 3}) {
      *fails = way;
      const auto status = one_step();
      ASSERT_TRUE(status) << status.error().message;
      EXPECT_EQ(status->progress, Progress::failed);
      EXPECT_NE(status->failure, "");
      if (way == 1) {
        EXPECT_NE(status->failure.find("no such medium"), std::string::npos) << status->failure;
      }
      EXPECT_EQ(status->steps, 1u);
      const auto answer = trainer->predict<float>(2.0f);
      ASSERT_TRUE(answer) << answer.error().message;
      EXPECT_EQ(answer->version, 1u);
      EXPECT_TRUE(*trainer->save() == *state);
      *fails = 0;
      ASSERT_TRUE(trainer->restore(*state));
      EXPECT_EQ(one_step()->steps, 2u);
      ASSERT_TRUE(trainer->restore(*state));
    }
  }
}

TEST(BadUse, CallbacksCannotCallBackWhatWouldWaitForThem) {
  for (const Running running : all_ways) {
    std::optional<Trainer> trainer;
    std::vector<ErrorCode> codes;
    auto options = small_options();
    options.running = running;
    options.execute = run_at_once;
    options.on_step = [&](const StepReport&) {
      codes.push_back(code_of(trainer->save()));
      codes.push_back(code_of(trainer->close()));
      codes.push_back(code_of(trainer->predict<std::vector<float>>(std::vector<float>{1, 2})));
      EXPECT_TRUE(trainer->submit(examples_of(9)));
      throw std::runtime_error("nobody hears this");
    };
    trainer = std::move(*Trainer::create(small_model(), options));
    for (std::uint64_t i = 0; i < 3; ++i) {
      ASSERT_TRUE(trainer->submit(examples_of(i)));
    }
    if (running == Running::stepped) {
      ASSERT_TRUE(trainer->advance_to(1));
    } else {
      ASSERT_TRUE(trainer->wait_for_steps(1, 5min));
    }
    ASSERT_TRUE(trainer->save());  // when the callback has returned
    ASSERT_TRUE(trainer->close());
    EXPECT_EQ(codes, std::vector<ErrorCode>(3, ErrorCode::busy));
  }
}

TEST(BadUse, ATrainerMayBeDestroyedInItsOwnCallback) {
  wait_for_end_of_threads();
  for (const Running running : all_ways) {
    std::optional<Trainer> trainer;
    std::atomic<bool> called{false};
    auto options = small_options();
    options.running = running;
    options.execute = run_at_once;
    options.on_step = [&](const StepReport&) {
      trainer.reset();
      called = true;
      called.notify_all();
    };
    trainer = std::move(*Trainer::create(small_model(), options));
    for (std::uint64_t i = 0; i < 3; ++i) {
      ASSERT_TRUE(trainer->submit(examples_of(i)));
    }
    if (running == Running::stepped) {
      static_cast<void>(trainer->advance_to(1));
    }
    called.wait(false);
    EXPECT_FALSE(trainer);
    wait_for_end_of_threads();
  }
}

TEST(BadUse, DestroyingWhileOthersWaitTellsThem) {
  auto options = small_options();
  options.queue_bound = 3;
  auto trainer = std::make_unique<Trainer>(std::move(*Trainer::create(small_model(), options)));
  for (std::uint64_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(trainer->submit(examples_of(i)));
  }
  std::atomic<int> waiting{0};
  std::vector<std::thread> submitters;
  for (int i = 0; i < 3; ++i) {
    submitters.emplace_back([&] {
      ++waiting;
      EXPECT_EQ(code_of(trainer->submit(examples_of(4))), ErrorCode::closed);
    });
  }
  while (waiting < 3) {
    std::this_thread::yield();
  }
  ASSERT_TRUE(trainer->close());
  for (auto& submitter : submitters) {
    submitter.join();
  }
}

}  // namespace
}  // namespace nodezero::testing
