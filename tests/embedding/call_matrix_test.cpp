// SPDX-License-Identifier: BSD-3-Clause

// Every call, made at every moment of a trainer's life, returns and leaves a trainer that goes on.

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
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

enum class Moment { training, ending, ended, failed };

struct Call {
  const char* name;
  std::function<ErrorCode(std::optional<Trainer>&, const SavedState&)> make;
  bool ends_the_trainer = false;
};

ErrorCode code_of(const auto& result) {
  return result ? ErrorCode{} : result.error().code;
}

const std::vector<Call>& calls() {
  using Held = std::optional<Trainer>;
  static const std::vector<Call> all = {
      {"predict", [](Held& t, const SavedState&) { return code_of(t->predict<float>(2.0f)); }},
      {"save", [](Held& t, const SavedState&) { return code_of(t->save()); }},
      {"restore", [](Held& t, const SavedState& state) { return code_of(t->restore(state)); }},
      {"submit",
       [](Held& t, const SavedState&) {
         const auto code = code_of(t->submit(Scripted::Batch{1}));
         return code == ErrorCode::queue_full ? ErrorCode{} : code;
       }},
      {"close", [](Held& t, const SavedState&) { return code_of(t->close()); }, true},
      {"destroy",
       [](Held& t, const SavedState&) {
         t.reset();
         return ErrorCode{};
       },
       true},
  };
  return all;
}

/// A trainer at a moment of its life. Where it works, its work waits at the gate.
struct World {
  World(Running running, Moment moment) : moment_(moment) {
    Scripted model;
    model.loss = [this](float, const Scripted::Batch&) {
      if (moment_ == Moment::training) {
        gate.pass();
      }
      return fails ? throw std::runtime_error("no such medium") : 1.0;
    };
    TrainerOptions options;
    options.running = running;
    options.execute = pool.executor();
    options.total_steps = 4;
    options.queue_bound = 1;
    options.on_step = [this](const StepReport& report) {
      if (moment_ == Moment::ending && report.step == 3) {
        gate.pass();
      }
    };
    trainer = std::move(*Trainer::create(model, options));
    state = *trainer->save();
  }

  /// Brings the trainer to its moment, and the queue to its bound if it stays there.
  void begin() {
    fails = moment_ == Moment::failed;
    const int batches = moment_ == Moment::training || moment_ == Moment::failed ? 1 : 4;
    for (int i = 0; i < batches; ++i) {
      EXPECT_TRUE(trainer->submit(Scripted::Batch{1}));
    }
    if (moment_ == Moment::training || moment_ == Moment::ending) {
      gate.await_arrival();
    } else {
      while (trainer->status().progress == Progress::working) {
        std::this_thread::yield();
      }
    }
    while (trainer->status().waiting < 1) {
      EXPECT_TRUE(trainer->submit(Scripted::Batch{1}));
    }
  }

  /// The trainer does all its steps, after whatever has happened to it.
  void go_on(const std::string& what) {
    fails = false;
    if (trainer->status().progress == Progress::failed) {
      EXPECT_TRUE(trainer->restore(state)) << what;
    }
    while (trainer->status().progress == Progress::working) {
      const auto code = code_of(trainer->submit(Scripted::Batch{1}));
      EXPECT_TRUE(code == ErrorCode{} || code == ErrorCode::queue_full) << what;
    }
    EXPECT_EQ(trainer->status().progress, Progress::finished) << what << trainer->status().failure;
    EXPECT_EQ(trainer->status().steps, 4u) << what;
    EXPECT_EQ(code_of(trainer->predict<float>(2.0f)), ErrorCode{}) << what;
  }

  Gate gate;
  Pool pool{2};
  std::atomic<bool> fails{false};
  const Moment moment_;
  std::optional<Trainer> trainer;
  SavedState state;
};

void make_calls(Running running) {
  for (const Moment moment : {Moment::training, Moment::ending, Moment::ended, Moment::failed}) {
    for (const Call& call : calls()) {
      for (const bool same_thread : {true, false}) {
        const std::string what = std::string(call.name) + " at moment " +
                                 std::to_string(static_cast<int>(moment)) +
                                 (same_thread ? ", same thread: " : ", another thread: ");
        must_return(what, [&] {
          World world(running, moment);
          world.begin();
          std::atomic<bool> calls{false};
          const auto make = [&] {
            calls = true;
            EXPECT_EQ(call.make(world.trainer, world.state), ErrorCode{}) << what;
          };
          const auto open = [&] {
            while (!calls) {
              std::this_thread::yield();
            }
            world.gate.open();
          };
          std::thread other(same_thread ? std::function<void()>(open) : make);
          same_thread ? make() : open();
          other.join();
          if (!call.ends_the_trainer) {
            world.go_on(what);
          }
        });
      }
    }
  }
}

TEST(EveryCall, ReturnsAtEveryMomentWithOwnThreads) {
  make_calls(Running::own_threads);
}

TEST(EveryCall, ReturnsAtEveryMomentOnTheHostsExecutor) {
  make_calls(Running::host_executor);
}

/// Stepped, the moments are the messages of a whole run, from the first to after the last.
class SteppedWorld {
 public:
  explicit SteppedWorld(bool fails) {
    Scripted model;
    model.loss = [this](float, const Scripted::Batch&) {
      return fails_ ? throw std::runtime_error("no such medium") : 1.0;
    };
    TrainerOptions options;
    options.total_steps = 2;
    options.steps_in_epoch = 1;
    options.queue_bound = 2;
    trainer = std::move(*Trainer::create(model, options));
    state = *trainer->save();
    fails_ = fails;
    submit();
  }
  void submit() {
    while (trainer->status().waiting < 2 && trainer->submit(Scripted::Batch{1})) {
    }
  }
  /// Handles so many messages; false if there were not as many.
  bool handle(int messages) {
    for (int i = 0; i < messages; ++i) {
      const auto status = trainer->step(1);
      if (status->progress == Progress::idle) {
        return false;
      }
      is_over = status->progress == Progress::finished || status->progress == Progress::failed;
      if (is_over) {
        return i + 1 == messages;
      }
    }
    return true;
  }
  void go_on(const std::string& what) {
    fails_ = false;
    for (int i = 0; i < 3 && trainer->status().progress != Progress::finished; ++i) {
      if (trainer->status().progress == Progress::failed) {
        EXPECT_TRUE(trainer->restore(state)) << what;
      }
      submit();
      EXPECT_TRUE(trainer->advance_to(0)) << what;
      while (trainer->step(1'000)->progress != Progress::idle &&
             trainer->status().progress == Progress::working) {
      }
    }
    EXPECT_EQ(trainer->status().progress, Progress::finished) << what << trainer->status().failure;
    EXPECT_EQ(trainer->status().steps, 2u) << what;
    EXPECT_EQ(code_of(trainer->predict<float>(2.0f)), ErrorCode{}) << what;
  }

  std::optional<Trainer> trainer;
  SavedState state;
  bool is_over = false;

 private:
  bool fails_ = false;
};

TEST(EveryCall, ReturnsAtEveryMessageWhenStepped) {
  for (const bool fails : {false, true}) {
    for (const Call& call : calls()) {
      must_return(call.name, [&] {
        int messages = 0;
        for (bool is_over = false; !is_over; ++messages) {
          const std::string what = std::string(call.name) + (fails ? ", failing" : "") +
                                   ", after " + std::to_string(messages) + " messages: ";
          SteppedWorld world(fails);
          ASSERT_TRUE(world.handle(messages)) << what;
          is_over = world.is_over;
          EXPECT_EQ(call.make(world.trainer, world.state), ErrorCode{}) << what;
          if (!call.ends_the_trainer) {
            world.go_on(what);
          }
        }
        EXPECT_GT(messages, 20);
      });
    }
  }
}

TEST(EveryCall, FromAnotherThreadReturnsWhenStepped) {
  for (const Call& call : calls()) {
    must_return(call.name, [&] {
      for (int messages = 0; messages < 40; ++messages) {
        SteppedWorld world(false);
        world.handle(messages);
        const bool is_allowed = call.name == std::string("submit") || !world.trainer ||
                                call.name == std::string("destroy");
        std::atomic<bool> has_returned{false};
        std::thread other([&] {
          EXPECT_EQ(call.make(world.trainer, world.state),
                    is_allowed ? ErrorCode{} : ErrorCode::wrong_thread)
              << call.name << " after " << messages;
          has_returned = true;
        });
        while (call.name == std::string("submit") && !has_returned) {
          (void)world.trainer->step(1);  // makes room
        }
        other.join();
        if (world.trainer) {
          world.go_on(call.name);
        }
      }
    });
  }
}

}  // namespace
}  // namespace nodezero::testing
