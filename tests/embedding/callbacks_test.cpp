// SPDX-License-Identifier: BSD-3-Clause

// Code of the host's that a trainer calls, and that calls the same trainer.

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

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

/// Calls all functions of a trainer, once from each place that is named.
class Caller {
 public:
  using Codes = std::map<std::string, std::vector<ErrorCode>>;

  explicit Caller(Running running) : running_(running) {}

  void watch(Trainer* trainer) { trainer_ = trainer; }
  void call_from(const std::string& place) {
    Trainer* const trainer = trainer_;
    if (!trainer || !is_first(place)) {
      return;
    }
    const SavedState none;
    std::vector<ErrorCode> codes{code_of(trainer->predict<float>(1.0f)), code_of(trainer->save()),
                                 code_of(trainer->restore(none)), code_of(trainer->close())};
    if (running_ == Running::stepped) {
      codes.push_back(code_of(trainer->step(1)));
      codes.push_back(code_of(trainer->advance_to(trainer->status().time)));
    } else {
      codes.push_back(code_of(trainer->wait_for_steps(100, 1h)));
    }
    const std::lock_guard lock(mutex_);
    codes_[place] = std::move(codes);
  }
  Codes codes() const {
    const std::lock_guard lock(mutex_);
    return codes_;
  }

 private:
  bool is_first(const std::string& place) {
    const std::lock_guard lock(mutex_);
    return codes_.try_emplace(place).second;
  }

  const Running running_;
  std::atomic<Trainer*> trainer_{nullptr};
  mutable std::mutex mutex_;
  Codes codes_;
};

/// A model that has a caller call the trainer.
struct Calling : Scripted {
  std::shared_ptr<Caller> caller;
  std::shared_ptr<std::atomic<bool>> throws = std::make_shared<std::atomic<bool>>(false);

  Loss loss_and_gradient(ConstTensors w, const Batch& batch, Tensors gradient,
                         Workspace& workspace) const {
    caller->call_from("loss_and_gradient");
    if (throws->exchange(false)) {
      throw std::runtime_error("so that there is a notice");
    }
    return Scripted::loss_and_gradient(w, batch, gradient, workspace);
  }
  float predict(ConstTensors w, const float& x) const {
    caller->call_from("predict");
    return Scripted::predict(w, x);
  }
  std::optional<Error> check(const Batch&) const {
    caller->call_from("check of a batch");
    return std::nullopt;
  }
  std::optional<Error> check(const float&) const {
    caller->call_from("check of an input");
    return std::nullopt;
  }
};

TrainerOptions options_for(Running running, const std::shared_ptr<Caller>& caller) {
  TrainerOptions options;
  options.running = running;
  options.steps_in_epoch = 1;
  options.on_step = [caller](const StepReport&) { caller->call_from("on_step"); };
  options.on_notice = [caller](const std::string&) { caller->call_from("on_notice"); };
  options.execute = [caller](const std::function<void()>& job) {
    caller->call_from("execute");
    job();
  };
  return options;
}

void do_two_steps(Trainer& trainer, Running running) {
  if (running == Running::stepped) {
    ASSERT_TRUE(trainer.advance_to(2));
  } else {
    ASSERT_TRUE(trainer.wait_for_steps(2, 5min));
  }
  ASSERT_EQ(trainer.status().steps, 2u);
}

TEST(Callbacks, OfAnyKindAreToldThatTheirTrainerIsBusy) {
  for (const Running running : all_ways) {
    const auto caller = std::make_shared<Caller>(running);
    Calling model;
    model.caller = caller;
    *model.throws = true;
    auto trainer = Trainer::create(model, options_for(running, caller));
    ASSERT_TRUE(trainer) << trainer.error().message;
    caller->watch(&*trainer);
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
    }
    do_two_steps(*trainer, running);
    ASSERT_TRUE(trainer->predict<float>(1.0f));
    ASSERT_TRUE(trainer->save());  // by now they are all over
    ASSERT_TRUE(trainer->close());
    const auto codes = caller->codes();
    EXPECT_EQ(codes.size(), running == Running::host_executor ? 7u : 6u);
    for (const auto& [place, seen] : codes) {
      EXPECT_EQ(seen, std::vector(running == Running::stepped ? 6 : 5, ErrorCode::busy))
          << place << ", way " << static_cast<int>(running);
    }
  }
}

TEST(Callbacks, ThatGiveBatchesAreToldSoToo) {
  for (const Running running : all_ways) {
    const auto caller = std::make_shared<Caller>(running);
    auto options = options_for(running, caller);
    options.total_steps = 2;
    std::atomic<bool> may_begin{false};  // the host has its trainer
    options.batches = [&](std::uint64_t, std::uint64_t, std::uint32_t) {
      if (running == Running::own_threads) {
        may_begin.wait(false);
      }
      caller->call_from("batches");
      return AnyValue::of(Scripted::Batch{1});
    };
    if (running == Running::host_executor) {
      options.execute = forget;
    }
    auto trainer = Trainer::create(Scripted(), options);
    ASSERT_TRUE(trainer) << trainer.error().message;
    caller->watch(&*trainer);
    may_begin = true;
    may_begin.notify_all();
    do_two_steps(*trainer, running);
    ASSERT_TRUE(trainer->close());
    EXPECT_EQ(caller->codes().at("batches"),
              std::vector(running == Running::stepped ? 6 : 5, ErrorCode::busy))
        << "way " << static_cast<int>(running);
  }
}

TEST(Callbacks, MaySubmitWhileThereIsRoomAndAskForTheStatus) {
  for (const Running running : all_ways) {
    std::atomic<Trainer*> trainer{nullptr};
    std::vector<ErrorCode> codes;
    Scripted model;
    model.loss = [&](float, const Scripted::Batch&) {
      if (trainer.load()->status().steps == 0 && codes.empty()) {
        do {  // the next steps take some meanwhile, but this one is not over
          codes.push_back(code_of(trainer.load()->submit(Scripted::Batch{1})));
        } while (codes.back() == ErrorCode{});
      }
      return 1.0;
    };
    TrainerOptions options;
    options.running = running;
    options.execute = run_at_once;
    options.queue_bound = 2;
    auto created = Trainer::create(model, options);
    ASSERT_TRUE(created) << created.error().message;
    trainer = &*created;
    ASSERT_TRUE(created->submit(Scripted::Batch{1}));
    if (running == Running::stepped) {
      ASSERT_TRUE(created->advance_to(1));
    } else {
      ASSERT_TRUE(created->wait_for_steps(3, 5min));
    }
    EXPECT_GE(created->status().steps, 3u);
    EXPECT_EQ(codes.front(), ErrorCode{});
    EXPECT_EQ(codes.back(), ErrorCode::queue_full);
  }
}

TEST(Callbacks, MayTalkToAnotherTrainer) {
  for (const Running running : all_ways) {
    auto other = Trainer::create(small_model(), small_options());
    ASSERT_TRUE(other);
    TrainerOptions options;
    options.running = running;
    options.execute = run_at_once;
    std::vector<ErrorCode> codes;
    options.on_step = [&](const StepReport&) {
      codes.push_back(code_of(other->submit(examples_of(0))));
      codes.push_back(code_of(other->save()));
    };
    auto trainer = Trainer::create(Scripted(), options);
    ASSERT_TRUE(trainer->submit(Scripted::Batch{1}));
    if (running == Running::stepped) {
      ASSERT_TRUE(trainer->advance_to(1));
    } else {
      ASSERT_TRUE(trainer->wait_for_steps(1, 5min));
    }
    ASSERT_TRUE(trainer->save());  // by now the callback is over
    ASSERT_TRUE(trainer->close());
    EXPECT_EQ(codes,
              (std::vector{ErrorCode{}, running == Running::own_threads ? ErrorCode::wrong_thread
                                                                        : ErrorCode{}}));
  }
}

TEST(Callbacks, OfTheModelMayDestroyTheTrainer) {
  wait_for_end_of_threads();
  for (const Running running : all_ways) {
    for (const bool in_check : {false, true}) {
      auto trainer = std::make_shared<std::optional<Trainer>>();
      std::atomic<bool> is_destroyed{false};
      struct Model : Scripted {
        std::function<void()> on_check;
        std::optional<Error> check(const Batch&) const {
          on_check();
          return std::nullopt;
        }
      } model;
      const auto destroy = [&is_destroyed, held = std::weak_ptr(trainer)] {
        held.lock()->reset();
        is_destroyed = true;
        is_destroyed.notify_all();
      };
      model.on_check = [=] {
        if (in_check) {
          destroy();
        }
      };
      model.loss = [=](float, const Scripted::Batch&) {
        destroy();
        return 1.0;
      };
      TrainerOptions options;
      options.running = running;
      options.execute = run_at_once;
      *trainer = std::move(*Trainer::create(model, options));
      static_cast<void>((*trainer)->submit(Scripted::Batch{1}));
      if (running == Running::stepped && *trainer) {
        static_cast<void>((*trainer)->advance_to(1));
      }
      is_destroyed.wait(false);
      EXPECT_FALSE(*trainer);
      wait_for_end_of_threads();
    }
  }
}

}  // namespace
}  // namespace nodezero::testing
